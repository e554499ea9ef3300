"""NumPy's .npy and .npz files, opened without trust: no pickles, sizes checked before reading."""

from __future__ import annotations

import lzma
import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.memory import COPIES, require_memory
from firstlight.data.paths import is_inside, require_file, shown

Arrays = dict[str, Callable[[], NDArray[Any]]]
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


def open_npz(path: Path) -> Arrays:
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
    return {name[:-4]: lambda name=name: _read_member(path, name) for name in members}  # type: ignore[misc]


def open_npy_folder(folder: Path) -> Arrays:
    """The .npy files that lie in a folder by name, each read when it is called for."""
    return {
        path.stem: lambda path=path: read_npy(path)  # type: ignore[misc]
        for path in sorted(folder.glob("*.npy"))
        if path.is_file() and is_inside(path, folder)
    }


def read_npy(path: Path) -> NDArray[Any]:
    """The array in an .npy file.

    Raises:
        DataError: if it needs pickle, is damaged, or would not fit into memory.
    """
    require_file(path)
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size, shown(path))
    except DAMAGE as error:
        raise _damaged(shown(path), error) from error


def _read_member(path: Path, name: str) -> NDArray[Any]:
    where = f"{shown(name)} in {shown(path)}"
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            # The other packings of zip are unpacked without a limit on their size.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DataError(f"{where} is packed in a way that numpy.savez never uses.")
            with archive.open(info) as file:
                return _read(file, info.file_size, where)
    except DAMAGE as error:
        raise _damaged(where, error) from error


def _damaged(where: str, error: Exception) -> DataError:
    return DataError(
        f"The array {where} is damaged ({shown(error)[:120]}): write it again with numpy.save "
        "or numpy.savez."
    )


def _read(file: IO[bytes], size: int, where: str) -> NDArray[Any]:
    """An array from an open file of `size` bytes."""
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
    require_memory(COPIES * announced, f"The array {where}")
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
