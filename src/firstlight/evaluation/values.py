"""Scores of predicted numbers, with bootstrap intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstlight.core.scores import Score
from firstlight.evaluation.intervals import LEVEL, bootstrap_sums, percentile_interval


def value_scores(
    predicted: NDArray[np.float32],
    targets: NDArray[np.float32],
    target_names: tuple[str, ...],
    groups: NDArray[np.str_] | None,
    seed: int,
) -> dict[str, Score]:
    """`rmse`, `mae`, `bias` and `r2`, each with its bootstrap interval.

    A score that is not defined (r2 where all targets are equal) is left out.

    Args:
        predicted: `(N, T)` in the targets' units.
        targets: `(N, T)`, what is true.
        target_names: T names. With several targets, `rmse of NAME` is added for each.
        groups: `(N,)` group labels, or None.
        seed: seed of the bootstrap.
    """
    error = predicted.astype(np.float64) - targets
    centred = targets - targets.mean(axis=0, dtype=np.float64)
    # Every score is made from sums over images, so a resample needs only new sums.
    parts = (np.ones_like(error), error, np.abs(error), error**2, centred, centred**2)
    per_image = np.concatenate(parts, axis=1)
    estimates = _scores(per_image.sum(axis=0)[None], target_names)
    defined = {title: float(value[0]) for title, value in estimates.items()}
    defined = {title: value for title, value in defined.items() if np.isfinite(value)}
    if len(per_image if groups is None else np.unique(groups)) == 1:
        # One image or one group says nothing about the spread.
        return {title: Score(value) for title, value in defined.items()}
    samples = _scores(bootstrap_sums(per_image, groups, seed), target_names)
    return {
        title: Score(value, *percentile_interval(samples[title]), LEVEL)
        for title, value in defined.items()
    }


def _scores(
    sums: NDArray[np.float64], target_names: tuple[str, ...]
) -> dict[str, NDArray[np.float64]]:
    """The scores that belong to (B, 6 T) sums, each (B,), by their title."""
    parts = sums.reshape(len(sums), 6, len(target_names)).transpose(1, 0, 2)
    count, error, absolute, squared, true, true_squared = parts
    spread = true_squared - true**2 / count
    # Rounding leaves a trace of spread in equal targets; r2 of a trace means nothing.
    varied = spread > 1e-12 * true_squared
    r2 = 1 - np.divide(squared, spread, where=varied, out=np.full_like(spread, np.nan))
    columns: dict[str, slice] = {"": slice(None)}
    if len(target_names) > 1:
        columns |= {f" of {name}": slice(k, k + 1) for k, name in enumerate(target_names)}
    scores = {}
    for title, column in columns.items():
        scores["rmse" + title] = np.sqrt((squared / count)[:, column].mean(axis=1))
        scores["mae" + title] = (absolute / count)[:, column].mean(axis=1)
        scores["bias" + title] = (error / count)[:, column].mean(axis=1)
        scores["r2" + title] = r2[:, column].mean(axis=1)
    return scores
