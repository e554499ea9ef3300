"""Batches straight from the array that the images lie in, changed on the way if wished."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.errors import SettingError


@dataclass(frozen=True)
class Augmentation:
    """Changes to training images, drawn anew for every image of every epoch.

    Attributes:
        shift: up to so many pixels up or down, left or right; the edge is repeated.
        flip: left and right swapped for every second image.
    """

    shift: int = 0
    flip: bool = False

    @classmethod
    def parse(cls, text: str | None) -> Augmentation:
        """Read `shift:1,flip`; `none` or None changes nothing.

        Raises:
            SettingError: it says something else.

        Example:
            >>> Augmentation.parse("shift:2,flip")
            Augmentation(shift=2, flip=True)
        """
        shift, flip = 0, False
        for word in (text or "none").split(","):
            found = re.fullmatch(r"shift:(\d{1,3})", word.strip())
            if found:
                shift = int(found[1])
            elif word.strip() == "flip":
                flip = True
            elif word.strip() != "none":
                raise SettingError(
                    f"--augment takes shift:PIXELS, flip or none, joined by commas, "
                    f"but {word.strip()!r} came: write for example shift:1,flip."
                )
        return cls(shift, flip)

    def __bool__(self) -> bool:
        return bool(self.shift or self.flip)


class Batches:
    """The training images in a new order every epoch, in the type they are stored in.

    Order and changes depend on the seed and the epoch alone, so that a resumed run goes on with
    the very batches that it would have had.
    """

    def __init__(
        self,
        images: NDArray[Any],
        targets: NDArray[Any],
        batch_size: int,
        seed: int,
        augmentation: Augmentation,
        device: torch.device,
    ) -> None:
        self.images = as_tensor(images).to(device)
        self.targets = as_tensor(targets).to(device)
        self.size = batch_size
        self.seed = seed
        self.augmentation = augmentation
        self.device = device
        self._generator = torch.Generator()
        self._order = torch.empty(0, dtype=torch.int64)

    def __len__(self) -> int:
        """How many batches an epoch has; the last may be smaller."""
        return math.ceil(len(self.images) / self.size)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch (0 is the first)."""
        self._generator.manual_seed(_mixed(self.seed, epoch))
        self._order = torch.randperm(len(self.images), generator=self._generator)

    def rows(self, position: int) -> Tensor:
        """Which images batch `position` of this epoch holds."""
        return self._order[position * self.size : (position + 1) * self.size]

    def take(self, rows: Tensor) -> Tensor:
        """The images at `rows`, as they are stored: `(B, H, W, C)`."""
        return self.images.index_select(0, rows)

    def batch(self, epoch: int, position: int) -> tuple[Tensor, Tensor]:
        """Images `(B, H, W, C)` and targets of batch `position` of this epoch."""
        rows = self.rows(position).to(self.device)
        targets = self.targets.index_select(0, rows)
        if not self.augmentation:
            return self.take(rows), targets
        self._generator.manual_seed(_mixed(self.seed, epoch, position))
        return self._changed(rows), targets

    def _changed(self, rows: Tensor) -> Tensor:
        """Shifted and flipped images by one gather: no copy of the set, padded or not."""
        count, (height, width) = len(rows), self.images.shape[1:3]
        ys = self._positions(count, height)
        xs = self._positions(count, width)
        if self.augmentation.flip:
            swapped = torch.rand(count, 1, generator=self._generator) < 0.5
            xs = torch.where(swapped, xs.flip(1), xs)
        ys, xs = ys.to(self.device), xs.to(self.device)
        return self.images[rows[:, None, None], ys[:, :, None], xs[:, None, :]]

    def _positions(self, count: int, size: int) -> Tensor:
        """`(count, size)`: which row (or column) of an image comes where."""
        shift = self.augmentation.shift
        moved = torch.randint(-shift, shift + 1, (count, 1), generator=self._generator)
        return (torch.arange(size) + moved).clamp_(0, size - 1)


def as_tensor(array: NDArray[Any]) -> Tensor:
    """The array as a tensor over the same memory, which nothing here ever writes to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def _mixed(*numbers: int) -> int:
    """One seed from several numbers, so that neighbours share nothing."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
