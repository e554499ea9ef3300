"""The verbs that train and ask networks: each parses, calls `firstlight.api`, hands over.

`firstlight.api` and the screens are imported inside the verbs, so that `--help` and tab
completion wait for neither NumPy nor Rich.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firstlight.core.errors import SettingError
from firstlight.shells.cli.answer import Answer, document_text, prints_to_stderr
from firstlight.shells.cli.application import (
    READING,
    TRAINING,
    OptionalData,
    Run,
    Runs,
    Save,
    TrustCode,
    app,
    run_names,
)
from firstlight.shells.cli.options import verb

if TYPE_CHECKING:
    from rich.console import Console


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
            metavar="RUN", help="go on with a run that was stopped", autocompletion=run_names
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
        "firstlight predict sky maps.fits --resize none",
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
    resize: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="how images of other sizes are fitted: pad, crop, stretch, or none: each pixel "
            "stays what it is (default: as in training)",
        ),
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
            run,
            files,
            side=_numbers(side or []),
            resize=resize,
            runs=runs,
            trust_code=trust_code,
        )
    document = forms.predictions_document(predictions)
    if output is not None:
        forms.save_predictions(output, predictions)

    def show(screen: Console) -> None:
        if format == "csv":
            typer.echo(forms.predictions_csv(predictions), nl=False)
            forms.say_on_stderr(predictions)
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
        typer.Argument(metavar="RUN", help="names or folders", autocompletion=run_names),
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
    examples=(
        "firstlight look mnist-compact --save inside",
        "firstlight look mnist-compact --image 7 --layer conv2d_1 --filter 3 --save inside",
        "firstlight look mnist-compact --image digit.png --of 4",
    ),
)
def look(
    run: Run,
    image: Annotated[
        str, typer.Option(metavar="NUMBER|FILE", help="one of the test images, or a file")
    ] = "0",
    of: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="the class or number to explain (default: the answer)"),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="the convolution shown at work")
    ] = None,
    filter: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="which of its filters")
    ] = None,
    position: Annotated[
        str | None, typer.Option(metavar="ROW,COLUMN", help="where in the filter's answer")
    ] = None,
    side: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="a number beside an image from a file"),
    ] = None,
    save: Save = None,
    trust_code: TrustCode = None,
    runs: Runs = Path("runs"),
) -> Answer:
    """Look inside a trained network: layers, a kernel, saliency.

    For one image: what each layer answers, one number of a convolution multiplied and added up,
    where the answer comes from, and loss, softmax, accuracy and parameters step by step.
    """
    from firstlight import api
    from firstlight.shells.cli.show_look import look_document, show_look

    found = api.look(
        run,
        int(image) if image.isdecimal() else image,
        of=of,
        layer=layer,
        filter=filter,
        position=_position(position),
        side=_numbers(side or []),
        save=save,
        runs=runs,
        trust_code=trust_code,
    )
    return Answer(look_document(found), lambda screen: show_look(screen, found, save))


def _position(words: str | None) -> tuple[int, int] | None:
    """`3,4` as two numbers."""
    if words is None:
        return None
    row, comma, column = (part.strip() for part in words.partition(","))
    if not (comma and row.isdecimal() and column.isdecimal()):
        raise SettingError(f"--position takes a row and a column, such as 3,4, but {words!r} came.")
    return int(row), int(column)
