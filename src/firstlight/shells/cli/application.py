"""The command line's application, and the arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstlight.core.settings import DataSettings, SimulationSettings, TrainSettings
from firstlight.shells.cli.options import OptionGroup

app = typer.Typer(
    help="From a pile of images to a trained network that you can trust and see into.",
    epilog="Start with: firstlight train mnist",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

READING = OptionGroup("Reading the data", DataSettings)
TRAINING = OptionGroup("Training", TrainSettings)
SIMULATING = OptionGroup("Simulating", SimulationSettings)
SEED = OptionGroup("Reading the data", TrainSettings, only=("seed",))


def run_names(incomplete: str) -> list[str]:
    """The runs in `runs/`, for tab completion."""
    return sorted(run.parent.name for run in Path("runs").glob(f"{incomplete}*/run.json"))


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="mnist, reionisation, a folder, a table, FITS, HDF5, TIFF, zarr, .npz, .npy, IDX",
    ),
]
OptionalData = Annotated[
    str | None, typer.Argument(metavar="DATA", help="images, as for `firstlight explore`")
]
Run = Annotated[
    str, typer.Argument(metavar="RUN", help="a run's name or folder", autocompletion=run_names)
]
Runs = Annotated[Path, typer.Option(metavar="FOLDER", help="where the run folders lie")]
TrustCode = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="a Python file whose layers the model file may use: it is executed"
    ),
]
Save = Annotated[Path | None, typer.Option(metavar="FOLDER", help="write figures and a page there")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"firstlight {version('firstlight')}")
        raise typer.Exit


@app.callback()
def firstlight(
    version: Annotated[
        bool, typer.Option("--version", help="show the version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """From a pile of images to a trained network that you can trust and see into."""
