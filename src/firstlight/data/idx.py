"""IDX files, the format that MNIST came in.

Two zero bytes, a byte for the number type, a byte for the number of axes, the axes' lengths as
big-endian 32-bit numbers, then the numbers in C order
(http://yann.lecun.com/exdb/mnist/, "The IDX file format").
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.memory import COPIES, ON_DISK, require_memory
from firstlight.data.paths import is_inside, require_file, shown
from firstlight.data.raw_arrays import RawArray

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
NAME = re.compile(r"(?P<stem>.*?)(?P<kind>images|labels)[-.]idx\d-ubyte(?P<packed>\.gz)?")
GZIP = b"\x1f\x8b"


def read_idx(path: Path) -> NDArray[Any]:
    """The array in an IDX file, raw or packed with gzip.

    Returns:
        An array of the file's shape and number type, in the computer's byte order.

    Raises:
        DataError: if the file is no IDX file, is damaged, or holds more or fewer
            numbers than its head announces.

    Example:
        >>> from firstlight.data.builtin import MNIST
        >>> read_idx(MNIST / "t10k-labels-idx1-ubyte.gz")[:3]
        array([7, 2, 1], dtype=uint8)
    """
    with _open(path) as file:
        return _read(file, path)


def look_idx(path: Path) -> RawArray:
    """What is in an IDX file, as its head says.

    Raises:
        DataError: if it is none, or is damaged.
    """
    with _open(path) as file:
        shape, dtype = _head(file, path)
        size = file.tell() + math.prod(shape) * dtype.itemsize
        packed = isinstance(file, gzip.GzipFile)
        if not packed and path.stat().st_size != size:
            raise DataError(
                f"The IDX file {shown(path)} announces {size:,} bytes, but it has "
                f"{path.stat().st_size:,}: fetch it again."
            )
        opener = (lambda: _opened(path, size)) if packed else None
        return RawArray(path, shown(path), file.tell(), shape, dtype, opener)


@contextmanager
def _opened(path: Path, size: int) -> Iterator[tuple[BinaryIO, int]]:
    with _open(path) as file:
        yield file, size


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    require_file(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        with cast(BinaryIO, gzip.open(path) if packed else path.open("rb")) as file:
            yield file
    except (OSError, EOFError, OverflowError, MemoryError, ValueError, zlib.error) as error:
        raise DataError(
            f"The file {shown(path)} is damaged ({shown(error)}): fetch it again."
        ) from error


def _head(file: BinaryIO, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not 1 <= head[3] <= 4:
        raise DataError(
            f"An IDX file was expected, but {shown(path)} does not begin like one: "
            "give the file as it was published, raw or packed with gzip."
        )
    lengths = file.read(4 * head[3])
    if len(lengths) < 4 * head[3]:
        raise DataError(f"The IDX file {shown(path)} ends within its head: fetch it again.")
    return struct.unpack(f">{head[3]}I", lengths), np.dtype(TYPES[head[2]])


def _read(file: BinaryIO, path: Path) -> NDArray[Any]:
    shape, dtype = _head(file, path)
    size = math.prod(shape) * dtype.itemsize
    require_memory(COPIES * size, f"The array in {shown(path)}", ON_DISK)
    # Not filled with zeros: memory that a lying head announces is never touched.
    content = np.empty(size, np.uint8)
    filled, window = 0, content.data
    # Never more than was announced is unpacked, however much a packed file could give.
    # A megabyte at a time also stays within the processor's cache.
    while filled < size and (count := file.readinto(window[filled : filled + 2**20])):  # type: ignore[attr-defined]
        filled += count
    if filled < size or file.read(1):
        came = f"only {filled:,}" if filled < size else "more"
        raise DataError(
            f"The IDX file {shown(path)} announces {size:,} bytes of numbers, but {came} came: "
            "fetch it again."
        )
    array = content.view(dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def idx_pairs(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Images and labels that lie in a folder under MNIST's names, by the stem of the name.

    Example:
        >>> from firstlight.data.builtin import MNIST
        >>> sorted(idx_pairs(MNIST))
        ['t10k-', 'train-']
    """
    images = [path for path in sorted(folder.iterdir()) if is_idx_images(path)]
    images = [path for path in images if is_inside(path, folder)]
    pairs = {}
    for path in images:
        labels = labels_beside(path)
        if labels is not None and is_inside(labels, folder):
            pairs[cast(re.Match[str], NAME.fullmatch(path.name))["stem"]] = (path, labels)
    return pairs


def is_idx_images(path: Path) -> bool:
    """Whether a file is named like the images of an IDX pair."""
    match = NAME.fullmatch(path.name)
    return match is not None and match["kind"] == "images"


def labels_beside(images: Path) -> Path | None:
    """The labels that belong to an IDX file of images, or None where there are none."""
    match = NAME.fullmatch(images.name)
    stem = match["stem"] if match else ""
    for separator in "-.":
        for packed in ("", ".gz"):
            labels = images.with_name(f"{stem}labels{separator}idx1-ubyte{packed}")
            if labels.is_file():
                return labels
    return None
