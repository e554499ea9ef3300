"""NumPy's .npy and .npz files, opened without trust: no pickles, sizes checked before reading."""

from __future__ import annotations

import lzma
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.memory import COPIES, ON_DISK, require_memory
from firstlight.data.paths import is_inside, require_file, shown
from firstlight.data.raw_arrays import RawArray

HEADS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}
# NumPy reads an array's head as Python text, so damage there shows as Python's own errors.
DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    OverflowError,
    MemoryError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class ArrayFile:
    """An array in an .npy file or in a member of an .npz file, read when it is called for."""

    path: Path
    member: str = ""
    unit: str = ""

    def __call__(self) -> NDArray[Any]:
        """The array.

        Raises:
            DataError: if it needs pickle, is damaged, or would not fit into memory.
        """
        with self._open() as (file, size):
            return _read(file, size, self.where)

    @property
    def where(self) -> str:
        """The array's name, for messages."""
        return f"{shown(self.member)} in {shown(self.path)}" if self.member else shown(self.path)

    def look(self) -> RawArray:
        """What is in the file, as its head says.

        Raises:
            DataError: if it needs pickle, is damaged, or lies in Fortran's order.
        """
        with self._open() as (file, size):
            shape, fortran, dtype = _head(file, size, self.where)
            if fortran:
                raise DataError(
                    f"The array {self.where} lies in Fortran's order, in which no image lies in "
                    "one piece: save numpy.ascontiguousarray of it, or leave --memory out."
                )
            opener = self._open if self.member else None
            return RawArray(self.path, self.where, file.tell(), shape, dtype, opener)

    @contextmanager
    def _open(self) -> Iterator[tuple[IO[bytes], int]]:
        require_file(self.path)
        try:
            if not self.member:
                with self.path.open("rb") as file:
                    yield file, self.path.stat().st_size
                return
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(self.member)
                # The other packings of zip are unpacked without a limit on their size.
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise DataError(f"{self.where} is packed in a way that numpy.savez never uses.")
                with archive.open(info) as file:
                    yield file, info.file_size
        except DAMAGE as error:
            raise DataError(
                f"The array {self.where} is damaged ({shown(error)[:120]}): write it again with "
                "numpy.save or numpy.savez."
            ) from error


def open_npz(path: Path) -> dict[str, ArrayFile]:
    """The arrays in an .npz file by name, each read when it is called for.

    Raises:
        DataError: if the file is no zip archive; when called for, if the array needs
            pickle, is damaged, or would not fit into memory.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder) / "a.npz", images=np.zeros((2, 3, 3), np.uint8))
        ...     open_npz(Path(folder) / "a.npz")["images"]().shape
        (2, 3, 3)
    """
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
    except DAMAGE as error:
        raise DataError(
            f"An .npz file was expected, but {shown(path)} is damaged or something else "
            f"({shown(error)}): write it again with numpy.savez."
        ) from error
    return {name[:-4]: ArrayFile(path, name) for name in members}


def open_npy_folder(folder: Path) -> dict[str, ArrayFile]:
    """The .npy files that lie in a folder by name, each read when it is called for."""
    return {
        path.stem: ArrayFile(path)
        for path in sorted(folder.glob("*.npy"))
        if path.is_file() and is_inside(path, folder)
    }


def _head(file: IO[bytes], size: int, where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran's order, and number type of an array, checked against `size`."""
    version = npy_format.read_magic(file)
    if version not in HEADS:
        raise DataError(f"The array {where} has named fields: save each field as its own array.")
    shape, fortran, dtype = HEADS[version](file)
    if dtype.hasobject:
        raise DataError(
            f"The array {where} holds Python objects, and opening those can run any program: "
            "save it as numbers or as texts of one length."
        )
    if dtype.kind not in "biufUS":
        raise DataError(f"Numbers or texts were expected in {where}, but {dtype} came.")
    announced, there = math.prod(shape) * dtype.itemsize, size - file.tell()
    if announced != there or min(shape, default=0) < 0:
        raise DataError(
            f"The array {where} announces {announced:,} bytes, but {there:,} are there: "
            "write it again."
        )
    return shape, fortran, dtype


def _read(file: IO[bytes], size: int, where: str) -> NDArray[Any]:
    """An array from an open file of `size` bytes."""
    shape, fortran, dtype = _head(file, size, where)
    announced = math.prod(shape) * dtype.itemsize
    require_memory(COPIES * announced, f"The array {where}", ON_DISK)
    content = np.empty(announced, np.uint8)
    filled, window = 0, content.data
    while filled < announced:
        count = file.readinto(window[filled:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError(f"it ends after {filled:,} of {announced:,} bytes")
        filled += count
    array = content.view(dtype) if announced else np.empty(0, dtype)
    array = array.reshape(shape, order="F" if fortran else "C")
    return np.ascontiguousarray(array.astype(dtype.newbyteorder("="), copy=False))
