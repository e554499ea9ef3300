"""What the verbs share that take a network out: a new file, and its answers held to the run's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstlight.api.asking import as_tested
from firstlight.core.dataset import Dataset, Images
from firstlight.core.errors import ModelError, SettingError

COMPARED = 200  # test images on which answers are compared
# float32 has seven digits, and sums of thousands of products in another order lose two or three.
# Probabilities are at most 1; of values, this is a share of the largest.
MOST_DIFFERENCE = 1e-4


def new_file(path: str | Path, *endings: str) -> Path:
    """A file that does not exist yet, with one of the endings.

    Raises:
        SettingError: it has another ending, or exists.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in endings:
        raise SettingError(
            f"A file ending in {' or '.join(endings)} was expected, but {path} came."
        )
    if path.exists():
        raise SettingError(f"{path} exists already: name another file, or take it away.")
    return path


def some_tested(dataset: Dataset) -> Images:
    """Some of the test images, from the first to the last, as a network sees them."""
    places = np.unique(np.linspace(0, len(dataset.test) - 1, COMPARED).astype(np.int64))
    return as_tested(replace(dataset, test=dataset.test.select(places)), "test")


def require_equal(
    answers: list[NDArray[np.float32]], expected: list[NDArray[np.float32]], path: Path
) -> float:
    """The largest difference between what a file answers and what the run does.

    Raises:
        ModelError: it is more than rounding.
    """
    largest = 0.0
    for ours, theirs in zip(answers, expected, strict=True):
        difference = float(np.abs(ours - theirs).max())
        if not difference <= MOST_DIFFERENCE * max(float(np.abs(theirs).max()), 1e-30):
            raise ModelError(
                f"{path.name} is not written: it answers otherwise than the run, by up to "
                f"{difference:.2g}. That is firstlight's fault: please report it."
            )
        largest = max(largest, difference)
    return largest
