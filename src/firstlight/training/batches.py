"""Batches straight from the array that the images lie in, changed on the way if wished."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.stored import ImageArray
from firstlight.training.augmenting import Augmentation, augment, noise_unit


class Batches:
    """The training images in a new order every epoch, in the type they are stored in.

    Order and changes depend on the seed and the epoch alone, so that a resumed run goes on with
    the very batches that it would have had.
    """

    def __init__(
        self,
        images: ImageArray,
        targets: NDArray[Any],
        batch_size: int,
        seed: int,
        augmentation: Augmentation,
        device: torch.device,
    ) -> None:
        self.count = len(images)
        self.targets = as_tensor(targets).to(device)
        self.size = batch_size
        self.seed = seed
        self.augmentation = augmentation
        self.device = device
        self._generator = torch.Generator()
        # Drawn where the images are: noise for a large batch would take long to carry there.
        self._changes = torch.Generator(device)
        self._noise_unit = noise_unit(images) if augmentation.noise else 1.0
        if isinstance(self._noise_unit, Tensor):
            self._noise_unit = self._noise_unit.to(device)
        self._order = torch.empty(0, dtype=torch.int64)
        self._hold(images)

    def _hold(self, images: ImageArray) -> None:
        """Make ready what `take` takes images from."""
        self.images = as_tensor(images[:]).to(self.device)

    def __len__(self) -> int:
        """How many batches an epoch has; the last may be smaller."""
        return math.ceil(self.count / self.size)

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch (0 is the first)."""
        self._generator.manual_seed(_mixed(self.seed, epoch))
        self._order = self._drawn()

    def _drawn(self) -> Tensor:
        """`(N,)` all images in a new order."""
        return torch.randperm(self.count, generator=self._generator)

    def rows(self, position: int) -> Tensor:
        """Which images batch `position` of this epoch holds."""
        return self._order[position * self.size : (position + 1) * self.size]

    def take(self, rows: Tensor) -> Tensor:
        """The images `(B, H, W, C)` of these rows, as they are stored."""
        return self.images.index_select(0, rows.to(self.device))

    def batch(self, epoch: int, position: int) -> tuple[Tensor, Tensor]:
        """Images `(B, H, W, C)` and targets of batch `position` of this epoch."""
        rows = self.rows(position)
        images = self.take(rows)
        if self.augmentation:
            self._changes.manual_seed(_mixed(self.seed, epoch, position))
            images = augment(images, self.augmentation, self._changes, self._noise_unit)
        return images, self.targets.index_select(0, rows.to(self.device))


def as_tensor(array: NDArray[Any]) -> Tensor:
    """The array as a tensor over the same memory, which nothing here ever writes to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def _mixed(*numbers: int) -> int:
    """One seed from several numbers, so that neighbours share nothing."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
