"""How much an image of each class counts, so that rare classes are not ignored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import SettingError


def class_weights(rule: str | None, targets: NDArray[Any]) -> NDArray[np.float32] | None:
    """A weight for each class, or None where all images count the same.

    Args:
        rule: `balanced`: every class counts as much as every other, however many images it has,
            and the mean weight of an image is 1; `none` or None.
        targets: `(N,)` class numbers of the training images.

    Source: King & Zeng 2001, as in scikit-learn's `class_weight="balanced"`.

    Raises:
        SettingError: the targets are no classes.

    Example:
        >>> class_weights("balanced", np.array([0, 0, 0, 1]))
        array([0.6666667, 2.       ], dtype=float32)
    """
    if rule in (None, "none"):
        return None
    if targets.ndim != 1:
        raise SettingError(
            "--class-weights weighs classes, but the targets are numbers: leave it out."
        )
    counts = np.bincount(targets)
    # A class without a training image weighs nothing: it never comes up.
    shares = np.where(counts > 0, counts, np.inf) * np.count_nonzero(counts)
    return (len(targets) / shares).astype(np.float32)
