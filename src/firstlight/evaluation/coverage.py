"""Whether stated uncertainties hold: coverage of intervals, ranks of the truth, and the CRPS."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.core.scores import Score
from firstlight.core.trust import Coverage
from firstlight.evaluation.intervals import mean_score, share_score

TENTHS = 10


def coverage(
    targets: NDArray[np.floating],
    intervals: NDArray[np.floating],
    levels: Sequence[float],
    groups: NDArray[np.str_] | None = None,
    effective: Sequence[float] | None = None,
) -> tuple[Coverage, ...]:
    """How often the intervals of one target hold the truth, ends included, and how wide they are.

    Args:
        targets: `(N,)`, what is true.
        intervals: `(N, L, 2)`, lower and upper ends.
        levels: L shares that they are to hold.
        groups: `(N,)` group labels: the sampling error then counts in groups (`share_score`).
        effective: for each level, how many independent images the intervals were calibrated on
            (`IntervalCalibration.effective`). The coverage of a sound calibration is off its
            level by that sampling error too; without it, of 15 groups to calibrate on and 30 to
            test, every fourth sound calibration would be taken for a bad one.

    Returns:
        One record for each level.

    Raises:
        DataError: the shapes do not fit together.

    Example:
        >>> ends = np.array([[[0.2, 0.6]], [[0.1, 0.5]], [[0.5, 0.7]], [[0.0, 0.4]]])
        >>> [held] = coverage(np.array([0.5, 0.1, 0.4, 0.3]), ends, [0.68])
        >>> held.covered.value, round(held.width, 2), held.covered.interval()
        (0.75, 0.35, '0.3006 to 0.9544 (95 %)')
    """
    if intervals.shape != (len(targets), len(levels), 2):
        raise DataError(
            f"Expected an interval for each of {len(targets)} images and {len(levels)} levels, "
            f"but shape {intervals.shape} came: give the intervals of the same images."
        )
    low, high = intervals[..., 0], intervals[..., 1]
    held = (low <= targets[:, None]) & (targets[:, None] <= high)
    return _records(held, (high - low).mean(axis=0, dtype=np.float64), levels, groups, effective)


def set_coverage(
    targets: NDArray[np.int64],
    sets: NDArray[np.bool_],
    levels: Sequence[float],
    groups: NDArray[np.str_] | None = None,
    effective: Sequence[float] | None = None,
) -> tuple[Coverage, ...]:
    """How often sets of classes hold the true class, and how many classes they hold.

    Args:
        targets: `(N,)` class numbers.
        sets: `(N, L, K)` whether each class is in the set of each level.
        levels: L shares that they are to hold.
        groups: as in `coverage`.
        effective: as in `coverage`.

    Returns:
        One record for each level; `width` is the mean number of classes.

    Raises:
        DataError: the shapes do not fit together.

    Example:
        >>> sets = np.array([[[True, False, False]], [[True, True, False]]])
        >>> [held] = set_coverage(np.array([0, 2]), sets, [0.9])
        >>> held.covered.value, held.width
        (0.5, 1.5)
    """
    if sets.shape[:2] != (len(targets), len(levels)):
        raise DataError(
            f"Expected a set for each of {len(targets)} images and {len(levels)} levels, but "
            f"shape {sets.shape} came: give the sets of the same images."
        )
    held = sets[np.arange(len(targets)), :, targets]
    return _records(held, sets.sum(axis=2).mean(axis=0), levels, groups, effective)


def _records(
    held: NDArray[np.bool_],
    widths: NDArray[np.float64],
    levels: Sequence[float],
    groups: NDArray[np.str_] | None,
    effective: Sequence[float] | None,
) -> tuple[Coverage, ...]:
    worth = [inf] * len(levels) if effective is None else effective
    return tuple(
        Coverage(float(level), share_score(held[:, k], groups, worth[k]), float(widths[k]))
        for k, level in enumerate(levels)
    )


def gaussian_crps(
    targets: NDArray[np.floating], values: NDArray[np.floating], spreads: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The continuous ranked probability score of normal distributions, for each image.

    In the target's unit, 0 at best; the absolute error is that of an answer without spread.
    Closed form: Gneiting & Raftery 2007 (Journal of the American Statistical Association 102,
    359), equation 21. The normal distribution is not cut off at a target's bounds: it judges
    the network's own value and spread.

    Args:
        targets: `(N,)`, what is true.
        values: `(N,)`, means.
        spreads: `(N,)`, standard deviations, above 0.

    Raises:
        DataError: a spread is not above 0.

    Example:
        >>> gaussian_crps(np.array([0.0, 3.0]), np.zeros(2), np.ones(2)).round(4).tolist()
        [0.2337, 2.4366]
    """
    from scipy.special import ndtr

    z = _standardised(targets, values, spreads)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    crps: NDArray[np.float64] = spreads * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
    return crps


def mean_crps(
    targets: NDArray[np.floating],
    values: NDArray[np.floating],
    spreads: NDArray[np.floating],
    groups: NDArray[np.str_] | None = None,
    seed: int = 0,
) -> Score:
    """The mean of `gaussian_crps` over images, with its bootstrap interval (over whole groups).

    Example:
        >>> round(mean_crps(np.array([0.0, 3.0]), np.zeros(2), np.ones(2)).value, 4)
        1.3351
    """
    return mean_score(gaussian_crps(targets, values, spreads), groups, seed)


def ranks(
    targets: NDArray[np.floating], values: NDArray[np.floating], spreads: NDArray[np.floating]
) -> tuple[int, ...]:
    """How many true values lie in each tenth of the normal distribution that was predicted.

    The histogram of the probability integral transform (Dawid 1984, Journal of the Royal
    Statistical Society A 147, 278; Gneiting, Balabdaoui & Raftery 2007, Series B 69, 243): even
    where value and spread are right, a trough where the spread is too small, a hill where it is
    too large, a slope where the values are biased. As in `gaussian_crps`, the distribution is
    not cut off at a target's bounds.

    Args:
        targets: `(N,)`, what is true.
        values: `(N,)`, means.
        spreads: `(N,)`, standard deviations, above 0.

    Returns:
        Ten counts, the lowest tenth first.

    Raises:
        DataError: a spread is not above 0.

    Example:
        >>> ranks(np.array([-3.0, 0.01, 0.02, 3.0]), np.zeros(4), np.ones(4))
        (1, 0, 0, 0, 0, 2, 0, 0, 0, 1)
    """
    from scipy.special import ndtr

    transform = ndtr(_standardised(targets, values, spreads))
    tenth = np.minimum(np.floor(TENTHS * transform).astype(np.int64), TENTHS - 1)
    return tuple(np.bincount(tenth, minlength=TENTHS).tolist())


def _standardised(
    targets: NDArray[np.floating], values: NDArray[np.floating], spreads: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How many spreads each target lies above its value."""
    if not (spreads > 0).all():
        raise DataError(
            "Expected spreads above 0, but some are not: train with a loss that learns the "
            "spread, or leave the spread out."
        )
    standardised: NDArray[np.float64] = (targets.astype(np.float64) - values) / spreads
    return standardised
