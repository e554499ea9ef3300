"""Which of the images that a network was tested on to look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import SettingError
from firstlight.core.reports import Report


def worst_mistakes(report: Report) -> NDArray[np.int64]:
    """Where the network was most certain of a wrong class: positions, the worst first.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> values = np.array([[0.6, 0.4], [0.9, 0.1], [1.0, 0.0]], np.float32)
        >>> answers = Predictions(np.array(["a", "b", "c"]), values, "classify")
        >>> worst_mistakes(Report("classify", "x", 3, {}, answers, np.array([1, 1, 0]))).tolist()
        [1, 0]
    """
    values = report.predictions.values
    return _surest(values, np.flatnonzero(values.argmax(axis=1) != report.targets))


def called_so(report: Report, true: int, predicted: int) -> NDArray[np.int64]:
    """The images of one cell of the confusion matrix: positions, the most certain first.

    Args:
        report: of `classify`.
        true: the number of the class that they are of.
        predicted: the number of the class that the network called them.

    Raises:
        SettingError: there is no such class.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> values = np.array([[0.6, 0.4], [0.9, 0.1], [1.0, 0.0]], np.float32)
        >>> answers = Predictions(np.array(["a", "b", "c"]), values, "classify")
        >>> report = Report("classify", "x", 3, {}, answers, np.array([1, 1, 0]))
        >>> called_so(report, 1, 0).tolist()
        [1, 0]
    """
    values = report.predictions.values
    for number in (true, predicted):
        if not 0 <= number < values.shape[1]:
            raise SettingError(
                f"there are classes 0 to {values.shape[1] - 1}, but {number} came: choose another."
            )
    chosen = (report.targets == true) & (values.argmax(axis=1) == predicted)
    return _surest(values, np.flatnonzero(chosen))


def furthest_off(report: Report, target: int = 0) -> NDArray[np.int64]:
    """All images by how far one value is from the true one: positions, the worst first.

    Args:
        report: of `measure`.
        target: the number of the value.

    Raises:
        SettingError: there is no such value.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a", "b"]), np.array([[1], [2]], np.float32), "measure",
        ...     target_names=("mass",))
        >>> furthest_off(Report("measure", "x", 2, {}, answers, np.array([[1], [5]]))).tolist()
        [1, 0]
    """
    values = report.predictions.values
    if not 0 <= target < values.shape[1]:
        raise SettingError(
            f"there are values 0 to {values.shape[1] - 1}, but {target} came: choose another."
        )
    return (-np.abs(values[:, target] - report.targets[:, target])).argsort(kind="stable")


def _surest(values: NDArray[np.float32], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions in the order of the highest probability."""
    return positions[(-values[positions].max(axis=1)).argsort(kind="stable")]
