"""Writing files so that a reader sees the old one or the new one, never half of one."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from firstlight.core.errors import WriteError

# What keeps a file from being written, and what to do about it.
_OBSTACLES = {
    errno.ENOSPC: ("the disk is full", "make room"),
    errno.EDQUOT: ("your share of the disk is full", "make room"),
    errno.EFBIG: ("no file may become that large here", "raise the limit (ulimit -f)"),
    errno.EROFS: ("the disk is read-only", "make it writable"),
    errno.EACCES: ("you may not write there", "change the rights"),
    errno.EIO: ("the disk does not work as it should", "have it checked"),
}
# Some network file systems answer so when asked to sync a folder.
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)


def write_error(path: Path, error: OSError) -> WriteError:
    """An error of the system as a sentence that names the file, the obstacle and the remedy.

    Example:
        >>> print(write_error(Path("run.json"), OSError(errno.ENOSPC, "No space left on device")))
        run.json cannot be written: the disk is full. First make room.
    """
    unknown = (error.strerror or str(error), "look what is wrong there")
    obstacle, remedy = _OBSTACLES.get(error.errno or 0, unknown)
    return WriteError(f"{path} cannot be written: {obstacle}. First {remedy}.")


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, suffix: str = ".part") -> Iterator[Path]:
    """A temporary path beside `path`; when the block ends well, it takes the place of `path`.

    Its name begins with a dot and ends with `suffix`, which has to begin with `.part` so
    that `sweep` finds it.

    The temporary file is fsynced, renamed, and the folder fsynced; when the block
    raises, it is removed and `path` stays as it was.

    Raises:
        WriteError: `path` cannot be written.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary is not None:
            # A disk that takes no writing may not let go of a file either: `sweep` finds it later.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` in one step (see `replacing`)."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 in one step (see `replacing`)."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as JSON in one step; NaN and infinity are an error."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_arrays(path: Path, /, **arrays: Any) -> None:
    """Write arrays to `path` as a compressed `.npz` in one step, under any names."""
    import zipfile

    import numpy as np

    # NumPy's own function cannot write an array called `file`.
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed processes left in `folder`."""
    for leftover in folder.glob(".*.part*"):
        leftover.unlink(missing_ok=True)
