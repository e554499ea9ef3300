"""Batches of images that lie on disk: read ahead, within a stated amount of memory."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.errors import SettingError
from firstlight.core.sizes import amount
from firstlight.core.stored import ImageArray, StoredImages
from firstlight.training.augmenting import Augmentation
from firstlight.training.batches import Batches
from firstlight.training.observing import View

SHARE = 0.25  # of the memory, for each of the two windows; what is left is for batches and answers
BLOCK_BYTES = 1 << 20  # pixels that lie together on the disk and are read together


def make_batches(
    images: ImageArray,
    targets: NDArray[Any],
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
    device: torch.device,
    view: View | None = None,
    side: NDArray[np.float32] | None = None,
) -> Batches:
    """Batches from memory or, for images on disk, from there; arguments as of `Batches`.

    Example:
        >>> images, targets = np.zeros((4, 2, 2, 1), np.uint8), np.arange(4)
        >>> cpu = torch.device("cpu")
        >>> type(make_batches(images, targets, 2, 0, Augmentation(), cpu)).__name__
        'Batches'
    """
    kind = StreamedBatches if isinstance(images, StoredImages) else Batches
    return kind(images, targets, batch_size, seed, augmentation, device, view, side)


class StreamedBatches(Batches):
    """Batches whose images are read from disk in windows, the next while this one is used.

    An epoch is a drawn order of blocks, each of images that lie together on the disk (in an order
    that was drawn, too, when they were brought there). A window is as many blocks as two windows
    may take of the memory, and its images come in a drawn order. All of this depends on the seed,
    the epoch and the amount of memory alone.
    """

    def _hold(self, images: ImageArray) -> None:
        assert isinstance(images, StoredImages)
        self.stored = images
        fit = int(SHARE * images.budget) // images.image_bytes
        if fit < self.size:
            # A little more, since it is shown with three digits.
            needed = amount(int(1.01 * self.size * images.image_bytes / SHARE))
            raise SettingError(
                f"--memory has to hold four batches, which takes {needed}, but "
                f"{amount(images.budget)} came: give more memory or a smaller --batch-size."
            )
        # Whole batches, so that none is torn between two windows.
        self.window = min(fit // self.size * self.size, len(self) * self.size)
        self._by_place = torch.from_numpy(images.disk_order())
        height, width, channels = images.image_shape
        self._cache = np.empty((2 * self.window, height, width, channels), images.dtype)
        self._tensor = torch.from_numpy(self._cache)
        # Where in the cache an image of the window in use is, -1 for all others.
        self._slots = torch.full((self.count,), -1, dtype=torch.int64)
        self._used = torch.empty(0, dtype=torch.int64)
        self._number = -1
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._coming: dict[int, Future[Tensor]] = {}

    def start_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch (0 is the first)."""
        self._finish_reading()
        self._number = -1
        super().start_epoch(epoch)

    def _drawn(self) -> Tensor:
        block = max(1, BLOCK_BYTES // self.stored.image_bytes)
        blocks = self._by_place.split(block)
        mixed = torch.randperm(len(blocks), generator=self._generator)
        order = torch.cat([blocks[number] for number in mixed.tolist()])
        windows = [
            window[torch.randperm(len(window), generator=self._generator)]
            for window in order.split(self.window)
        ]
        return torch.cat(windows)

    def batch(self, epoch: int, position: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """What the network takes, and targets, of batch `position` of this epoch."""
        number = position * self.size // self.window
        if number != self._number:
            self._use(number)
        return super().batch(epoch, position)

    def take(self, rows: Tensor) -> Tensor:
        """The images `(B, H, W, C)` of these rows: from the window, others from the disk."""
        slots = self._slots[rows]
        if (slots >= 0).all():
            return self._tensor.index_select(0, slots).to(self.device)
        return torch.from_numpy(self.stored[rows.numpy()]).to(self.device)

    def _use(self, number: int) -> None:
        """Make window `number` the one in use, and have the next one read meanwhile."""
        if number not in self._coming:
            self._finish_reading()
            self._coming[number] = self._reader.submit(self._read, number)
        self._slots[self._used] = -1
        self._used = self._coming.pop(number).result()
        begin = number % 2 * self.window
        self._slots[self._used] = torch.arange(begin, begin + len(self._used))
        self._number = number
        if (number + 1) * self.window < self.count:
            self._coming[number + 1] = self._reader.submit(self._read, number + 1)

    def _read(self, number: int) -> Tensor:
        """Read a window into its half of the cache; which image each row there is."""
        rows = self._order[number * self.window : (number + 1) * self.window].numpy()
        rows = rows[np.argsort(self.stored.rows[rows])]
        begin = number % 2 * self.window
        self.stored.read(self.stored.rows[rows], self._cache[begin : begin + len(rows)])
        return torch.from_numpy(rows)

    def _finish_reading(self) -> None:
        for future in self._coming.values():
            future.exception()
        self._coming.clear()
