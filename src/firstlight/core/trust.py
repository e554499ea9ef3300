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
        covered: the share that they held; its interval is the sampling error, of these images
            and of those that the intervals were calibrated on, counted in groups where there
            are any.
        width: their mean width, in the target's unit; for sets of classes, how many classes
            they hold on average.
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


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose most probable class was given a probability between two values.

    Attributes:
        low, high: ends of the bin.
        count: how many images.
        confidence: the mean of those probabilities.
        accuracy: how many of the images were right, with its interval.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: Score


@dataclass(frozen=True)
class ClassTrust:
    """What is known of the trust in a network's probabilities.

    Attributes:
        bins: accuracy by confidence, for the reliability diagram; bins without images left out.
        calibration_error: the expected calibration error.
        by_chance: the calibration error that perfect probabilities would show on as many images,
            with the middle 95 % of what chance gives.
        temperature: what the logits were divided by; 1 where nothing was changed.
        coverage: of the sets of classes, by level; () where there are none.
    """

    bins: tuple[ReliabilityBin, ...]
    calibration_error: float
    by_chance: Score
    temperature: float = 1.0
    coverage: tuple[Coverage, ...] = ()
