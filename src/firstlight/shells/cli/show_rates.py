"""The screen of a learning-rate range test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from firstlight.shells.cli.progress import score_text
from firstlight.shells.cli.terminal import heading, say, say_path, show_table
from firstlight.shells.cli.text import clean

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.range_test import RangeTest

LONGEST_BAR = 32  # columns
FEWEST_APART = 5  # steps between a row and one with a name


def show_range_test(console: Console, test: RangeTest, save: Path | None) -> None:
    """The loss at some of the rates as bars, the suggestion, and the command to train with it."""
    heading(console, "The loss while the learning rate grew")
    _show_curve(console, test)
    say(console, f"It ended after {len(test.rates):,} batches: {test.end}.")
    heading(console, f"Suggested learning rate: {test.suggestion:g}")
    say(console, f"Rule: {test.rule}.")
    if save is not None:
        say_path(console, "Figure", save)
    heading(console, "Train with")
    console.print(Text(clean(test.command)), soft_wrap=True)


def _show_curve(console: Console, test: RangeTest) -> None:
    """Two rows for each factor of ten, and those of the suggestion and of the lowest loss."""
    exponents = np.log10(test.rates)

    def nearest(rate: float) -> int:
        return int(np.abs(exponents - np.log10(rate)).argmin())

    named = {nearest(test.lowest): "lowest", nearest(test.suggestion): "suggested"}
    halves = np.arange(np.ceil(2 * exponents[0]), 2 * exponents[-1] + 0.1) / 2
    between = {nearest(10.0**half) for half in halves}
    apart = {row for row in between if all(abs(row - at) > FEWEST_APART for at in named)}
    shown = sorted({*named, *apart})
    # A loss above that of the beginning fills the bar: at the end it may be in the thousands.
    most = test.smoothed[0]
    block = "#" if console.options.ascii_only else "█"
    rows = []
    for row in shown:
        loss = test.smoothed[row]
        bar = block * max(1, round(LONGEST_BAR * min(1.0, loss / most)))
        rows.append((f"{test.rates[row]:.1e}", score_text("loss", loss), bar, named.get(row, "")))
    show_table(console, ("learning rate", "loss", "", " "), rows, words=("", " "))
