"""Checkpoints: everything that a training needs to go on as if nothing had happened."""

from __future__ import annotations

import errno
import hashlib
import io
import pickle
import shutil
from pathlib import Path
from typing import Any

from firstlight.core.errors import RunError, TrainingError
from firstlight.core.files import replacing, sweep

MAGIC = b"firstlight checkpoint 1\n"
KEPT = 2
State = dict[str, Any]


def save_checkpoint(folder: Path, step: int, state: State) -> Path:
    """Write the state after `step` steps, whole or not at all, and keep the last two.

    A file is a line that says what it is, the SHA-256 of what follows, and torch's own format.

    Raises:
        TrainingError: the disk is full or cannot be written; earlier checkpoints stay.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getbuffer()
    path = folder / f"step-{step:09d}.ckpt"
    try:
        with replacing(path) as temporary, temporary.open("wb") as stream:
            stream.write(MAGIC)
            stream.write(hashlib.sha256(payload).digest())
            stream.write(payload)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise TrainingError(
            f"checkpoint {path.name} could not be written: {reason}; the one before it is kept: "
            f"make room or access, then go on with --resume {folder.parent.name}."
        ) from error
    for old in checkpoints(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run, the newest last."""
    return sorted(folder.glob("step-*.ckpt"))


def load_newest(folder: Path) -> tuple[State, list[str]]:
    """The newest state that is whole, and a line for each damaged one that was passed over.

    The state is empty where no checkpoint has been written yet: the run begins at its beginning.

    Raises:
        RunError: none is whole.
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

    data = memoryview(path.read_bytes())
    start = len(MAGIC) + hashlib.sha256().digest_size
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise ValueError("is damaged (it does not begin as a checkpoint does)")
    if hashlib.sha256(data[start:]).digest() != bytes(data[len(MAGIC) : start]):
        raise ValueError("is damaged (its content does not match its checksum)")
    try:
        state: State = torch.load(io.BytesIO(data[start:]), weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise ValueError("is refused (it holds something other than numbers)") from error
    return state


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
