"""Arrays of images into shards on disk, for those that do not fit into memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.core.errors import DataError
from firstlight.core.files import replacing
from firstlight.core.settings import DataSettings
from firstlight.core.stored import StoredImages
from firstlight.core.telling import tell
from firstlight.data.converting import Conversion, convert, require_room
from firstlight.data.gaps import gaps_note
from firstlight.data.raw_arrays import RawArray
from firstlight.data.shards import (
    FORMAT,
    Manifest,
    key_of,
    locked_folder,
    open_shards,
    reading_of,
    whole_manifest,
    write_manifest,
)

CHUNK = 1 << 20  # bytes that are unpacked at a time


def store_arrays(
    arrays: Sequence[RawArray],
    image_shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    settings: DataSettings,
) -> tuple[StoredImages, tuple[str, ...]]:
    """Arrays, one behind the other, as images on disk.

    Packed arrays are unpacked to the disk first, since their images are read in a drawn order.

    Args:
        arrays: in the order of the targets.
        image_shape: `(H, W, C)` to bring images to.
        dtype: the type that images become.
        settings: `shards.READING`, `memory` and `shards` count.

    Returns:
        The images, and notes on where they lie.

    Raises:
        DataError: an array is damaged or holds NaN, or the disk has no room.
    """
    what = [(one.name, one.offset, one.shape, one.dtype.str) for one in arrays]
    files = [file for one in arrays for file in one.files or (one.path,)]
    key = key_of(files, settings, what)
    with locked_folder(settings, key) as folder:
        manifest, notes = whole_manifest(folder, key)
        if manifest is None:
            manifest = _make_shards(folder, key, arrays, image_shape, dtype, settings)
        images, _, note = open_shards(folder, manifest, settings)
    return images, (*notes, *manifest.about["notes"], note)


def _make_shards(
    folder: Path,
    key: str,
    arrays: Sequence[RawArray],
    image_shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    settings: DataSettings,
) -> Manifest:
    pieces = [_piece(folder / f"unpacked-{k}", array) for k, array in enumerate(arrays)]
    conversion = Conversion(image_shape, dtype, settings, pieces=pieces)
    made = convert(folder, conversion, key)
    manifest = Manifest(
        FORMAT,
        key,
        ", ".join(one.name for one in arrays),
        reading_of(settings),
        list(image_shape),
        dtype.name,
        conversion.shard_rows,
        made.sha256,
        {"notes": gaps_note(one for one in made.results if isinstance(one, int))},
    )
    kept = np.arange(len(conversion))
    write_manifest(folder, manifest, rows=made.rows, digests=made.digests, kept=kept)
    for path in folder.glob("unpacked-*"):
        path.unlink()
    return manifest


def _piece(unpacked: Path, array: RawArray) -> dict[str, Any]:
    """An array as `shard_worker` takes it: a file that holds its numbers as they are."""
    path, offset = array.path, array.offset
    if array.opener is not None:
        path, offset = unpacked, 0
        if not unpacked.is_file():
            _unpack(array, unpacked)
    return {
        "name": array.name,
        "path": str(path.resolve()),
        "offset": offset,
        "count": array.shape[0],
        "shape": list(array.shape[1:]),
        "dtype": array.dtype.str,
    }


def _unpack(array: RawArray, target: Path) -> None:
    """Write the numbers of a packed array to `target`: never more than its head announces."""
    assert array.opener is not None
    require_room(target.parent, array.nbytes)
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    done = 0
    with array.opener() as (file, _), replacing(target) as temporary:
        if array.offset:  # some streams begin with their numbers and cannot be moved
            file.seek(array.offset)
        with temporary.open("wb") as unpacked:
            while done < array.nbytes and (chunk := file.read(min(CHUNK, array.nbytes - done))):
                unpacked.write(chunk)
                done += len(chunk)
                tell("unpacking", done // row, array.shape[0])
        if done < array.nbytes or file.read(1):
            came = f"only {done:,}" if done < array.nbytes else "more"
            raise DataError(
                f"The array {array.name} announces {array.nbytes:,} bytes of numbers, but {came} "
                "came: write it again."
            )
