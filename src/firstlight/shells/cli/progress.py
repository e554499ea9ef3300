"""What `train` shows while it works: a live line in a terminal, plain lines everywhere else."""

from __future__ import annotations

import math
import shlex
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from firstlight.core.settings import METRICS
from firstlight.shells.cli.terminal import say, warn
from firstlight.shells.cli.text import clean, counted, duration, number, percent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

Event = dict[str, Any]
FRACTIONS = frozenset(
    {"accuracy", "top_3", "top_5", "precision", "recall", "f1", "calibration_error"}
)
REFUSED_SHOWN = 3
ROOM_FOR_A_BAR = 100  # columns
# Columns of the table of epochs, each with the blank before it: epoch, loss and metric (twice),
# images per second and time.
PLACE_WIDTH = 9
SCORE_WIDTHS = (10, 11)
SPEED_WIDTHS = (12, 9)


def score_text(name: str, value: float | None) -> str:
    """A score as its name asks for: fractions in percent, everything else as a number.

    No number is longer than nine characters, so that columns of them stay in line.

    Example:
        >>> score_text("accuracy", 0.9), score_text("loss", 0.25), score_text("loss", 4.6e12)
        ('90.00 %', '0.2500', '4.60e+12')
    """
    if name in FRACTIONS:
        return percent(value)
    if value is None or not math.isfinite(value) or value == 0:
        return number(value)
    if 0.001 <= abs(value) < 1000:
        return f"{value:.4f}"
    return number(value) if 1000 <= abs(value) < 1e6 else f"{value:.2e}"


@contextmanager
def training_progress(
    console: Console, *, quiet: bool = False, data: str = "DATA"
) -> Iterator[Callable[[Event], None]]:
    """A receiver of training events that shows them on `console`.

    Each epoch becomes a line that stays. In a terminal one more line below them moves:
    epoch, loss, metric, validation, images per second, time left.

    Args:
        console: where to write.
        quiet: whether nothing is shown at all.
        data: the images as the user named them, for the command that says more about them.
    """
    if quiet:
        yield lambda event: None
    elif console.is_terminal:
        with _live_line(console) as line:
            yield _Lines(console, line, data).receive
    else:
        yield _Lines(console, None, data).receive


@contextmanager
def _live_line(console: Console) -> Iterator[Progress]:
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    line = Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        *([BarColumn(bar_width=None)] * (console.width >= ROOM_FOR_A_BAR)),
        TextColumn("{task.fields[numbers]}", markup=False, table_column=Column(no_wrap=True)),
        console=console,
        expand=True,
        transient=True,
    )
    with line:
        yield line


class _Lines:
    """Turns events into lines."""

    def __init__(self, console: Console, line: Progress | None, data: str) -> None:
        self._console = console
        self._line = line
        self._data = data
        self._metric = ""
        self._validation = ""
        self._epochs = 0
        self._reading: TaskID | None = None

    def receive(self, event: Event) -> None:
        """Show one event; kinds that need no line are passed over."""
        kind = event["kind"]
        if kind == "reading":
            self._read(event)
            return
        if self._line is not None and self._reading is not None:
            self._line.remove_task(self._reading)
            self._reading = None
        if kind == "plan":
            self._plan(event)
        elif kind == "start":
            self._epochs = event["epochs"]
        elif kind == "step":
            self._move(event)
        elif kind == "epoch":
            self._epoch(event)
        elif kind == "state" and event["state"] == "warning":
            warn(self._console, event["message"])
        elif kind == "state" and event["state"] != "stopped":  # the error's line tells that
            say(self._console, event["message"])

    def _read(self, event: Event) -> None:
        """How far images have come that are brought to disk; goes when something else begins."""
        if self._line is None:
            return
        first = self._reading is None
        if self._reading is None:
            self._reading = self._line.add_task("", numbers="")
        self._line.update(
            self._reading,
            # At once: a short reading would be over before the line is drawn next.
            refresh=first,
            completed=event["done"],
            total=event["total"],
            description=clean(event["what"]),
            numbers=f"{event['done']:,} of {event['total']:,}",
        )

    def _plan(self, event: Event) -> None:
        """What will be done, and what to know about the data and the network beforehand."""
        for line in event["lines"]:
            width = self._console.width
            self._print(textwrap.fill(clean(line), width, subsequent_indent=" " * 8))
        for note in event.get("notes", ()):
            say(self._console, note, "dim")
        refused = event.get("refused", ())
        if refused:
            say(self._console, f"left out: {counted(len(refused), 'file')}", "bold yellow")
            for entry in refused[:REFUSED_SHOWN]:
                self._indented(f"{entry['file']}: {entry['reason']}")
            if len(refused) > REFUSED_SHOWN:
                more = f"and {len(refused) - REFUSED_SHOWN:,} more: firstlight explore "
                self._indented(more + shlex.quote(self._data))
        for warning in event.get("warnings", ()):
            warn(self._console, warning)

    def _indented(self, words: str) -> None:
        self._console.print(Padding(Text(clean(words)), (0, 0, 0, 2), expand=False))

    def _move(self, event: Event) -> None:
        if self._line is None:
            return
        scores = [f"loss {score_text('loss', event['loss'])}"]
        scores += [f"{name} {score_text(name, event[name])}" for name in METRICS if name in event]
        if self._validation:
            scores.append(f"validation {self._validation}")
        left = f"{duration(event['seconds_left'])} left"
        if "epoch" in event:
            place = f"epoch {event['epoch']}/{self._epochs}"
        else:  # the range test's, which has none
            place = f"learning rate {event['learning_rate']:.1e}"
        rate = f"{event['images_per_second']:,.0f}"
        # Where the line is too long, the speed says less: each epoch's own line has it too.
        for speed in ([f"{rate} images/s"], [f"{rate}/s"], []):
            numbers = "  ".join([*scores, *speed, left])
            if len(place) + 1 + len(numbers) <= self._console.width:
                break
        if not self._line.tasks:
            self._line.add_task("", total=event["steps_total"], numbers="")
        self._line.update(
            self._line.tasks[0].id, completed=event["step"], description=place, numbers=numbers
        )

    def _epoch(self, event: Event) -> None:
        if not self._metric:
            self._metric = _metric_of(event)
            both = SCORE_WIDTHS[0] + SCORE_WIDTHS[1]
            self._print(f"{'':{PLACE_WIDTH}}{'training':>{both}}{'validation':>{both}}")
            heads = ("loss", clean(self._metric)) * 2
            self._row("epoch", heads, ("images/s", "time"))
        name = self._metric
        loss, validation_loss = event["loss"], event.get("validation_loss")
        self._validation = score_text(name, event.get(f"validation_{name}"))
        place = f"{event['epoch']}/{event['epochs']}"
        training = (score_text("loss", loss), score_text(name, event.get(name)))
        validation = (score_text("loss", validation_loss), self._validation)
        speed = (f"{event['images_per_second']:,.0f}", duration(event["seconds"]))
        self._row(place, (*training, *validation), speed)

    def _row(self, place: str, scores: Sequence[str], speed: Sequence[str]) -> None:
        """One line of the table of epochs; where it would wrap, the speed is left out."""
        cells = [f"{word:>{width}}" for word, width in zip(scores, SCORE_WIDTHS * 2, strict=True)]
        if self._console.width >= PLACE_WIDTH + 2 * sum(SCORE_WIDTHS) + sum(SPEED_WIDTHS):
            cells += [f"{word:>{width}}" for word, width in zip(speed, SPEED_WIDTHS, strict=True)]
        self._print(f"{place:<{PLACE_WIDTH}}{''.join(cells)}")

    def _print(self, line: str) -> None:
        self._console.print(Text(line.rstrip()), soft_wrap=True)


def _metric_of(event: Event) -> str:
    """The metric that an epoch event carries beside the loss, for training and validation."""
    names = [name for name in event if name != "loss" and f"validation_{name}" in event]
    return names[0] if names else ""
