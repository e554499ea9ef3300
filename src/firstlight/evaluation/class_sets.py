"""Sets of classes that hold the true one: split-conformal calibration of a classification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.evaluation.conformal import Calibration, conformal_thresholds, guaranteed_shares

LEVELS = (0.9, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class SetCalibration(Calibration):
    """What turns probabilities into sets of classes that hold the true one.

    Attributes as in `Calibration`, and:
        thresholds: for each level, how improbable a class may be (1 - probability).
        effective: for each level, how many independent images the calibration was worth.
    """

    thresholds: tuple[float, ...]
    effective: tuple[float, ...]

    def sets(self, probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each class is in the set of each level.

        The most probable class always is: a network that is right more often than the level
        would otherwise give empty sets to keep to it.

        Args:
            probabilities: `(N, K)`, as in calibration.

        Returns:
            `(N, L, K)`; sets of rising levels hold each other.

        Example: see `calibrate_sets`.
        """
        improbable = 1 - probabilities.astype(np.float64)
        limits = np.maximum(improbable.min(axis=1)[:, None], self.thresholds)
        sets: NDArray[np.bool_] = improbable[:, None, :] <= limits[:, :, None]
        return sets


def calibrate_sets(
    probabilities: NDArray[np.floating],
    targets: NDArray[np.int64],
    groups: NDArray[np.str_] | None = None,
    *,
    levels: Sequence[float] = LEVELS,
) -> SetCalibration:
    """Learn which classes a set needs, from images that the network was not trained on.

    The score of an image is 1 - the probability of its true class (Sadinle, Lei & Wasserman
    2019, Journal of the American Statistical Association 114, 223: the smallest sets on average
    where probabilities are right); the threshold is `conformal_thresholds`'s. The coverage is that
    of all images together: rare classes can be held less often.

    Args:
        probabilities: `(N, K)`, 0 to 1.
        targets: `(N,)` class numbers.
        groups: `(N,)` labels of two groups or more; None: each image stands for itself.
        levels: the shares to hold, rising, between 0 and 1.

    Raises:
        DataError: fewer than two images or groups, or probabilities that are not finite.

    Example:
        >>> random = np.random.default_rng(0)
        >>> probabilities = random.dirichlet([1, 1, 1], 2000)
        >>> targets = (random.random(2000)[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)
        >>> calibration = calibrate_sets(probabilities, targets, levels=[0.9])
        >>> calibration.sets(np.array([[0.7, 0.29, 0.01], [0.4, 0.3, 0.3]])).sum(axis=2).tolist()
        [[2], [3]]
    """
    several = len(targets) if groups is None else len(np.unique(groups))
    if several < 2 or not np.isfinite(probabilities).all():
        raise DataError(
            f"Expected finite probabilities of two or more images (or groups of them), but "
            f"{several} came: put more data into the validation split."
        )
    scores = 1 - probabilities[np.arange(len(targets)), targets].astype(np.float64)
    thresholds, effective = conformal_thresholds(scores, levels, groups)
    return SetCalibration(
        levels=tuple(levels),
        guaranteed=guaranteed_shares(levels, len(targets), groups),
        groups=None if groups is None else several,
        images=len(targets),
        thresholds=thresholds,
        effective=effective,
    )
