"""Arrays in files, by name: what every format with several arrays in a file is read as."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.memory import COPIES, ON_DISK, require_memory
from firstlight.data.raw_arrays import RawArray


class NamedArray(Protocol):
    """An array that is read when it is called for; `unit` is "" where none is known."""

    @property
    def unit(self) -> str: ...  # noqa: D102

    def __call__(self) -> NDArray[Any]: ...  # noqa: D102

    def look(self) -> RawArray: ...  # noqa: D102


Arrays = Mapping[str, NamedArray]
# What attributes of a file or of an array are columns of their own, too, and as which.
NAMING = {"classes": "classes", "class_names": "classes"}
NAMING |= {"target_names": "target_names", "target_units": "target_units"}
HOMES = ("images", "x_train")  # what a data set of named arrays has


@dataclass(frozen=True, eq=False)
class StreamedArray:
    """An array that comes in blocks of rows, whatever its file packs it in.

    Attributes:
        path: the file.
        where: what the array is called in messages.
        shape: of the array, with one axis or more.
        dtype: of its numbers, in the computer's byte order.
        blocks: opens the file and gives its rows in order, some at a time; raises DataError.
        unit: of the numbers, "" where the file does not say.
        files: those that it lies in, where they are several and `path` is their folder.
    """

    path: Path
    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterator[NDArray[Any]]]
    unit: str = ""
    files: tuple[Path, ...] = ()

    def __call__(self) -> NDArray[Any]:
        """The whole array.

        Raises:
            DataError: if it is damaged or would not fit into memory.
        """
        size = math.prod(self.shape) * self.dtype.itemsize
        require_memory(COPIES * size, f"The array {self.where}", ON_DISK)
        array, filled = np.empty(self.shape, self.dtype), 0
        for block in self.blocks():
            array[filled : filled + len(block)] = block
            filled += len(block)
        return array

    def look(self) -> RawArray:
        """What is in the file; its numbers come as one stream."""
        opened, files = self._opened, self.files
        return RawArray(self.path, self.where, 0, self.shape, self.dtype, opened, files)

    @contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], int]]:
        size = math.prod(self.shape) * self.dtype.itemsize
        stream = cast(IO[bytes], io.BufferedReader(_Stream(self.blocks(), self.dtype)))
        yield stream, size


class _Stream(io.RawIOBase):
    """The bytes of blocks, one behind the other."""

    def __init__(self, blocks: Iterator[NDArray[Any]], dtype: np.dtype[Any]) -> None:
        super().__init__()
        self._blocks, self._dtype = blocks, dtype
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(np.ascontiguousarray(block, self._dtype).tobytes())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table that belongs to images in an array.

    Attributes:
        where: what it is called in messages.
        read: gives `(N,)` or `(N, T)` numbers or texts.
        unit: of its numbers, "" where none is known.
    """

    where: str
    read: Callable[[], NDArray[Any]]
    unit: str = ""

    def __call__(self) -> NDArray[Any]:
        """The column."""
        return self.read()

    def look(self) -> RawArray:
        """Raises DataError: a column holds no images."""
        raise DataError(f"Images were expected in {self.where}, but it is a column of a table.")


def naming_columns(attributes: Mapping[str, Any], where: str) -> dict[str, NamedArray]:
    """Attributes that name classes, targets or their units, as the columns that do so.

    Example:
        >>> naming_columns({"class_names": ["a", "b"], "author": "x"}, "a file")["classes"]()
        array(['a', 'b'], dtype='<U1')
    """
    found: dict[str, NamedArray] = {}
    for key, name in NAMING.items():
        texts = attributes.get(key)
        if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
            found[name] = Column(f"the attribute {key} in {where}", partial(np.array, texts))
    return found


def at_home(arrays: Mapping[str, NamedArray]) -> dict[str, NamedArray]:
    """Arrays by path; where one group alone holds `images`, its arrays also by name alone."""
    homes = {name[: -len(end)] for name in arrays for end in HOMES if name.endswith("/" + end)}
    if len(homes) != 1 or set(HOMES) & arrays.keys():
        return dict(arrays)
    (home,) = homes
    inside = {name[len(home) :]: array for name, array in arrays.items() if name.startswith(home)}
    return {**arrays, **inside}
