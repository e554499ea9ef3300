"""The worker that looks at pictures and makes shards; see `core.processes`."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.core.files import replacing, write_json
from firstlight.core.processes import Task
from firstlight.core.settings import DataSettings
from firstlight.core.stored import HEAD
from firstlight.data.arrays import as_images
from firstlight.data.fit import fit, to_channels
from firstlight.data.paths import read_bytes
from firstlight.data.picture import decode, inspect

WORKER = __name__
OFTEN = 256  # images between two words about how far it is
# What a picture was, why it cannot be read, or how many pixels of an array's image were filled.
Result = list[Any] | str | int


def perform(task: Task, tell: Callable[[int], None]) -> Any:
    """Do one task; `tell` is called with the number of images that were dealt with.

    Tasks are `{"inspect": files, "settings": ...}`, answered with the head of each picture or the
    reason why it has none, and shards, which `write_shard` describes.

    Raises:
        DataError: images cannot be used, or the shard cannot be written.
    """
    with warnings.catch_warnings():
        # What a decoder has to say ends up in a file's reason.
        warnings.simplefilter("ignore")
        if "inspect" in task:
            settings = DataSettings(**task["settings"])
            heads = [_head(file, settings) for file in task["inspect"]]
            tell(len(heads))
            return heads
        return write_shard(task, tell)


def write_shard(task: Task, tell: Callable[[int], None]) -> None:
    """Write one shard, and then what is known about it beside it.

    Args:
        task: `path` of the shard, `shape` `(H, W, C)` and `dtype` to bring images to, `settings`
            as `shards.reading_of` gives them; `files` of pictures, or `rows` of arrays:
            (piece, row) with `pieces` as `stored_arrays` makes them; `digest` names the task.
        tell: as in `perform`.
    """
    path, shape, dtype = Path(task["path"]), tuple(task["shape"]), np.dtype(task["dtype"])
    settings = DataSettings(**task["settings"])
    images = _pictures(task, dtype, settings) if "files" in task else _rows(task, settings)
    count = len(task["files"] if "files" in task else task["rows"])
    head = BytesIO()
    described = {"descr": dtype.str, "fortran_order": False, "shape": (count, *shape)}
    npy_format.write_array_header_1_0(head, described)
    assert head.tell() == HEAD
    whole, digests, results = hashlib.sha256(head.getvalue()), [], []
    nothing = np.zeros(shape, dtype)
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(head.getvalue())
            for number, (pixels, result) in enumerate(images, 1):
                fitted = nothing
                if pixels is not None:
                    fitted = to_channels(pixels, shape[2])
                    fitted = fit(fitted, shape[0], shape[1], settings.resize)
                content = np.ascontiguousarray(fitted).tobytes()
                file.write(content)
                whole.update(content)
                digest = hashlib.blake2b(content, digest_size=8).digest()
                digests.append(int.from_bytes(digest, "little"))
                results.append(result)
                if number % OFTEN == 0 or number == count:
                    tell((number - 1) % OFTEN + 1)
        known = {"digest": task["digest"], "sha256": whole.hexdigest()}
        write_json(path.with_suffix(".json"), known | {"digests": digests, "results": results})
    except OSError as error:
        raise DataError(
            f"the shard {path} cannot be written ({error.strerror}): make room on the disk, or "
            "name another folder with --shards."
        ) from error


def _head(file: str, settings: DataSettings) -> Result:
    try:
        head = inspect(read_bytes(Path(file)), settings)
    except DataError as error:
        return str(error)
    return [head.height, head.width, head.channels, head.dtype.name]


def _pictures(
    task: Task, dtype: np.dtype[Any], settings: DataSettings
) -> Iterator[tuple[NDArray[Any] | None, Result]]:
    """Each picture, and its size, channels and what was done to it; or why it cannot be read."""
    for file in task["files"]:
        try:
            picture = decode(read_bytes(Path(file)), settings)
            pixels = picture.pixels
            if pixels.dtype != dtype:
                raise DataError(f"holds {pixels.dtype} where its head says {dtype}")
            # Whether size and channels can be changed is known only now.
            height, width, channels = task["shape"]
            fitted = fit(to_channels(pixels, channels), height, width, settings.resize)
        except DataError as error:
            yield None, str(error)
            continue
        yield fitted, [*pixels.shape, sorted(picture.done), picture.gaps]


def _rows(task: Task, settings: DataSettings) -> Iterator[tuple[NDArray[Any], Result]]:
    """Each image of the arrays, in the type that images have, and how many gaps were filled."""
    pieces = task["pieces"]
    handles = [os.open(piece["path"], os.O_RDONLY | os.O_CLOEXEC) for piece in pieces]
    try:
        for number, row in task["rows"]:
            piece = pieces[number]
            stored = np.empty((1, *piece["shape"]), np.dtype(piece["dtype"]))
            place = piece["offset"] + row * stored.nbytes
            window = stored.reshape(-1).view(np.uint8).data
            if os.preadv(handles[number], [window], place) < stored.nbytes:
                raise DataError(f"{piece['name']} ends before its image {row}: write it again.")
            native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
            where = f"image {row} of {piece['name']}"
            images, gaps = as_images(native, where, settings)
            yield images[0], int(gaps[0])
    finally:
        for handle in handles:
            os.close(handle)
