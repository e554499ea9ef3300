"""Data sets that ship with firstlight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from firstlight.core.dataset import Collection
from firstlight.core.settings import DataSettings
from firstlight.data.idx_data import read_idx_folder

MNIST = Path(__file__).parent / "mnist"


def read_mnist(settings: DataSettings) -> Collection:
    """MNIST: 70,000 handwritten digits, 28x28 uint8, with its authors' own test part.

    By Yann LeCun, Corinna Cortes and Christopher J. C. Burges, CC BY-SA 3.0; see
    `mnist/README.md` beside this module.

    Example:
        >>> digits = read_mnist(DataSettings()).everything
        >>> digits.images.shape, digits.targets[:3]
        ((70000, 28, 28, 1), array([5, 0, 4]))
    """
    return replace(read_idx_folder(MNIST, settings), name="mnist", source="mnist")


BUILTINS: dict[str, Callable[[DataSettings], Collection]] = {"mnist": read_mnist}
