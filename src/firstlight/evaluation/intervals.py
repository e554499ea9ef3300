"""Intervals around scores: Wilson's for shares, the bootstrap for everything else."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
RESAMPLES = 1000


def normal_quantile(level: float) -> float:
    """How many standard deviations hold `level` of a normal distribution (0.95: 1.96)."""
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson_interval(successes: int, count: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval for a share such as an accuracy.

    It stays between 0 and 1 and keeps its level also near 100 %, where the textbook
    "plus or minus two standard errors" fails (Brown, Cai & DasGupta, Interval estimation for
    a binomial proportion, Statistical Science 16, 2001). It takes the images as independent
    of each other.

    Args:
        successes: how many of the images count, 0 to `count`.
        count: how many images there are, at least 1.
        level: the share of intervals that hold the true value, between 0 and 1.

    Returns:
        The lower and the upper end, each between 0 and 1.

    Example:
        >>> low, high = wilson_interval(9900, 10_000)
        >>> f"{low:.4f} to {high:.4f}"
        '0.9879 to 0.9918'
    """
    z = normal_quantile(level)
    share = successes / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    # At 0 and at `count` the ends are exactly 0 and 1; rounding must not move them.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == count else centre + half
    return low, high


def bootstrap_sums(
    values: NDArray[np.float64], groups: NDArray[np.str_] | None, seed: int
) -> NDArray[np.float64]:
    """Column sums of `values` (N, S) over images drawn anew with replacement: (RESAMPLES, S).

    Where there are groups, whole groups are drawn: images of one patient or one simulation
    are alike, and drawing them one by one would make every interval too narrow.
    """
    if groups is not None:
        _, group = np.unique(groups, return_inverse=True)
        per_group = np.zeros((group.max() + 1, values.shape[1]))
        np.add.at(per_group, group, values)
        values = per_group
    size = len(values)
    random = np.random.default_rng(seed)
    sums = np.empty((RESAMPLES, values.shape[1]))
    for row in sums:
        drawn = np.bincount(random.integers(size, size=size), minlength=size)
        row[:] = drawn @ values
    return sums


def percentile_interval(samples: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of bootstrap samples (Efron & Tibshirani 1993, chapter 13).

    A resample whose score is not defined (r2 where all its targets are equal) is left out.
    """
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(samples, [tail, 100 - tail])
    return float(low), float(high)
