"""Whether an image looks like those that a network was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError, RunError
from firstlight.evaluation.conformal import conformal_thresholds

FALSE_ALARMS = 0.01
LEAST_VARIANCE = 1e-6  # of features whose variance is 1: below it is rounding


@dataclass(frozen=True, eq=False)
class Likeness:
    """A rule that flags images unlike the training data.

    Attributes:
        centre: `(F,)` mean of each feature over the training images.
        whitening: `(F, F)` what turns deviations into numbers without correlation, of variance 1.
        threshold: the Mahalanobis distance from which on an image is flagged.
        false_alarms: the share of images like the training data that are flagged all the same.
        images, groups: how many images, in how many groups, the threshold comes from; `groups`
            is 0 where they were in none.
    """

    centre: NDArray[np.float64]
    whitening: NDArray[np.float64]
    threshold: float
    false_alarms: float
    images: int
    groups: int

    def distance(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """The Mahalanobis distance of each image, `(N,)`; infinity where a feature is not finite.

        Args:
            features: `(N, F)`, as in training.

        Raises:
            DataError: there are more or fewer features.
        """
        if features.shape[1:] != self.centre.shape:
            raise DataError(
                f"Expected {len(self.centre)} features of each image, but shape {features.shape} "
                "came: describe images as in training."
            )
        finite = np.isfinite(features).all(axis=1)
        distance = np.full(len(features), np.inf)
        deviation = features[finite].astype(np.float64) - self.centre
        distance[finite] = np.linalg.norm(deviation @ self.whitening, axis=1)
        return distance

    def unlike(self, features: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each image is flagged, `(N,)`; arguments and errors as in `distance`."""
        return self.distance(features) > self.threshold

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """The rule as arrays for an `.npz` file."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Likeness:
        """The rule that `as_arrays` wrote down.

        Raises:
            RunError: the arrays are not of such a rule.
        """
        try:
            return cls(
                centre=arrays["centre"],
                whitening=arrays["whitening"],
                threshold=float(arrays["threshold"]),
                false_alarms=float(arrays["false_alarms"]),
                images=int(arrays["images"]),
                groups=int(arrays["groups"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"Expected how training images look as firstlight writes it, but it is damaged "
                f"({error!r}): train again."
            ) from error


def learn_likeness(
    train: NDArray[np.floating],
    held_out: NDArray[np.floating],
    groups: NDArray[np.str_] | None = None,
    *,
    false_alarms: float = FALSE_ALARMS,
) -> Likeness:
    """Learn how training images look, and from which distance on an image is unlike them.

    The distance is Mahalanobis's (Lee, Lee, Lee & Shin 2018, arXiv 1807.03888, for network
    features), with the covariance drawn towards a multiple of the identity by Ledoit & Wolf's
    rule (2004, Journal of Multivariate Analysis 88, 365), so that it can be inverted with any
    number of features. The threshold is `conformal_thresholds`'s for images that were *not*
    trained on: the distances of the training images themselves are too small. What is unlike in
    none of the features is not noticed.

    Args:
        train: `(N, F)` features of training images: numbers inside the network, or
            `simple_features`.
        held_out: `(M, F)` of images from the same source that were not trained on.
        groups: `(M,)` group labels of the held-out images; two different ones at least.
        false_alarms: the share of images like these that may be flagged: it needs at least its
            inverse in held-out images (100 for 1 %), else the farthest sets the threshold.

    Raises:
        DataError: fewer than two images (or groups), features that are not finite or differ in
            number.

    Example:
        >>> random = np.random.default_rng(0)
        >>> likeness = learn_likeness(random.normal(size=(500, 3)), random.normal(size=(500, 3)))
        >>> likeness.unlike(np.array([[0.5, 0.5, 0.5], [9.0, 0.0, 0.0]])).tolist()
        [False, True]
    """
    several = len(held_out) if groups is None else len(np.unique(groups))
    if min(len(train), several) < 2 or not np.isfinite(train).all():
        raise DataError(
            f"Expected finite features of two or more images to train on and two or more held "
            f"out (or groups of them), but {len(train)} and {several} came: give more data."
        )
    centre = train.mean(axis=0, dtype=np.float64)
    deviation = train.astype(np.float64) - centre
    scale = deviation.std(axis=0)
    scale = np.where(scale > 0, scale, 1)  # a feature without spread stays in its own unit
    values, vectors = np.linalg.eigh(shrunk_covariance(deviation / scale))
    values = np.maximum(values, LEAST_VARIANCE)
    likeness = Likeness(
        centre=centre,
        whitening=vectors / np.sqrt(values) / scale[:, None],
        threshold=np.inf,
        false_alarms=false_alarms,
        images=len(held_out),
        groups=0 if groups is None else several,
    )
    distance = likeness.distance(held_out)
    if not np.isfinite(distance).all():
        raise DataError(
            "Expected finite features of the images that are held out, but some are not: look at "
            "these images."
        )
    (threshold,), _ = conformal_thresholds(distance, [1 - false_alarms], groups)
    return replace(likeness, threshold=threshold)


def shrunk_covariance(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ledoit & Wolf's estimate of the covariance of `(N, F)` deviations from a mean.

    Example:
        >>> shrunk_covariance(np.array([[1.0, 1.0], [-1.0, -1.0]])).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    count, size = deviations.shape
    plain = deviations.T @ deviations / count
    even = np.trace(plain) / size * np.eye(size)
    distance = ((plain - even) ** 2).sum()
    # How far the images' own products scatter about their mean.
    noise = (((deviations**2).sum(axis=1) ** 2).sum() / count - (plain**2).sum()) / count
    share = min(noise, distance) / distance if distance > 0 else 0.0
    shrunk: NDArray[np.float64] = (1 - share) * plain + share * even
    return shrunk
