"""From predictions and true targets to a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.core.reports import Predictions, Report
from firstlight.evaluation.classes import (
    class_scores,
    confused_pairs,
    confusion_matrix,
    per_class_scores,
)
from firstlight.evaluation.values import value_scores


def evaluate(
    predictions: Predictions,
    targets: NDArray[Any],
    data: str,
    groups: NDArray[np.str_] | None = None,
    seed: int = 0,
    columns: Mapping[str, NDArray[np.float64]] | None = None,
) -> Report:
    """Hold predictions against the true targets.

    `classify` gives `loss` (mean cross-entropy of the true class, probabilities clipped at
    1e-7 as Keras does), `accuracy` with its 95 % interval (Wilson's; with groups, for as many
    images as count, see `share_score`), `top_3` where there are more than five classes, and
    the tables. `measure` gives `rmse`, `mae`, `bias` (predicted minus
    true) and `r2`, with percentile-bootstrap 95 % intervals of 1,000 resamples. With several
    targets the plain names hold for all targets together (the root of the mean over all
    values; the mean of the r2), and `rmse of NAME` and so on for each target.

    Args:
        predictions: N answers, in the order of `targets`.
        targets: `(N,)` class numbers, or `(N, T)` values in the targets' units.
        data: what was evaluated, for titles (`mnist, test`).
        groups: `(N,)` group labels; the bootstrap then draws whole groups.
        seed: seed of the bootstrap: the same seed gives the same intervals.
        columns: `(N,)` each, other numbers that are known of the images, by name.

    Returns:
        The report.

    Raises:
        DataError: there is no image, the shapes do not fit together, a class number is out
            of range, or a value is NaN or infinite.

    Example:
        >>> answers = Predictions(
        ...     names=np.array(["a.png", "b.png"]),
        ...     values=np.array([[0.9, 0.1], [0.6, 0.4]], np.float32),
        ...     task="classify",
        ...     classes=("cat", "dog"),
        ... )
        >>> evaluate(answers, np.array([0, 1]), "pets, test").scores["accuracy"].value
        0.5
    """
    _check(predictions, targets, groups)
    classes, count = predictions.classes, len(predictions)
    if predictions.task == "measure":
        scores = value_scores(predictions.values, targets, predictions.target_names, groups, seed)
        return Report(
            "measure",
            data,
            count,
            scores,
            predictions,
            targets,
            groups=groups,
            columns=dict(columns or {}),
        )
    confusion = confusion_matrix(predictions.values.argmax(axis=1), targets, len(classes))
    return Report(
        task="classify",
        data=data,
        count=count,
        scores=class_scores(predictions.values, targets, groups),
        predictions=predictions,
        targets=targets,
        classes=classes,
        per_class=per_class_scores(confusion, classes),
        confusion=confusion,
        confused=confused_pairs(confusion, classes),
        groups=groups,
    )


def _check(
    predictions: Predictions, targets: NDArray[Any], groups: NDArray[np.str_] | None
) -> None:
    """Refuse what cannot be scored."""
    count = len(predictions)
    if count == 0:
        raise DataError(
            "Expected at least one image to evaluate, but there is none: give data with images."
        )
    columns = predictions.classes or predictions.target_names
    if predictions.values.shape != (count, len(columns)):
        raise DataError(
            f"Expected {len(columns)} answers for each of {count} images, but the predictions "
            f"have shape {predictions.values.shape}: evaluate with the data the model is made for."
        )
    expected = (count,) if predictions.task == "classify" else (count, len(columns))
    if targets.shape != expected:
        raise DataError(
            f"Expected targets of shape {expected}, one for each prediction, but "
            f"{targets.shape} came: give the targets of the same images."
        )
    for what, array in (("predictions", predictions.values), ("targets", targets)):
        bad = ~np.isfinite(array)
        if bad.any():
            index = int(np.argmax(bad.reshape(count, -1).any(axis=1)))
            raise DataError(
                f"Expected numbers, but the {what} of image {predictions.names[index]} hold NaN "
                "or infinity: leave that image out, or train again if all images are like it."
            )
    if predictions.task == "classify" and not (0 <= targets.min() <= targets.max() < len(columns)):
        raise DataError(
            f"Expected class numbers from 0 to {len(columns) - 1}, but {targets.min()} to "
            f"{targets.max()} came: evaluate with the classes the model was trained on."
        )
    if groups is not None and groups.shape != (count,):
        raise DataError(
            f"Expected one group for each of {count} images, but shape {groups.shape} came: "
            "give a group label for every image."
        )
