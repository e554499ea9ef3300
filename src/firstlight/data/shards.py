"""Folders of shards: where they lie, whose they are, and whether they are whole.

`FOLDER/KEY/` holds the shards (`000000.npy`, ... with what is known about each in `.json` beside
it), `rows.npz` (which image lies where) and, written last, `manifest.json`. KEY names the source
files as they are and the way of reading them, so a changed source never meets old shards.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from firstlight.core.cache import cache_folder, make_own_folder
from firstlight.core.files import write_arrays, write_json
from firstlight.core.processes import usable_cores
from firstlight.core.settings import DataSettings
from firstlight.core.sizes import amount
from firstlight.core.stored import StoredImages
from firstlight.core.telling import tell

FORMAT = 2
READING = ("size", "resize", "colour", "axes", "hdu", "gaps")  # settings that change the pixels
MANIFEST, ROWS = "manifest.json", "rows.npz"


@dataclass(frozen=True)
class Manifest:
    """What a folder of shards holds.

    Attributes:
        format: the number of this layout.
        key: names the source files and the settings.
        source: the folder or file that the images came from.
        settings: those that say what is in the shards: `READING`.
        image_shape: `[H, W, C]`.
        dtype: the type of the pixels.
        shard_rows: images in each shard but the last.
        sha256: of each shard and of `rows.npz`, by the file's name.
        about: what else is known of the images, by the reader that made the shards.
    """

    format: int
    key: str
    source: str
    settings: dict[str, Any]
    image_shape: list[int]
    dtype: str
    shard_rows: int
    sha256: dict[str, str]
    about: dict[str, Any]


def reading_of(settings: DataSettings) -> dict[str, Any]:
    """The settings that say what is in shards, by name."""
    return {name: getattr(settings, name) for name in READING}


def key_of(files: Iterable[str | Path], settings: DataSettings, what: Any = None) -> str:
    """A name for source files as they are now and a way of reading them.

    Size, time of change and time of the last touch (which nobody can set) stand for the content:
    to read all of it would take as long as to convert it.

    Example:
        >>> len(key_of([], DataSettings()))
        64
    """
    digest = hashlib.sha256(repr((FORMAT, *reading_of(settings).values(), what)).encode())
    for file in files:
        try:
            known = os.stat(file)
            state: Any = (known.st_size, known.st_mtime_ns, known.st_ctime_ns)
        except (OSError, ValueError):
            state = None
        digest.update(repr((os.path.abspath(file), state)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def shard_folder(settings: DataSettings, key: str) -> Path:
    """The folder of a key, made where it is missing: below `--shards`, else the user's cache.

    Raises:
        DataError: it cannot be made, or others could write there.
    """
    if settings.shards is None:
        below = cache_folder()
        folder = below / key[:32]
    else:
        below = folder = Path(settings.shards).expanduser().resolve() / key[:32]
    make_own_folder(folder, below, "--shards")
    return folder


@contextmanager
def locked_folder(settings: DataSettings, key: str) -> Iterator[Path]:
    """The folder of a key, held by this process alone; another one that has it is waited for.

    Raises:
        DataError: as `shard_folder`.
    """
    folder = shard_folder(settings, key)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell("waiting for another process that makes the same shards", 0, 1)
        lock.acquire()
    try:
        yield folder
    finally:
        lock.release()


def write_manifest(folder: Path, manifest: Manifest, **arrays: NDArray[Any]) -> None:
    """Write `rows`, `digests` and `kept` of the images and, as the last of all, the manifest."""
    write_arrays(folder / ROWS, **arrays)
    checked = manifest.sha256 | {ROWS: _sha256(folder / ROWS)}
    write_json(folder / MANIFEST, asdict(manifest) | {"sha256": checked})


def read_manifest(folder: Path, key: str) -> Manifest | None:
    """The manifest of a folder; None where it is missing, damaged or another's."""
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return manifest if (manifest.format, manifest.key) == (FORMAT, key) else None


def whole_manifest(folder: Path, key: str) -> tuple[Manifest | None, tuple[str, ...]]:
    """The manifest of a folder all of whose files are whole, and a note on those that are not.

    Where files are damaged there is none: they are taken away, to be made anew.
    """
    manifest = read_manifest(folder, key)
    damaged = damaged_files(folder, manifest.sha256) if manifest else []
    if not damaged:
        return manifest, ()
    for path in [folder / MANIFEST, *(folder / name for name in damaged)]:
        path.unlink(missing_ok=True)
    listed = ", ".join(damaged[:3]) + ", ..." * (len(damaged) > 3)
    return None, (f"Files in {folder} were damaged and are made anew from the source: {listed}.",)


def damaged_files(folder: Path, sha256: dict[str, str]) -> list[str]:
    """Files that are missing or hold something else than was written: every byte is read."""
    names, done = list(sha256), 0
    damaged = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        for name, found in zip(names, pool.map(_sha256, [folder / n for n in names]), strict=True):
            done += 1
            tell("checking shards", done, len(names))
            if found != sha256[name]:
                damaged.append(name)
    return damaged


def _sha256(path: Path) -> str:
    """SHA-256 of a regular file, "" where there is none that can be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return ""
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def open_shards(
    folder: Path, manifest: Manifest, settings: DataSettings
) -> tuple[StoredImages, NDArray[np.int64], str]:
    """What a folder whose files were checked holds.

    Returns:
        The images, in the order of the source; `(N,)` which of the source's images they are (some
        may not be readable); and a note on where they lie.
    """
    with np.load(folder / ROWS, allow_pickle=False) as stored:
        rows, digests, kept = (stored[name] for name in ("rows", "digests", "kept"))
    height, width, channels = manifest.image_shape
    shape, dtype = (height, width, channels), np.dtype(manifest.dtype)
    images = StoredImages(folder, shape, dtype, manifest.shard_rows, rows, digests, settings.budget)
    note = (
        f"The images are kept on disk ({amount(images.nbytes)} in {folder}), and at most "
        f"{amount(settings.budget)} of memory are used to work with them."
    )
    return images, kept, note
