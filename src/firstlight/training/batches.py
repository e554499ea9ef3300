"""Batches straight from the array that the images lie in, changed on the way if wished."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.seeds import mixed_seed
from firstlight.core.stored import ImageArray
from firstlight.training.augmenting import Augmentation, augment, noise_unit
from firstlight.training.observing import View
from firstlight.training.tensors import as_tensor


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
        view: View | None = None,
        side: NDArray[np.float32] | None = None,
    ) -> None:
        self.count = len(images)
        self.view = view
        self.side = None if side is None else as_tensor(side).to(device)
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
        self._generator.manual_seed(mixed_seed(self.seed, epoch))
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

    def first(self) -> tuple[Tensor, ...]:
        """What the network takes for the first image."""
        rows = torch.zeros(1, dtype=torch.int64)
        return self._inputs(self.take(rows), rows)

    def batch(self, epoch: int, position: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """What the network takes, and targets, of batch `position` of this epoch.

        Images `(B, H, W, C)` come first, then numbers beside them `(B, S)` if there are any.
        """
        rows = self.rows(position)
        images = self.take(rows)
        if self.augmentation or self.view is not None:
            self._changes.manual_seed(mixed_seed(self.seed, epoch, position))
        if self.augmentation:
            images = augment(images, self.augmentation, self._changes, self._noise_unit)
        if self.view is not None:
            images = self.view.see(images, rows, self._changes)
        return self._inputs(images, rows), self.targets.index_select(0, rows.to(self.device))

    def _inputs(self, images: Tensor, rows: Tensor) -> tuple[Tensor, ...]:
        if self.side is None:
            return (images,)
        return images, self.side.index_select(0, rows.to(self.device))
