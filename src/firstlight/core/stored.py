"""Images that lie in shard files on disk; those that are asked for are read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError

HEAD = 128  # bytes before the numbers of a shard: the head of an .npy file
MOST_AT_ONCE = 4 << 20  # bytes that one read brings
GAP = 32 << 10  # bytes between two images that are read along: cheaper than a second read


@dataclass(frozen=True, eq=False)
class StoredImages:
    """Images on disk, asked as an array is: `shape`, `dtype`, `len`, `images[start:stop]`.

    What is asked for comes as an array in memory. It is read and not mapped: pages of a mapped
    file count as used memory until they are let go, and a disk that fails would end the process
    and not become an error.

    Attributes:
        folder: where the shards lie, .npy files called `000000.npy`, ...
        image_shape: `(H, W, C)` of each image.
        dtype: the type of the pixels.
        shard_rows: images in each shard; the last may have fewer.
        rows: `(N,)` where each image lies, counted over all shards.
        digests: `(N,)` as `data.image_digests` gives them.
        budget: bytes of memory that may be used to work with the images.
    """

    folder: Path
    image_shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    shard_rows: int
    rows: NDArray[np.int64]
    digests: NDArray[np.uint64]
    budget: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """`(N, H, W, C)`."""
        return len(self.rows), *self.image_shape

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return int(np.prod(self.image_shape)) * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all images."""
        return len(self) * self.image_bytes

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """The images at `index` (a number, a slice, numbers or a boolean mask) as an array."""
        rows = self.rows[index]
        images = np.empty((rows.size, *self.image_shape), self.dtype)
        self.read(rows.reshape(-1), images)
        return images.reshape(*rows.shape, *self.image_shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All images in memory."""
        if copy is False:
            raise ValueError("images on disk become an array by a copy only")
        return self[:].astype(dtype or self.dtype, copy=False)

    def select(self, index: NDArray[Any]) -> StoredImages:
        """The images at `index`, in that order, still on disk."""
        return replace(self, rows=self.rows[index], digests=self.digests[index])

    def disk_order(self) -> NDArray[np.int64]:
        """`(N,)` positions in the order in which the images lie on the disk."""
        return np.argsort(self.rows, kind="stable")

    def read(self, rows: NDArray[np.int64], images: NDArray[Any]) -> None:
        """Read the images that lie in `rows` into `images`, `(len(rows), H, W, C)`.

        Raises:
            DataError: a shard cannot be read.
        """
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        sorted_already = bool((order[1:] > order[:-1]).all())
        most = max(1, MOST_AT_ONCE // self.image_bytes)
        gap = max(1, GAP // self.image_bytes)
        apart = np.diff(ordered) > gap
        for unit in (self.shard_rows, most):
            apart |= np.diff(ordered // unit) != 0
        starts = [0, *(np.flatnonzero(apart) + 1).tolist(), len(ordered)]
        # One piece of memory for all that is read: a thread that asks for many keeps them all.
        piece = np.empty((most, *self.image_shape), self.dtype)
        for start, stop in pairwise(starts):
            if start == stop:
                continue
            run = ordered[start:stop] - ordered[start]
            self._read_consecutive(int(ordered[start]), piece[: run[-1] + 1])
            if sorted_already:
                np.take(piece, run, axis=0, out=images[start:stop], mode="clip")
            else:
                images[order[start:stop]] = piece[run]

    def _read_consecutive(self, start: int, images: NDArray[Any]) -> None:
        """Read the images from row `start` on, all of one shard, into `images`."""
        shard, first = divmod(start, self.shard_rows)
        window, place = images.reshape(-1).view(np.uint8).data, HEAD + first * self.image_bytes
        path = self.folder / shard_name(shard)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                while window:
                    count = os.preadv(handle, [window], place)
                    if count == 0:
                        raise OSError("it ends too early")
                    window, place = window[count:], place + count
            finally:
                os.close(handle)
        except OSError as error:
            raise DataError(
                f"Images were expected in {path}, but it cannot be read "
                f"({error.strerror or error}): start again, and it is made anew."
            ) from error


ImageArray = NDArray[Any] | StoredImages


def shard_name(number: int) -> str:
    """What shard `number` is called.

    Example:
        >>> shard_name(7)
        '000007.npy'
    """
    return f"{number:06d}.npy"


def blocks_of(images: ImageArray, size: int) -> Iterator[NDArray[Any]]:
    """All images in blocks of at most `size` bytes (one image at least).

    Images on disk come in the order in which they lie there, which is read fastest.

    Example:
        >>> [len(block) for block in blocks_of(np.zeros((5, 2, 2, 1), np.uint8), 8)]
        [2, 2, 1]
    """
    if isinstance(images, StoredImages):
        images = images.select(images.disk_order())
    one = int(np.prod(images.shape[1:])) * images.dtype.itemsize
    step = max(1, size // max(1, one))
    for start in range(0, len(images), step):
        yield images[start : start + step]
