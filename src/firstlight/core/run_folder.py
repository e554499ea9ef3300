"""`runs/NAME/`: the contract between training, evaluation and every later reader of a run."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from firstlight.core.errors import RunError, WriteError
from firstlight.core.events import Event, EventLog, history, read_events
from firstlight.core.files import sync_folder, write_error, write_json

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
UNMADE = re.compile(rf"\.{NAME.pattern}\.[0-9a-f]{{8}}")
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
    def snapshots(self) -> Path:
        """The folder of weights after some of the epochs; missing where none are kept."""
        return self.path / "snapshots"

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
    def inside(self) -> Path:
        """The folder of runs inside of this run: networks of an ensemble, comparisons."""
        return self.path / "inside"

    @property
    def is_inside(self) -> bool:
        """Whether the run lies inside of another one."""
        return self.path.parent.name == "inside" and (self.path.parents[1] / "run.json").exists()

    def members(self) -> list[RunFolder]:
        """The runs of the other networks of this run's ensemble, in order."""
        names = self.inside.glob("network-*")
        return [RunFolder(path) for path in sorted(names, key=lambda path: int(path.name[8:]))]

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

    def is_written(self) -> bool:
        """Whether a process holds the right to write into this run at this moment.

        Asking takes no right away from anybody: a writer that comes just then waits a moment.
        """
        import fcntl

        try:
            # No link and no pipe: a run folder may come from a stranger.
            lock = os.open(self.path / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def writer(self) -> tuple[int, str] | None:
        """Number and machine of the process that writes into this run, None where none does."""
        # What lies there may be left over from a process that was killed.
        if not self.is_written():
            return None
        try:
            holder = json.loads((self.path / "writer.json").read_text("utf-8"))
            process, machine = int(holder["process"]), str(holder["machine"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (process, machine) if process > 1 else None

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
            WriteError: a file of the run cannot be written, now or within the block.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / "lock")
        writer = self.path / "writer.json"
        try:
            # Within a second, whoever has taken the lock just now has written down its name.
            lock.acquire(timeout=1)
        except Timeout:
            raise RunError(
                f"run {self.name} is being written by {_writer(writer)}: wait for it or stop it, "
                "or train under another --name."
            ) from None
        except OSError as error:
            raise write_error(self.path / "lock", error) from error
        try:
            write_json(writer, {"process": os.getpid(), "machine": socket.gethostname()})
            yield
        except WriteError as error:
            raise WriteError(f"{error} Then go on with --resume {self.name}.") from error
        finally:
            with suppress(OSError):
                writer.unlink(missing_ok=True)
            lock.release()


def _writer(file: Path) -> str:
    """Who writes into a run, as its `writer.json` says."""
    try:
        holder = json.loads(file.read_text("utf-8"))
        return f"process {holder['process']} on {holder['machine']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


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
        WriteError: the folder cannot be made.
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
            if path.exists():
                if name is None:
                    continue
                require_new_run(root, tried)
            raise write_error(path, error) from error
        return RunFolder(path)


def _make(path: Path, information: dict[str, Any]) -> None:
    """Make a run folder under another name and rename it: a kill leaves a whole run or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_unmade(path.parent)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        for part in ("checkpoints", "figures"):
            (temporary / part).mkdir(parents=True)
        write_json(temporary / "run.json", information)
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


def _sweep_unmade(root: Path) -> None:
    """Remove the folders that processes killed inside `_make` have left."""
    for folder in root.glob(".*"):
        # After an hour nobody is making it any more.
        if UNMADE.fullmatch(folder.name) and time.time() - folder.stat().st_mtime > 3600:
            shutil.rmtree(folder, ignore_errors=True)


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
