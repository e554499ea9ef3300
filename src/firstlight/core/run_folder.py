"""`runs/NAME/`: the contract between training, evaluation and every later reader of a run."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from firstlight.core.errors import RunError
from firstlight.core.events import Event, EventLog, history, read_events
from firstlight.core.files import sync_folder, write_json

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What every reader of run.json relies on.
NEEDED = {
    "settings": {"model", "loss", "metric"},
    "data_settings": {"resize"},
    "data": {"source", "task", "image_shape", "dtype", "fingerprint", "split_seed"},
    "model": {"architecture", "source"},
    "machine": {"precision", "threads"},
}
NAME_RULE = "letters, digits, '.', '_' and '-', at most 64, the first a letter or digit"


@dataclass(frozen=True)
class RunFolder:
    """One run's files, by name. Nothing is read before it is asked for.

    Attributes:
        path: the folder, resolved; its last part is the run's name.
    """

    path: Path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The trained Keras model."""
        return self.path / "model.keras"

    @property
    def split(self) -> Path:
        """Which image went to which part."""
        return self.path / "split.npz"

    @property
    def figures(self) -> Path:
        """The folder of figures (PNG)."""
        return self.path / "figures"

    @property
    def page(self) -> Path:
        """The report as a page."""
        return self.path / "report.html"

    @property
    def report(self) -> Path:
        """The report as JSON."""
        return self.path / "report.json"

    def information(self) -> dict[str, Any]:
        """`run.json`: configuration, data fingerprint, versions, seed, command."""
        try:
            information = json.loads((self.path / "run.json").read_text("utf-8"))
            if all(information[part].keys() >= needed for part, needed in NEEDED.items()):
                return dict(information)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass
        raise RunError(
            f"run.json of run {self.name} is damaged or not firstlight's: train again under "
            "another --name."
        )

    def events(self, after: int = 0) -> list[Event]:
        """The run's events with a number above `after`."""
        return read_events(self.path / "events.jsonl", after)

    def epochs(self) -> list[Event]:
        """One event an epoch, in order."""
        return history(self.events())

    @contextmanager
    def log(self, listener: Callable[[Event], None] | None = None) -> Iterator[EventLog]:
        """The run's event log, open for adding to."""
        log = EventLog(self.path / "events.jsonl", listener)
        try:
            yield log
        finally:
            log.close()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to write into this run; it ends with the process, however that ends.

        Raises:
            RunError: another process holds it; the message names that process.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / "lock", blocking=False)
        writer = self.path / "writer.json"
        try:
            lock.acquire()
        except Timeout:
            holder = json.loads(writer.read_text("utf-8")) if writer.exists() else {}
            process, machine = holder.get("process", "?"), holder.get("machine", "?")
            raise RunError(
                f"run {self.name} is being written by process {process} on {machine}: wait for "
                "it or stop it, or train under another --name."
            ) from None
        try:
            write_json(writer, {"process": os.getpid(), "machine": socket.gethostname()})
            yield
        finally:
            writer.unlink(missing_ok=True)
            lock.release()


def create_run(
    root: Path, name: str | None, default: str, information: dict[str, Any]
) -> RunFolder:
    """Make a new run folder that holds `run.json` from its first moment on.

    Args:
        root: the folder of runs; made where it is missing.
        name: the run's name as the user chose it, or None: `default`, with a number
            after it where that exists (`mnist-compact-2`).
        default: a name made from data and model; characters that names cannot have
            become `-`.
        information: what `run.json` holds.

    Raises:
        RunError: the name is not allowed, or a run of that name exists.
    """
    root = Path(root)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", default).lstrip("._-")[:56] or "run"
    number = 1
    while True:
        numbered = stem if number == 1 else f"{stem}-{number}"
        tried = numbered if name is None else name
        number += 1
        if name is None and (root / tried).exists():
            continue
        path = require_new_run(root, tried)
        try:
            _make(path, {"name": tried, **information})
        except OSError as error:
            # Another process may have taken the name a moment ago.
            if name is None and path.exists():
                continue
            raise RunError(f"the run folder {path} cannot be made: {error.strerror}.") from error
        return RunFolder(path)


def _make(path: Path, information: dict[str, Any]) -> None:
    """Make a run folder under another name and rename it: a kill leaves a whole run or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    (temporary / "checkpoints").mkdir(parents=True)
    try:
        write_json(temporary / "run.json", information)
        temporary.rename(path)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


def require_new_run(root: Path, name: str) -> Path:
    """Where a run of that name would lie.

    Raises:
        RunError: the name is not allowed, or a run of that name exists.
    """
    path = _inside(root, name)
    if path.exists():
        raise RunError(
            f"a run called {name} exists in {root}: choose another --name, or go on with "
            f"it by --resume {name}."
        )
    return path


def find_run(run: str | Path, root: Path) -> RunFolder:
    """The run folder that the user means: a name below `root`, or a path.

    Raises:
        RunError: there is none; the message lists the runs that there are.
    """
    given = Path(run)
    if len(given.parts) > 1 or given.is_absolute():
        root, given = given.parent, Path(given.name)
    path = _inside(Path(root), given.name or str(run))
    if not (path / "run.json").is_file():
        raise RunError(
            f"no run called {given.name} in {root}: {_known_runs(Path(root), given.name)}"
        )
    for entry in path.rglob("*"):
        # A link would lead reading and writing out of the folder.
        if entry.is_symlink():
            raise RunError(
                f"run {path.name} holds a link, {entry.relative_to(path)}, which firstlight never "
                "makes: take it away, or put the file itself there."
            )
    return RunFolder(path)


def _known_runs(root: Path, name: str) -> str:
    """Which run may have been meant, in words."""
    there = sorted(entry.parent.name for entry in root.glob("*/run.json"))
    near = get_close_matches(name, there, 1)
    if near:
        return f"did you mean {near[0]}?"
    if not there:
        return "there are no runs yet."
    more = f" and {len(there) - 8} more" if len(there) > 8 else ""
    return f"there are {', '.join(there[:8])}{more}."


def _inside(root: Path, name: str) -> Path:
    """`root/name`, resolved, when the name is allowed and the place is inside the root."""
    if not NAME.fullmatch(name):
        raise RunError(
            f"a run's name is made of {NAME_RULE}, but {name!r} came: choose another one."
        )
    path = (root / name).resolve()
    if path.parent != root.resolve():
        raise RunError(
            f"{root / name} is a link to a place outside of {root}: give the run itself."
        )
    return path
