"""Arrays in files whose images are read one by one and never all at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

Opener = Callable[[], AbstractContextManager[tuple[IO[bytes] | BinaryIO, int]]]


@dataclass(frozen=True)
class RawArray:
    """Where in a file the numbers of an array lie, in C order.

    Attributes:
        path: the file.
        name: what the array is called in messages.
        offset: how many bytes come before the numbers.
        shape: of the array.
        dtype: of its numbers, byte order included.
        opener: opens what is packed (a member of an .npz file, a file packed with gzip) for
            reading from its start; None where the file holds the numbers as they are.
        files: those that it lies in, where they are several and `path` is their folder.
    """

    path: Path
    name: str
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    opener: Opener | None = None
    files: tuple[Path, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return math.prod(self.shape) * self.dtype.itemsize
