"""A number with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.core.notebook import short

# The scores that have their target's unit.
WITH_UNIT = ("rmse", "mae", "bias")


@dataclass(frozen=True)
class Score:
    """A number with its interval.

    Attributes:
        value: the estimate.
        low, high: ends of the interval at `level`, or None where there is none.
        level: the interval's level, as a fraction (0.95).
    """

    value: float
    low: float | None = None
    high: float | None = None
    level: float = 0.95

    def interval(self) -> str:
        """The interval in words, or "" where there is none.

        Example:
            >>> Score(0.912, 0.9, 0.925).interval()
            '0.9 to 0.925 (95 %)'
        """
        if self.low is None or self.high is None:
            return ""
        return f"{short(self.low)} to {short(self.high)} ({100 * self.level:g} %)"
