"""Errors for each bin of the target and of the other columns: where a network goes wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firstlight.core.scores import Score
from firstlight.core.trust import Bin
from firstlight.evaluation.intervals import LEVEL, bootstrap_sums, percentile_interval

BINS = 10


def error_bins(
    targets: NDArray[np.floating],
    values: NDArray[np.floating],
    columns: Mapping[str, NDArray[np.floating]],
    groups: NDArray[np.str_] | None = None,
    seed: int = 0,
) -> tuple[Bin, ...]:
    """Bias and rmse for each bin of each column.

    A column of at most ten different values has a bin for each of them, any other ten bins of
    about equal count (equal values stay together). The interval of a bias comes from a bootstrap
    of images, or of whole groups; there is none where fewer than two of them lie in the bin.

    Args:
        targets: `(N,)`, what is true.
        values: `(N,)`, what the network answers.
        columns: `(N,)` each, by name: the target itself and other numbers known of the images.
            An image whose number is not finite is in no bin of that column.
        groups: `(N,)` group labels, or None.
        seed: seed of the bootstrap.

    Returns:
        The bins of each column, rising.

    Example:
        >>> truth, redshift = np.array([0.2, 0.4, 0.6, 0.8]), np.array([7.0, 7.0, 8.0, 8.0])
        >>> answers = truth + np.array([0.1, 0.1, 0.0, 0.2])
        >>> for part in error_bins(truth, answers, {"z": redshift}):
        ...     print(part.column, part.low, part.high, part.count, round(part.bias.value, 3))
        z 7.0 7.0 2 0.1
        z 8.0 8.0 2 0.1
    """
    error = values.astype(np.float64) - targets
    found = [(name, *part) for name, column in columns.items() for part in _parts(column)]
    if not found:
        return ()
    inside = np.stack([member for *_, member in found], axis=1)
    drawn = bootstrap_sums(np.concatenate([inside, inside * error[:, None]], axis=1), groups, seed)
    counts, sums = np.split(drawn, 2, axis=1)
    # A resample without any image of a bin says nothing about it.
    biases = np.divide(sums, counts, where=counts > 0, out=np.full_like(sums, np.nan))
    bins = []
    for k, (name, low, high, member) in enumerate(found):
        own = error[member]
        several = len(own if groups is None else np.unique(groups[member])) > 1
        ends = percentile_interval(biases[:, k]) if several else (None, None)
        bias = Score(float(own.mean()), ends[0], ends[1], LEVEL)
        rmse = float(np.sqrt((own**2).mean()))
        bins.append(Bin(name, low, high, len(own), bias, rmse))
    return tuple(bins)


def _parts(column: NDArray[np.floating]) -> list[tuple[float, float, NDArray[np.bool_]]]:
    """The lowest and highest value in each bin, and which images lie in it."""
    finite = np.isfinite(column)
    distinct = np.unique(column[finite])
    if len(distinct) > BINS:
        inner = np.quantile(column[finite], np.linspace(0, 1, BINS + 1)[1:-1], method="higher")
        starts = np.unique([distinct[0], *inner])
    else:
        starts = distinct
    which = np.searchsorted(starts, column, side="right")
    members = [finite & (which == k + 1) for k in range(len(starts))]
    return [(float(column[m].min()), float(column[m].max()), m) for m in members]
