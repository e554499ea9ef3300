"""What softmax and score are, opened on the reader's own numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from firstlight.core.notebook import readable
from firstlight.core.opened_numbers import OpenedNumber, Softmax, Step
from firstlight.core.reports import Report

Numbers = NDArray[np.floating]
CLASSES = 12  # whose right answers are written out as a sum
SHOWN = 3  # images whose squares are shown before they are added up


def open_softmax(logits: Numbers) -> Softmax:
    """From logits to probabilities: exponentials, their sum, each one's share of it.

    Args:
        logits: `(K,)`.

    Example:
        >>> open_softmax(np.log([1.0, 3.0])).probabilities.round(6).tolist()
        [0.25, 0.75]
    """
    wide = np.asarray(logits, np.float64)
    # Exponentials of large logits have no room in a floating-point number; a common factor of
    # all of them changes no share.
    exponentials = np.exp(wide - max(0.0, wide.max() - 500))
    total = float(exponentials.sum())
    return Softmax(wide, exponentials, total, exponentials / total)


def open_score(report: Report) -> OpenedNumber:
    """Accuracy, or for measured numbers the root mean squared error of the first one.

    Args:
        report: on the test images.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a", "b"]), np.eye(2, dtype=np.float32), "classify")
        >>> report = Report("classify", "pets", 2, {}, answers, np.array([0, 0]),
        ...     classes=("cat", "dog"), confusion=np.array([[1, 1], [0, 0]]))
        >>> open_score(report).value
        0.5
    """
    if report.task == "measure":
        return _open_error(report)
    assert report.confusion is not None
    right, all_of = report.confusion.diagonal().tolist(), report.confusion.sum(axis=1).tolist()
    steps = [
        Step(f"right answers among the {count:,} of {name}", "", float(hits))
        for name, hits, count in zip(report.classes, right, all_of, strict=True)
    ]
    hits, count = sum(right), sum(all_of)
    few = len(right) <= CLASSES
    added = " + ".join(f"{own:,}" for own in right) if few else f"the {len(right):,} above added up"
    steps.append(Step("all right answers", added, float(hits)))
    steps.append(Step("their share of all images", f"{hits:,} / {count:,}", hits / count))
    meaning = "The share of test images whose most probable class is the true one."
    return OpenedNumber("accuracy", meaning, tuple(steps))


def _open_error(report: Report) -> OpenedNumber:
    answers = report.predictions.values[:, 0].astype(np.float64)
    targets = report.targets[:, 0].astype(np.float64)
    steps = []
    for answer, target in zip(answers[:SHOWN].tolist(), targets[:SHOWN].tolist(), strict=True):
        how = f"({readable(answer)} - {readable(target)})²"
        steps.append(
            Step("an image's answer minus true value, squared", how, (answer - target) ** 2)
        )
    squares = np.square(answers - targets)
    total, count = float(squares.sum()), len(squares)
    mean = total / count
    steps += [
        Step(f"the squares of all {count:,} images added up", "", total),
        Step("their mean", f"{readable(total)} / {count:,}", mean),
        Step("its square root", f"√{readable(mean)}", math.sqrt(mean)),
    ]
    name = report.predictions.target_names[0]
    meaning = f"How far off answers for {name} are: the root of the mean of the squared errors."
    return OpenedNumber("rmse", meaning, tuple(steps))
