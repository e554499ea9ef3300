"""Making shards: images in an order drawn by lot, side by side, going on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.core.files import sweep
from firstlight.core.sizes import amount
from firstlight.core.stored import shard_name
from firstlight.data.shard_worker import Result, Task
from firstlight.data.shards import damaged_files
from firstlight.data.telling import tell
from firstlight.data.workers import perform_all

SHARD_BYTES = 32 << 20  # bytes of pixels in a shard; what a killed conversion loses of each process
KNOWN = {"digest", "sha256", "digests", "results"}


@dataclass(frozen=True)
class Conversion:
    """Images that shards are to be made of.

    Attributes:
        image_shape: `(H, W, C)` to bring them to.
        dtype: the type that they have.
        resize: the rule for other sizes.
        items: what `shard_worker` reads each image from: a file, or (piece, row).
        pieces: arrays that items may lie in, as `array_files.Piece`; None where items are files.
    """

    image_shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    resize: str
    items: list[Any]
    pieces: list[dict[str, Any]] | None = None

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return int(np.prod(self.image_shape)) * self.dtype.itemsize

    @property
    def shard_rows(self) -> int:
        """Images in a shard."""
        return max(1, SHARD_BYTES // self.image_bytes)


@dataclass(frozen=True, eq=False)
class Converted:
    """Finished shards.

    Attributes:
        rows: `(N,)` where each item lies, counted over all shards.
        digests: `(N,)` of each item's pixels.
        results: what the worker said of each item.
        sha256: of each shard, by its name.
    """

    rows: NDArray[np.int64]
    digests: NDArray[np.uint64]
    results: list[Result]
    sha256: dict[str, str]


def convert(folder: Path, conversion: Conversion, key: str) -> Converted:
    """Make all shards of a conversion that are not there yet.

    The order on the disk is drawn by lot, from the key: images that were neighbours in the
    source (one class, one patient) would otherwise be neighbours in training.

    Args:
        folder: where to; only this process may write there.
        conversion: what to make them of.
        key: names the source.

    Raises:
        DataError: the disk has no room, or an image cannot be used.
    """
    count, size = len(conversion.items), conversion.shard_rows
    order = np.random.default_rng(int(key[:16], 16)).permutation(count)
    tasks = [
        _task(folder / shard_name(k), conversion, order[start : start + size])
        for k, start in enumerate(range(0, count, size))
    ]
    _tidy(folder, len(tasks))
    missing = _missing(folder, tasks)
    images = [_count(task) for task in tasks]
    _require_room(folder, sum(images[k] for k in missing) * conversion.image_bytes)
    done = count - sum(images[k] for k in missing)
    tell("bringing images to disk", done, count)

    def more(number: int) -> None:
        nonlocal done
        done += number
        tell("bringing images to disk", done, count)

    for _ in perform_all([tasks[k] for k in missing], more):
        pass
    known = [_known(task) for task in tasks]
    rows = np.empty(count, np.int64)
    rows[order] = np.arange(count)
    digests = np.array([one for shard in known for one in shard["digests"]], np.uint64)
    results = [one for shard in known for one in shard["results"]]
    sha256 = {shard_name(k): shard["sha256"] for k, shard in enumerate(known)}
    return Converted(rows, digests[rows], [results[row] for row in rows], sha256)


def _task(path: Path, conversion: Conversion, chosen: NDArray[np.int64]) -> Task:
    """What a worker is asked for one shard, with a digest of all that says what will be in it."""
    task: Task = {
        "path": str(path),
        "shape": conversion.image_shape,
        "dtype": conversion.dtype.name,
        "resize": conversion.resize,
    }
    items = [conversion.items[k] for k in chosen]
    if conversion.pieces is None:
        task["files"] = items
    else:
        task |= {"rows": items, "pieces": conversion.pieces}
    return task | {"digest": hashlib.sha256(json.dumps(task).encode()).hexdigest()}


def _count(task: Task) -> int:
    return len(task["files"] if "files" in task else task["rows"])


def _known(task: Task) -> dict[str, Any]:
    """What the worker wrote beside a shard; empty where the shard was not finished as asked."""
    try:
        known = json.loads(Path(task["path"]).with_suffix(".json").read_text("utf-8"))
        fits = known.keys() == KNOWN and known["digest"] == task["digest"]
        return known if fits and len(known["results"]) == _count(task) else {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _missing(folder: Path, tasks: list[Task]) -> list[int]:
    """Which shards are still to be made; those that are there are read to be sure."""
    known = {Path(task["path"]).name: _known(task) for task in tasks}
    damaged = set(damaged_files(folder, {n: one["sha256"] for n, one in known.items() if one}))
    names = list(known)
    return [k for k, name in enumerate(names) if not known[name] or name in damaged]


def _tidy(folder: Path, shards: int) -> None:
    """Remove what killed processes left, and shards of a conversion to another size."""
    sweep(folder)
    for path in folder.glob("[0-9]*.npy"):
        if path.name >= shard_name(shards):
            path.unlink()


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"The images take {amount(needed)} on disk, but {folder} has {amount(free)} free: make "
            "room, name a folder on another disk with --shards, or use smaller images (--size)."
        )
