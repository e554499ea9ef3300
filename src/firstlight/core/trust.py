"""Records of how far measured values can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.core.scores import Score


@dataclass(frozen=True)
class Bin:
    """Errors (predicted minus true) of the images whose `column` lies between two values.

    Attributes:
        column: the target's name, or that of another number known of the images.
        low, high: ends of the bin, in the column's unit.
        count: how many images.
        bias: their mean error, with its interval.
        rmse: the root of their mean squared error.
    """

    column: str
    low: float
    high: float
    count: int
    bias: Score
    rmse: float


@dataclass(frozen=True)
class Baseline:
    """A simple way to measure the same, which the network has to beat.

    Attributes:
        name: what it is, `training mean`, `mean of the pixels`, `forest`.
        rmse, r2: its scores on the same images, with intervals.
    """

    name: str
    rmse: Score
    r2: Score


@dataclass(frozen=True)
class Coverage:
    """How often the intervals of one level held the true value.

    Attributes:
        level: the share that they are to hold.
        covered: the share that they held; its interval is the sampling error, over whole groups
            where there are any.
        width: their mean width, in the target's unit.
    """

    level: float
    covered: Score
    width: float


@dataclass(frozen=True)
class Trust:
    """What is known of the trust in one target's values, beside its scores.

    Attributes:
        target: its name.
        bins: errors for each bin of the target and of each other column.
        baselines: simpler ways to measure the same.
        coverage: of the intervals, by level; () where there are none.
        crps: the mean continuous ranked probability score in the target's unit, or None.
        ranks: how many true values fell into each tenth of what was predicted (the histogram of
            the probability integral transform; even where the spread is right), or ().
        leak: the r2 on images of groups that were trained on, as a split at random would give
            it, or None where that was not asked for.
    """

    target: str
    bins: tuple[Bin, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    crps: Score | None = None
    ranks: tuple[int, ...] = ()
    leak: Score | None = None

    def columns(self) -> dict[str, list[Bin]]:
        """The bins by the column that they divide, in their order.

        Example:
            >>> bins = (Bin("z", 6, 8, 9, Score(0), 0.1), Bin("z", 8, 10, 9, Score(0.1), 0.3))
            >>> {name: len(bins) for name, bins in Trust("mass", bins).columns().items()}
            {'z': 2}
        """
        columns: dict[str, list[Bin]] = {}
        for row in self.bins:
            columns.setdefault(row.column, []).append(row)
        return columns


@dataclass(frozen=True)
class Reliability:
    """How often a network was right on the images where it was about equally sure.

    Attributes:
        low, high: ends of the bin of the probability that it gave to the class it named.
        count: how many images.
        confidence: the mean of that probability.
        accuracy: the share of them that it named right, with its interval.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: Score
