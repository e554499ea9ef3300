"""Making shards: images in an order drawn by lot, side by side, going on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.core.files import sweep
from firstlight.core.processes import Task, perform_all
from firstlight.core.settings import DataSettings
from firstlight.core.sizes import amount
from firstlight.core.stored import shard_name
from firstlight.core.telling import tell
from firstlight.data.shard_worker import WORKER, Result
from firstlight.data.shards import damaged_files, reading_of

SHARD_BYTES = 32 << 20  # bytes of pixels in a shard; what a killed conversion loses of each process
KNOWN = {"digest", "sha256", "digests", "results"}


@dataclass(frozen=True)
class Conversion:
    """Images that shards are to be made of.

    Attributes:
        image_shape: `(H, W, C)` to bring them to.
        dtype: the type that they have.
        settings: `resize`, `axes`, `hdu` and `gaps` count.
        files: pictures, or none.
        pieces: arrays, one behind the other, or none; see `stored_arrays`.
    """

    image_shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    settings: DataSettings
    files: Sequence[str] = ()
    pieces: Sequence[dict[str, Any]] = ()

    def __len__(self) -> int:
        return len(self.files) + sum(piece["count"] for piece in self.pieces)

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
    count, size = len(conversion), conversion.shard_rows
    order = np.random.default_rng(int(key[:16], 16)).permutation(count)
    tasks = Tasks(folder, conversion, order)
    _tidy(folder, len(tasks))
    missing = _missing(folder, tasks)
    done = count - sum(len(order[k * size : (k + 1) * size]) for k in missing)
    require_room(folder, (count - done) * conversion.image_bytes)
    tell("bringing images to disk", done, count)

    def more(number: int) -> None:
        nonlocal done
        done += number
        tell("bringing images to disk", done, count)

    for _ in perform_all(WORKER, tasks, missing, more):
        pass
    rows = np.empty(count, np.int64)
    rows[order] = np.arange(count)
    digests, results, sha256 = np.empty(count, np.uint64), [], {}
    for k, task in enumerate(tasks):
        known = _known(task)
        digests[k * size : (k + 1) * size] = known["digests"]
        results += known["results"]
        sha256[shard_name(k)] = known["sha256"]
    return Converted(rows, digests[rows], [results[row] for row in rows], sha256)


class Tasks(Sequence[Task]):
    """What workers are asked, a task a shard; made when it is asked for, since all are many."""

    def __init__(self, folder: Path, conversion: Conversion, order: NDArray[np.int64]) -> None:
        self.folder, self.conversion, self.order = folder, conversion, order

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.conversion.shard_rows)

    def __getitem__(self, number: Any) -> Any:
        """One task, with a digest of all that says what will be in the shard."""
        if number >= len(self):
            raise IndexError(number)
        size, asked = self.conversion.shard_rows, self.conversion
        chosen = self.order[number * size : (number + 1) * size]
        task: Task = {
            "path": str(self.folder / shard_name(number)),
            "shape": asked.image_shape,
            "dtype": asked.dtype.name,
            "settings": reading_of(asked.settings),
        }
        if asked.pieces:
            # Image k of all pieces together is image k - starts[piece] of its piece.
            starts = np.cumsum([0] + [piece["count"] for piece in asked.pieces])
            piece = np.searchsorted(starts, chosen, "right") - 1
            rows = np.stack([piece, chosen - starts[piece]], axis=1).tolist()
            task |= {"rows": rows, "pieces": asked.pieces}
        else:
            task["files"] = [asked.files[k] for k in chosen]
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


def _missing(folder: Path, tasks: Tasks) -> list[int]:
    """Which shards are still to be made; those that are there are read to be sure."""
    sha256 = {shard_name(k): _known(task).get("sha256") for k, task in enumerate(tasks)}
    there = {name: known for name, known in sha256.items() if known}
    whole = there.keys() - set(damaged_files(folder, there))
    return [k for k in range(len(tasks)) if shard_name(k) not in whole]


def _tidy(folder: Path, shards: int) -> None:
    """Remove what killed processes left, and shards of a conversion to another size."""
    sweep(folder)
    for path in folder.glob("[0-9]*.npy"):
        if path.name >= shard_name(shards):
            path.unlink()


def require_room(folder: Path, needed: int) -> None:
    """Refuse what the disk has no room for.

    Raises:
        DataError: `needed` bytes are more than are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"The images take {amount(needed)} on disk, but {folder} has {amount(free)} free: make "
            "room, name a folder on another disk with --shards, or use smaller images (--size)."
        )
