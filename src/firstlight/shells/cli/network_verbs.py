"""The verbs about networks before they train: each parses, calls `firstlight.api`, hands over.

`firstlight.api` and the screens are imported inside the verbs, so that `--help` and tab
completion wait for neither NumPy nor Rich.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firstlight.core.errors import SettingError
from firstlight.core.settings import TrainSettings
from firstlight.shells.cli.answer import Answer
from firstlight.shells.cli.application import READING, SEED, TRAINING, Data, app
from firstlight.shells.cli.options import verb

if TYPE_CHECKING:
    from rich.console import Console


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


@verb(app)
def doctor() -> Answer:
    """Show versions, devices, threads and Keras backends here."""
    from firstlight import api
    from firstlight.shells.cli.show_environment import show_environment

    environment = api.doctor()
    return Answer(environment, lambda screen: show_environment(screen, environment))
