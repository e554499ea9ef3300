"""HDF5 files as named arrays, opened without trust: nothing outside of the file is reached.

What a file may do otherwise: point to other files (external links, virtual data sets, external
storage), load a program as a filter, announce more than it holds, unpack without end.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.deep import require_unpacked
from firstlight.data.memory import COPIES, require_memory
from firstlight.data.named_array import (
    NAMING,
    Column,
    NamedArray,
    StreamedArray,
    at_home,
    naming_columns,
)
from firstlight.data.paths import require_file, shown

ENDINGS = (".h5", ".hdf5", ".hdf")
MOST_OBJECTS = 10_000
MOST_ATTRIBUTE = 1 << 20  # bytes of an attribute that is read
BLOCK_BYTES = 1 << 24  # of rows that are read at a time
# Filters that come with HDF5 itself (deflate, shuffle, fletcher32, nbit, scaleoffset) and h5py's
# lzf; any other would be loaded as a program.
DEFLATE = 1
FILTERS = {DEFLATE, 2, 3, 5, 6, 32000}
RATIO = 1032  # the most that a byte of deflated data unpacks to
# Less than this is unpacked without being counted first.
HARMLESS = 1 << 28
UNITS = ("units", "unit")
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, zlib.error)


def hdf5_arrays(path: Path) -> dict[str, NamedArray]:
    """The arrays of an HDF5 file by name, those in groups as `group/name`.

    Where only one group holds `images` (or `x_train`), its arrays go by their names alone, too.

    Of the attributes, `units` of an array is its unit, and `classes` (or `class_names`),
    `target_names` and `target_units` of the file or of an array are read as arrays of that name.

    Raises:
        DataError: the file is damaged, or holds links or data in other files; when called for, if
            an array is damaged or would not fit into memory.
    """
    arrays: dict[str, NamedArray] = {}
    named: dict[str, NamedArray] = {}
    with _opened(path) as file:
        named |= _names(file, path)
        for name, item in _datasets(file, path):
            where = f"{shown(name)} in {shown(path)}"
            named |= _names(item, path)
            array = _array(path, name, item, where)
            if array is not None:
                arrays[name] = array
    return at_home(named | arrays)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import h5py

    require_file(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except DAMAGE as error:
        raise DataError(
            f"The HDF5 file {shown(path)} is damaged or something else ({shown(error)[:120]}): "
            "write it again with h5py."
        ) from error


def _datasets(file: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """All arrays that lie in the file itself, by their full names."""
    import h5py

    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", file)]
    while waiting:
        prefix, group = waiting.pop(0)
        for name in group:
            full = prefix + name
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.SoftLink):
                continue  # what it leads to in this file is read where it lies
            if not isinstance(link, h5py.HardLink):
                raise DataError(
                    f"The HDF5 file {shown(path)} holds a link ({shown(full)}) to another file, "
                    "and such links are not followed: store the array itself."
                )
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise DataError(
                    f"The HDF5 file {shown(path)} holds more than {MOST_OBJECTS:,} arrays and "
                    "groups: store the images as one array (N, H, W)."
                )
            if isinstance(item, h5py.Group):
                waiting.append((f"{full}/", item))
            elif isinstance(item, h5py.Dataset):
                yield full, item


def _array(path: Path, name: str, item: Any, where: str) -> NamedArray | None:
    """An array with its checks, None for what is neither numbers nor texts in one axis or more."""
    import h5py

    text = h5py.check_string_dtype(item.dtype)
    if item.shape is None or not item.shape or (item.dtype.kind not in "biufSU" and text is None):
        return None
    if item.external or item.is_virtual:
        raise DataError(f"The array {where} takes its data from other files: store them here.")
    unit = next((text for key in UNITS for text in _texts(item, key, path)[:1]), "")
    if text is not None:
        return Column(where, partial(_read_texts, path, name, where), unit)
    dtype = item.dtype.newbyteorder("=")
    blocks = partial(_blocks, path, name, where)
    return StreamedArray(path, where, item.shape, dtype, blocks, unit)


def _blocks(path: Path, name: str, where: str) -> Iterator[NDArray[Any]]:
    with _opened(path) as file:
        item = file[name]
        _require_honest(file, item, where)
        row = math.prod(item.shape[1:]) * item.dtype.itemsize
        step = max(1, BLOCK_BYTES // max(1, row))
        if item.chunks:
            # Each packed chunk is unpacked once.
            step = -(-step // item.chunks[0]) * item.chunks[0]
        for first in range(0, item.shape[0], step):
            yield item[first : first + step]


def _read_texts(path: Path, name: str, where: str) -> NDArray[Any]:
    with _opened(path) as file:
        item = file[name]
        _require_honest(file, item, where)
        require_memory(COPIES * item.size * 100, f"The array {where}")
        return np.array(item.asstr("utf-8", "replace")[()].tolist(), dtype=str)


def _require_honest(file: Any, item: Any, where: str) -> None:
    """Refuse an array that was never written, or whose chunks unpack to more than they may."""
    stored = item.id.get_storage_size()
    if item.size and not stored:
        raise DataError(
            f"The array {where} announces {item.nbytes:,} bytes, but holds none: write it again."
        )
    plist = item.id.get_create_plist()
    filters = [plist.get_filter(k)[0] for k in range(plist.get_nfilters())]
    if set(filters) - FILTERS or len(set(filters)) < len(filters):
        raise DataError(
            f"The array {where} is packed in a way that is not read here: store it plain or with "
            'compression="gzip".'
        )
    if not item.chunks:
        return
    chunk = math.prod(item.chunks) * item.dtype.itemsize
    require_memory(COPIES * chunk, f"A chunk of the array {where}")
    if DEFLATE not in filters:
        return
    # HDF5 unpacks a chunk to its end, however long that is.
    chunks: list[Any] = []
    item.id.chunk_iter(chunks.append)  # asked for one by one, each would be looked for anew
    for info in chunks:
        passed_over = info.filter_mask >> filters.index(DEFLATE) & 1
        if RATIO * info.size > max(HARMLESS, chunk) and not passed_over:
            _, content = item.id.read_direct_chunk(info.chunk_offset)
            try:
                require_unpacked([content], chunk)
            except DataError as error:
                raise DataError(f"The array {where} {error}.") from error


def _names(item: Any, path: Path) -> dict[str, NamedArray]:
    return naming_columns({key: _texts(item, key, path) for key in NAMING}, shown(path))


def _texts(item: Any, key: str, path: Path) -> list[str]:
    """The texts of an attribute; empty where there are none."""
    import h5py

    if key not in item.attrs:
        return []
    known = item.attrs.get_id(key)
    if known.get_storage_size() > MOST_ATTRIBUTE:
        raise DataError(f"The attribute {key} in {shown(path)} is too large: shorten it.")
    if h5py.check_string_dtype(known.dtype) is None and known.dtype.kind not in "SU":
        return []
    values = np.atleast_1d(np.asarray(item.attrs[key], dtype=object)).ravel().tolist()
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in values
    ]
