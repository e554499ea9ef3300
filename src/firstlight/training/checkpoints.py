"""Checkpoints: everything that a training needs to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import io
import pickle
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from firstlight.core.errors import RunError, TrainingError
from firstlight.core.files import replacing, sweep

MAGIC = b"firstlight checkpoint 2\n"
KEPT = 2
_DIGEST = hashlib.sha256().digest_size
_BLOCK = 2**20
State = dict[str, Any]


class _Digesting(io.RawIOBase):
    """A binary file for writing that keeps the SHA-256 of what went through."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._stream.write(data)

    def digest(self) -> bytes:
        return self._digest.digest()


def save_checkpoint(folder: Path, step: int, state: State) -> Path:
    """Write the state after `step` steps, whole or not at all, and keep the last two.

    A file is torch's own format, then the SHA-256 of that, then a line that says what it is.
    It is written as a stream: no copy of the state is made in memory.

    Raises:
        WriteError: the disk is full or cannot be written; earlier checkpoints stay.
    """
    import torch

    path = folder / f"step-{step:09d}.ckpt"
    with replacing(path) as temporary, temporary.open("wb") as stream:
        digesting = _Digesting(stream)
        torch.save(state, cast(IO[bytes], digesting))
        stream.write(digesting.digest() + MAGIC)
    for old in checkpoints(folder)[:-KEPT]:
        # What cannot be taken away now is taken away after the next one.
        with suppress(OSError):
            old.unlink()
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run, the newest last."""
    return sorted(folder.glob("step-*.ckpt"))


def load_newest(folder: Path) -> tuple[State, list[str]]:
    """The newest state that is whole, and a line for each damaged one that was passed over.

    The state is empty where no checkpoint has been written yet: the run begins at its beginning.

    Raises:
        RunError: none is whole.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> load_newest(folder)
        ({}, [])
        >>> save_checkpoint(folder, 7, {"epoch": 2}).name
        'step-000000007.ckpt'
        >>> load_newest(folder)
        ({'epoch': 2}, [])
    """
    sweep(folder)
    damaged: list[str] = []
    if not any(folder.iterdir()):
        return {}, damaged
    for path in reversed(checkpoints(folder)):
        try:
            return _load(path), damaged
        except ValueError as error:
            damaged.append(f"checkpoint {path.name} {error}: the one before it is used")
            # Set aside, so that it cannot be taken for the newest one again.
            path.replace(path.with_suffix(".damaged"))
    listed = "; ".join(damaged) or "it has none"
    raise RunError(
        f"run {folder.parent.name} has no checkpoint to go on from ({listed}): train again "
        "under another --name."
    )


def _load(path: Path) -> State:
    import torch

    try:
        _check(path)
        state: State = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise ValueError("is refused (it holds something other than numbers)") from error
    return state


def _check(path: Path) -> None:
    """Hold a checkpoint's content against its checksum, a block at a time."""
    left = path.stat().st_size - _DIGEST - len(MAGIC)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while left > 0 and (block := stream.read(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
        ending = stream.read()
    if not ending.endswith(MAGIC):
        raise ValueError("is damaged (it does not end as a checkpoint does)")
    if ending != digest.digest() + MAGIC:
        raise ValueError("is damaged (its content does not match its checksum)")


def check_disk(folder: Path, state_bytes: int) -> None:
    """Refuse to start where the checkpoints and the model would not fit on the disk.

    Raises:
        TrainingError: with the sizes.
    """
    # Two checkpoints are kept while a third is written; the model and the report come on top.
    needed = (KEPT + 1) * state_bytes + state_bytes + 16 * 2**20
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise TrainingError(
            f"this run needs {needed / 2**20:,.0f} MiB of disk for its checkpoints and model, but "
            f"{free / 2**20:,.0f} MiB are free in {folder}: make room or choose another --runs."
        )
