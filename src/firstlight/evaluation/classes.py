"""Scores of predicted classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstlight.core.reports import ClassScore, ConfusedPair
from firstlight.core.scores import Score
from firstlight.evaluation.intervals import share_score

# Keras's epsilon: a probability of 0 for the true class costs 16.1, not infinity.
SMALLEST_PROBABILITY = 1e-7
PAIRS_SHOWN = 10
CLASSES_FOR_TOP_3 = 6


def class_scores(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.int64],
    groups: NDArray[np.str_] | None = None,
) -> dict[str, Score]:
    """`loss`, `accuracy` and, from six classes on, `top_3`.

    Args:
        probabilities: `(N, K)`, 0 to 1.
        targets: `(N,)` class numbers, 0 to K - 1.
        groups: `(N,)` group labels: intervals then count in groups (`share_score`).
    """
    count, classes = probabilities.shape
    of_true = probabilities[np.arange(count), targets].astype(np.float64)
    clipped = of_true.clip(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    right = probabilities.argmax(axis=1) == targets
    loss = Score(float(-np.log(clipped).mean()))
    scores = {"loss": loss, "accuracy": share_score(right, groups)}
    if classes >= CLASSES_FOR_TOP_3:
        # A stable order settles ties as argmax does: the class with the smaller number first.
        best_three = (-probabilities).argsort(axis=1, kind="stable")[:, :3]
        among = (best_three == targets[:, None]).any(axis=1)
        scores["top_3"] = share_score(among, groups)
    return scores


def confusion_matrix(
    predicted: NDArray[np.int64], targets: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """How often class i (row) was called class j (column): `(K, K)` counts."""
    cells = np.bincount(targets * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def per_class_scores(
    confusion: NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class; 0 where one would divide by nothing."""
    right = confusion.diagonal()
    called, count = confusion.sum(axis=0), confusion.sum(axis=1)
    precision = right / called.clip(1)
    recall = right / count.clip(1)
    f1 = 2 * right / (called + count).clip(1)
    return tuple(
        ClassScore(name, float(precision[k]), float(recall[k]), float(f1[k]), int(count[k]))
        for k, name in enumerate(classes)
    )


def confused_pairs(
    confusion: NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[ConfusedPair, ...]:
    """The ten most frequent mistakes, the most frequent first; ties in the order of classes."""
    mistakes = confusion.copy()
    np.fill_diagonal(mistakes, 0)
    order = (-mistakes).ravel().argsort(kind="stable")[:PAIRS_SHOWN]
    cells = [divmod(int(cell), len(classes)) for cell in order]
    return tuple(
        ConfusedPair(classes[true], classes[predicted], int(mistakes[true, predicted]))
        for true, predicted in cells
        if mistakes[true, predicted] > 0
    )
