"""The record of a search for the learning rate."""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.core.notebook import html_table, short


@dataclass(frozen=True)
class RangeTest:
    """The training loss while the learning rate grows from step to step (Smith 2017).

    Attributes:
        rates: `(S,)` the learning rate of each step.
        losses: `(S,)` the loss of each step's batch, before that step; all are finite.
        smoothed: `(S,)` the losses without the chance of single batches.
        lowest: the learning rate where `smoothed` is lowest.
        steepest: the learning rate where `smoothed` falls fastest, below `lowest`.
        suggestion: the learning rate to train with, in two digits.
        rule: how the suggestion follows from the others, in words.
        end: why the test ended, in words.
        command: the command that trains with the suggestion.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    lowest: float
    steepest: float
    suggestion: float
    rule: str
    end: str
    command: str = ""

    def _repr_html_(self) -> str:
        named = {"suggested": self.suggestion, "steepest": self.steepest, "lowest": self.lowest}
        rows = [{"learning rate": short(rate), "": name} for name, rate in named.items()]
        return html_table(rows, caption=f"learning rates; {self.end}")
