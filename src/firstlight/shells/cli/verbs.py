"""The verbs of the command line: each parses, calls `firstlight.api` and hands over the answer.

`firstlight.api` and the screens are imported inside the verbs, so that `--help` and tab
completion wait for neither NumPy nor Rich.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firstlight.core.errors import SettingError
from firstlight.core.settings import DataSettings, SimulationSettings, TrainSettings
from firstlight.shells.cli.answer import Answer, document_text, prints_to_stderr
from firstlight.shells.cli.options import OptionGroup, verb

if TYPE_CHECKING:
    from rich.console import Console

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


def _run_names(incomplete: str) -> list[str]:
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
    str, typer.Argument(metavar="RUN", help="a run's name or folder", autocompletion=_run_names)
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


@verb(
    app,
    READING,
    SEED,
    examples=(
        "firstlight explore mnist",
        "firstlight explore photos/ --save look",
    ),
)
def explore(data: Data, save: Save = None, **settings: Any) -> Answer:
    """Look at data: shapes, values, labels, duplicates, bad files."""
    from firstlight import api
    from firstlight.shells.cli.show_data import show_exploration

    exploration = api.explore(data, save=save, **settings)
    return Answer(exploration.to_dict(), lambda screen: show_exploration(screen, exploration, save))


@verb(
    app,
    TRAINING,
    READING,
    examples=(
        "firstlight check mnist --model vgg",
        "firstlight check photos/ --model net.yaml --fix",
    ),
)
def check(
    data: Data,
    fix: Annotated[bool, typer.Option("--fix", help="write the mended network as YAML")] = False,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="where --fix writes (default: MODEL-mended.yaml)"),
    ] = None,
    **settings: Any,
) -> Answer:
    """Check a network before it trains: shapes, cost, mistakes.

    Exit code 2 says that the network cannot train as it is.
    """
    from firstlight import api
    from firstlight.shells.cli.show_model import show_checkup

    if output is not None and not fix:
        raise SettingError("--output says where --fix writes: give --fix too.")
    target = _mended_file(settings.get("model", TrainSettings.model), output) if fix else None
    checkup = api.check(data, fix=target, **settings)
    written = target if checkup.mended is not None else None

    def show(screen: Console) -> None:
        show_checkup(screen, checkup, target)

    return Answer(
        {"checkup": checkup, "mended_file": written}, show, exit_code=2 if checkup.errors else 0
    )


def _mended_file(model: str, output: Path | None) -> Path:
    """Where the mended network goes; without `--output`, never over an existing file."""
    if output is not None:
        return output
    target = Path(f"{Path(model.partition(':')[0]).stem}-mended.yaml")
    if target.exists():
        raise SettingError(f"{target} exists already: choose another file with --output.")
    return target


@verb(
    app,
    TRAINING,
    READING,
    examples=(
        "firstlight train mnist",
        "firstlight train mnist --preset best",
        "firstlight train mnist --model simple --epochs 5 --batch-size 256",
        "firstlight train --resume mnist-compact",
    ),
)
def train(
    data: OptionalData = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="go on with a run that was stopped", autocompletion=_run_names
        ),
    ] = None,
    runs: Runs = Path("runs"),
    quiet: Annotated[bool, typer.Option("--quiet", help="show the report only")] = False,
    **settings: Any,
) -> Answer:
    """Train a network, then test it on images it has not seen.

    What is left out is as the preset, else the recipe of the model says.
    """
    from firstlight.shells.cli.progress import training_progress
    from firstlight.shells.cli.show_results import show_run
    from firstlight.shells.cli.terminal import make_console

    subject = _train_subject(data, resume, settings)
    from firstlight import api

    with training_progress(make_console(), quiet=quiet, data=data or "DATA") as progress:
        if resume is not None:
            run = api.resume(subject, runs=runs, progress=progress)
        else:
            run = api.train(subject, runs=runs, progress=progress, **settings)
    return Answer(run.to_dict(), lambda screen: show_run(screen, run))


@verb(
    app,
    TRAINING,
    READING,
    examples=(
        "firstlight lr mnist --model simple",
        "firstlight lr photos/ --model net.yaml --save lr.png",
    ),
)
def lr(
    data: Data,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the figure there (.png)")
    ] = None,
    **settings: Any,
) -> Answer:
    """Look for a learning rate: train a little while it grows.

    Give the options that you will train with. Nothing is kept of this training.
    """
    from firstlight import api
    from firstlight.shells.cli.progress import training_progress
    from firstlight.shells.cli.show_rates import show_range_test
    from firstlight.shells.cli.terminal import make_console

    with training_progress(make_console(), data=data) as progress:
        test = api.lr(data, save=save, progress=progress, **settings)
    return Answer(test, lambda screen: show_range_test(screen, test, save))


def _train_subject(data: str | None, resume: str | None, settings: dict[str, Any]) -> str:
    """The images to train on or the run to go on with: one of the two, never both."""
    if resume is None:
        if data is None:
            raise SettingError("no DATA: give images to train on, as in `firstlight train mnist`.")
        return data
    if data is not None or settings:
        given = "DATA" if data is not None else "--" + next(iter(settings)).replace("_", "-")
        raise SettingError(
            f"--resume goes on with the run's own data and settings: leave {given} out."
        )
    return resume


@verb(
    app,
    READING,
    examples=(
        "firstlight evaluate mnist-compact",
        "firstlight evaluate mnist-compact other-digits/",
    ),
)
def evaluate(
    run: Run,
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="other images (default: the run's own)")
    ] = None,
    trust_code: TrustCode = None,
    runs: Runs = Path("runs"),
    **settings: Any,
) -> Answer:
    """Test a trained network: scores, intervals, confusions."""
    from firstlight import api
    from firstlight.evaluation import report_to_dict
    from firstlight.shells.cli.show_results import show_report

    report = api.evaluate(run, data, runs=runs, trust_code=trust_code, **settings)
    return Answer(report_to_dict(report), lambda screen: show_report(screen, report))


@verb(
    app,
    examples=(
        "firstlight predict mnist-compact digit.png",
        "firstlight predict mnist-compact scans/ --output answers.csv",
    ),
)
def predict(
    run: Run,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="images, folders, files of many images")
    ],
    side: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="a number that the network takes beside images"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write there: .csv or .json")
    ] = None,
    format: Annotated[
        str, typer.Option(metavar="FORMAT", help="on the terminal: table, csv or json")
    ] = "table",
    trust_code: TrustCode = None,
    runs: Runs = Path("runs"),
) -> Answer:
    """Ask a trained network: class and probability, or value."""
    from firstlight.shells.cli import show_predictions as forms

    forms.check_output(format, output)
    from firstlight import api

    with nullcontext() if format == "table" else prints_to_stderr():
        predictions = api.predict(
            run, files, side=_numbers(side or []), runs=runs, trust_code=trust_code
        )
    document = forms.predictions_document(predictions)
    if output is not None:
        forms.save_predictions(output, predictions)

    def show(screen: Console) -> None:
        if format == "csv":
            typer.echo(forms.predictions_csv(predictions), nl=False)
            forms.warn_of_refused(predictions)
        elif format == "json":
            typer.echo(document_text(document))
        else:
            forms.show_predictions(screen, predictions, output)

    return Answer(document, show)


def _numbers(words: list[str]) -> dict[str, float]:
    """`z=8` as a name with its number."""
    numbers = {}
    for word in words:
        name, _, number = word.partition("=")
        try:
            numbers[name] = float(number)
        except ValueError:
            raise SettingError(
                f"--side takes a name and a number, such as z=8, but {word!r} came."
            ) from None
    return numbers


@verb(
    app,
    examples=("firstlight compare mnist-compact mnist-simple --save comparison",),
)
def compare(
    run: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="names or folders", autocompletion=_run_names),
    ],
    save: Save = None,
    runs: Runs = Path("runs"),
) -> Answer:
    """Compare runs: settings, scores, more than chance or not."""
    from firstlight import api
    from firstlight.shells.cli.show_results import show_comparison

    comparison = api.compare(run, runs=runs, save=save)
    return Answer(comparison, lambda screen: show_comparison(screen, comparison, save))


@verb(
    app,
    examples=("firstlight convert maps.pkl maps.npz --trust-pickle",),
)
def convert(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a pickled pandas table (.pkl)")],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="the .npz file to write")],
    trust_pickle: Annotated[
        bool,
        typer.Option("--trust-pickle", help="say that you trust whoever wrote the pickle"),
    ] = False,
) -> Answer:
    """Make arrays of a pickled table, which is not read as DATA.

    Nothing that the pickle names is run: it is taken apart as pandas and NumPy lay it out.
    """
    from firstlight import api
    from firstlight.shells.cli.show_conversion import show_conversion

    conversion = api.convert(file, output, trust_pickle=trust_pickle)
    return Answer(conversion, lambda screen: show_conversion(screen, conversion))


@verb(app, READING, SEED)
def models(
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="count for these images (default: as mnist)"),
    ] = None,
    **settings: Any,
) -> Answer:
    """List the ready-made networks with parameters and cost."""
    from firstlight import api
    from firstlight.shells.cli.show_model import show_models

    rows = api.list_models(data, **settings)
    return Answer({"models": rows}, lambda screen: show_models(screen, rows))


@verb(
    app,
    SIMULATING,
    examples=(
        "firstlight simulate reionisation",
        "firstlight simulate reionisation --preset hard --boxes 200",
    ),
)
def simulate(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="reionisation")],
    **settings: Any,
) -> Answer:
    """Simulate maps to measure on: hydrogen in the early universe.

    All cores work; what was finished before it was stopped stays.
    """
    from firstlight import api
    from firstlight.shells.cli.progress import training_progress
    from firstlight.shells.cli.show_data import show_simulation
    from firstlight.shells.cli.terminal import make_console

    with training_progress(make_console()) as progress:
        folder = api.simulate(what, progress=progress, **settings)
    own = what if "out" not in settings else str(folder)
    return Answer({"folder": folder}, lambda screen: show_simulation(screen, folder, own))


@verb(app)
def doctor() -> Answer:
    """Show versions, devices, threads and Keras backends here."""
    from firstlight import api
    from firstlight.shells.cli.show_environment import show_environment

    environment = api.doctor()
    return Answer(environment, lambda screen: show_environment(screen, environment))
