"""Zarr folders as named arrays, opened without trust.

What a folder may do otherwise: name a codec that is a program (numcodecs' pickle), hold links
that lead elsewhere, hold chunks that unpack to more than they may. So each array's description is
read here first, and only arrays whose codecs do nothing but unpack are handed to zarr.
(https://zarr-specs.readthedocs.io, versions 2 and 3)
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError, MissingExtraError
from firstlight.data.deep import require_unpacked
from firstlight.data.memory import COPIES, require_memory
from firstlight.data.named_array import NamedArray, StreamedArray, at_home, naming_columns
from firstlight.data.paths import read_bytes, shown

ENDING = ".zarr"
MOST_FILES = 1_000_000
NUMBERS_2 = re.compile(r"[<>|][biufSU]\d{1,6}")
NUMBERS_3 = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
)
BLOCK_BYTES = 1 << 24  # of rows that are read at a time
ROOM = 4096  # bytes that a packed chunk may have more than its numbers
DEFLATED = ("gzip", "zlib")
ZSTD = b"\x28\xb5\x2f\xfd"


def is_zarr(path: Path) -> bool:
    """Whether a path is a zarr folder: by its name, or by what lies in it.

    Example:
        >>> is_zarr(Path("a.png"))
        False
    """
    marks = ("zarr.json", ".zgroup", ".zarray")
    return path.is_dir() and (
        path.name.lower().endswith(ENDING) or any((path / mark).is_file() for mark in marks)
    )


@dataclass(frozen=True)
class _Layout:
    """How an array lies in its folder."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    packing: str


def zarr_arrays(folder: Path) -> dict[str, NamedArray]:
    """The arrays of a zarr folder (version 2 or 3) by name, those in groups as `group/name`.

    Of the attributes, `units` of an array is its unit, and `classes` (or `class_names`),
    `target_names` and `target_units` are read as arrays of that name.

    Raises:
        MissingExtraError: zarr is not installed.
        DataError: the folder is damaged or holds links or codecs that are not needed; when called
            for, if an array is damaged or would not fit into memory.
    """
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"{shown(folder)} is a zarr folder, and zarr is not installed: "
            'pip install "firstlight[zarr]".'
        ) from error
    arrays: dict[str, NamedArray] = {}
    named: dict[str, NamedArray] = {}
    for place in _places(folder):
        known, attributes = _description(place)
        named |= naming_columns(attributes, shown(folder))
        if known is None:
            continue
        name = "/".join(place.relative_to(folder).parts) or "images"
        where = f"{shown(name)} in {shown(folder)}"
        layout = _checked(known, where)
        if layout.shape:
            unit = str(attributes.get("units", attributes.get("unit", "")))
            blocks = partial(_blocks, place, where, layout)
            files = tuple(_files(place))
            arrays[name] = StreamedArray(
                place, where, layout.shape, layout.dtype, blocks, unit, files
            )
    return at_home(named | arrays)


def _places(folder: Path) -> Iterator[Path]:
    """The folders of arrays and groups; links and whatever is no file are refused."""
    count = 0
    for top, folders, files in os.walk(folder):
        for entry in (*folders, *files):
            path = Path(top, entry)
            mode = path.lstat().st_mode
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise DataError(
                    f"Files were expected in {shown(folder)}, but "
                    f"{shown(path.relative_to(folder))} is a link or a device: store the array "
                    "itself."
                )
        count += len(files)
        if count > MOST_FILES:
            raise DataError(
                f"{shown(folder)} has more than {MOST_FILES:,} files: use larger chunks."
            )
        if {".zarray", ".zgroup", "zarr.json"} & set(files):
            yield Path(top)
        folders.sort()


def _description(place: Path) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What says how an array lies in a folder (None for a group), and the attributes."""
    try:
        if (place / "zarr.json").is_file():
            known = _json(place / "zarr.json")
            attributes = known.get("attributes") or {}
            return (known if known["node_type"] == "array" else None), dict(attributes)
        attributes = _json(place / ".zattrs") if (place / ".zattrs").is_file() else {}
        array = (place / ".zarray").is_file()
        return (_json(place / ".zarray") if array else None), attributes
    except (DataError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"The description of {shown(place)} is damaged ({shown(error)[:120]}): write it again."
        ) from error


def _json(path: Path) -> dict[str, Any]:
    known = json.loads(read_bytes(path))
    if not isinstance(known, dict):
        raise ValueError("no description")
    return known


def _checked(known: dict[str, Any], where: str) -> _Layout:
    """How an array lies in its folder, if nothing has to be done but unpack it."""
    try:
        shape = tuple(known["shape"])
        if known["zarr_format"] == 3:
            grid, kind = known["chunk_grid"], known["data_type"]
            chunks = tuple(grid["configuration"]["chunk_shape"])
            names = [codec["name"] for codec in known["codecs"]]
            packings = [name for name in names if name not in ("bytes", "transpose", "crc32c")]
            plain = isinstance(kind, str) and kind in NUMBERS_3 and grid["name"] == "regular"
            plain &= not known.get("storage_transformers")
            if isinstance(kind, dict) and kind["name"] == "fixed_length_utf32":
                kind, plain = f"U{int(kind['configuration']['length_bytes']) // 4}", True
        else:
            chunks, kind, packer = tuple(known["chunks"]), known["dtype"], known["compressor"]
            packings = [packer["id"]] if packer else []
            plain = isinstance(kind, str) and bool(NUMBERS_2.fullmatch(kind))
            plain &= not known.get("filters")
        whole = all(isinstance(n, int) and n >= 0 for n in (*shape, *chunks))
        if not whole or len(shape) != len(chunks) or 0 in chunks:
            raise ValueError("it has no shape")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"The description of {where} is damaged ({shown(error)[:120]}).") from error
    packing = packings[0] if packings else ""
    if not plain or len(packings) > 1 or packing not in ("", *DEFLATED, *SIZES):
        raise DataError(
            f"The array {where} is stored in a way that is not read here: store plain numbers, "
            "with zstd, blosc, lz4, gzip or zlib, without filters and shards."
        )
    return _Layout(shape, chunks, np.dtype(kind).newbyteorder("="), packing)


def _files(place: Path) -> Iterator[Path]:
    """The chunks of an array."""
    for top, _, names in os.walk(place):
        yield from (Path(top, name) for name in names if name[:1] != "." and name != "zarr.json")


def _blocks(place: Path, where: str, layout: _Layout) -> Iterator[NDArray[Any]]:
    import zarr

    try:
        size = math.prod(layout.chunks) * layout.dtype.itemsize
        require_memory(COPIES * size, f"A chunk of the array {where}")
        for file in _files(place):
            _require_honest(read_bytes(file), layout.packing, size + ROOM)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Opened by itself: the description of the whole folder could say something else.
            array = zarr.open_array(str(place), mode="r")
        row = math.prod(layout.shape[1:]) * layout.dtype.itemsize
        step = max(1, BLOCK_BYTES // max(1, row))
        # Each packed chunk is unpacked once.
        step = -(-step // layout.chunks[0]) * layout.chunks[0]
        for first in range(0, array.shape[0], step):
            yield np.asarray(array[first : first + step])
    except DataError as error:
        raise DataError(f"The array {where}: {error}.") from error
    except Exception as error:  # codecs raise nearly everything at nearly every damage
        raise DataError(
            f"The array {where} is damaged or something else ({shown(error)[:120]}): write it "
            "again."
        ) from error


def _require_honest(content: bytes, packing: str, limit: int) -> None:
    """Raise DataError where a chunk unpacks to more than `limit` bytes, before it is unpacked."""
    if packing in DEFLATED:
        require_unpacked([content], limit)
    elif packing and SIZES[packing](content) > limit:
        raise DataError("a chunk unpacks to more data than its size has room for")


def _zstd_size(content: bytes) -> int:
    """What the headers of all frames announce (RFC 8878, sections 3.1.1.1 and 3.1.1.2)."""
    total = place = 0
    while place < len(content):
        if content[place : place + 4] != ZSTD:
            raise DataError("a chunk is not packed as announced")
        mark = content[place + 4]
        single = mark >> 5 & 1
        width = (single, 2, 4, 8)[mark >> 6]
        if not width:
            raise DataError("a chunk does not say how large it is unpacked")
        place += 5 + (not single) + (0, 1, 2, 4)[mark & 3]
        announced = int.from_bytes(content[place : place + width], "little")
        total += announced + (256 if width == 2 else 0)
        place += width
        last = 0
        while not last:
            # A block is its head, then its bytes, or the one byte that it repeats (kind 1).
            head = int.from_bytes(content[place : place + 3], "little")
            last, repeated = head & 1, head >> 1 & 3 == 1
            place += 3 + (1 if repeated else head >> 3)
            if place > len(content):
                raise DataError("a chunk is cut off")
        place += 4 * (mark >> 2 & 1)  # the checksum
    return total


def _blosc_size(content: bytes) -> int:
    """What the header announces: bytes 4 to 7 unpacked, 12 to 15 packed (c-blosc, README_CHUNK)."""
    # A chunk that is cut off is read beyond its end by numcodecs.
    if len(content) < 16 or int.from_bytes(content[12:16], "little") != len(content):
        raise DataError("a chunk is cut off")
    return int.from_bytes(content[4:8], "little")


def _lz4_size(content: bytes) -> int:
    """What numcodecs writes in front."""
    return int.from_bytes(content[:4], "little")


SIZES = {"zstd": _zstd_size, "blosc": _blosc_size, "lz4": _lz4_size}
