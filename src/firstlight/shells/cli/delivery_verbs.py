"""The verbs that take a network out: each parses, calls `firstlight.api`, hands over.

`firstlight.api` and the screens are imported inside the verbs, so that `--help` and tab
completion wait for neither NumPy nor Rich.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstlight.shells.cli.answer import Answer
from firstlight.shells.cli.application import Run, Runs, TrustCode, app
from firstlight.shells.cli.options import verb


@verb(
    app,
    examples=(
        "firstlight eject mnist-compact --to notebook.ipynb",
        "firstlight eject mnist-compact --to script.py",
    ),
)
def eject(
    run: Run,
    to: Annotated[Path, typer.Option(metavar="FILE", help="the program to write: .py or .ipynb")],
    unexecuted: Annotated[
        bool, typer.Option("--unexecuted", help="write the notebook without running it")
    ] = False,
    trust_code: TrustCode = None,
    runs: Runs = Path("runs"),
) -> Answer:
    """Write a run as a plain Keras program without firstlight.

    The images are written beside it. A notebook is run, which trains the network again in Keras.
    """
    from firstlight import api
    from firstlight.shells.cli.show_delivery import show_delivery

    if to.suffix.lower() == ".ipynb" and not unexecuted:
        typer.echo("The notebook is run: Keras trains the network again.", err=True)
    delivery = api.eject(run, to, executed=not unexecuted, runs=runs, trust_code=trust_code)
    return Answer(delivery, lambda screen: show_delivery(screen, delivery))


@verb(
    app,
    examples=(
        "firstlight export mnist-compact --to onnx",
        "firstlight export mnist-compact --to keras --output digits.keras",
    ),
)
def export(
    run: Run,
    to: Annotated[str, typer.Option(metavar="FORMAT", help="onnx or keras")] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="write there (default: RUN.onnx or RUN.keras)"),
    ] = None,
    trust_code: TrustCode = None,
    runs: Runs = Path("runs"),
) -> Answer:
    """Write a trained network for other programs: ONNX or Keras.

    What the file answers is held against the run before it is left in place.
    """
    from firstlight import api
    from firstlight.shells.cli.show_delivery import show_delivery

    delivery = api.export(run, to, output, runs=runs, trust_code=trust_code)
    return Answer(delivery, lambda screen: show_delivery(screen, delivery))
