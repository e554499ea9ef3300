"""Following runs: their folders are read as they are written, whoever started them."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from firstlight.core.diagnosing import diagnose
from firstlight.core.diagnosis import Diagnosis, EpochScores, LayerUnits, course_of
from firstlight.core.errors import RunError
from firstlight.core.events import Event, event_of
from firstlight.core.run_folder import NAME, RunFolder
from firstlight.core.scores import WITH_UNIT
from firstlight.shells.lab.curves import CurveMaker, add_epoch, add_point, merged
from firstlight.shells.lab.messages.runs import EpochRow, Point, Progress, Run, RunState, Score

AT_ONCE = 8 << 20  # bytes of events that are read at a time
LARGEST_DOCUMENT = 64 << 20
MOST_NOTES = 30
YOUNG = 5.0  # seconds
ENOUGH = 3  # looks
KILLED = (
    "Its process has ended without a word: it was killed, the memory ran out, or the machine was "
    "switched off. Resume it: it goes on from its last checkpoint."
)


@dataclass(frozen=True)
class Change:
    """What is new about a run: itself, its curves, or that it is gone (`run` is None)."""

    name: str
    run: Run | None
    progress: Progress | None = None
    points: tuple[Point, ...] = ()
    epochs: tuple[EpochRow, ...] = ()


@dataclass
class Followed:
    """One run folder, read as far as it has been written."""

    folder: RunFolder
    points: list[Point] = field(default_factory=list)
    epochs: list[EpochRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._offset = 0
        self._said = ""  # what the run itself said about its end
        self._ended: RunState | None = None
        # How often in a row nobody was seen to write. A folder is there a moment before its writer
        # has the lock; one that is older has been left alone.
        age = time.time() - (self.folder.path / "run.json").stat().st_mtime
        self._alone = 0 if age < YOUNG else ENOUGH
        self._information = information = self.folder.information()
        self._beginning: float | None = None  # the loss before the first step
        self._units: tuple[LayerUnits, ...] = ()
        self._diverged = False
        data, settings = information["data"], information["settings"]
        self._maker = CurveMaker(
            str(settings["metric"]), int(settings["batch_size"]), int(data["images"]["train"])
        )
        self.run = msgspec.convert(
            {
                "name": self.folder.name,
                "state": "starting",
                "created": information.get("created", ""),
                "command": information.get("command", ""),
                "data": str(data.get("name", "")),
                "parameters": information["model"].get("parameters", 0),
                "settings": {key: value for key, value in settings.items() if _is_plain(value)},
                "notes": (*data.get("notes", ()), *information["model"].get("in_keras", ())),
                "metric": settings["metric"],
            },
            Run,
        )

    def read(self) -> tuple[list[Point], list[EpochRow]]:
        """Take in what has been written since the last time; the new points and epochs."""
        points: list[Point] = []
        epochs: list[EpochRow] = []
        for event in self._new_events():
            try:
                self._take(event, points, epochs)
            except (
                msgspec.ValidationError,
                KeyError,
                TypeError,
                ValueError,
                ArithmeticError,
            ):
                continue  # not an event that firstlight writes
        for point in points:
            add_point(self.points, point)
        for row in epochs:
            add_epoch(self.epochs, row)
        before = self.run.state
        self.run = msgspec.structs.replace(self.run, **self._standing())
        if epochs or self.run.state != before:
            self._change(diagnosis=self._diagnosis())
        return points, epochs

    def _diagnosis(self) -> tuple[Diagnosis, ...]:
        """What seems to be wrong so far; nothing where `run.json` says less than it needs."""
        rows = (EpochScores(*msgspec.structs.astuple(row)[:-1]) for row in self.epochs)
        try:
            course = course_of(
                self._information,
                tuple(rows),
                beginning=self._beginning,
                over=self._ended == "finished" or self._diverged,
                diverged=self._diverged,
                units=self._units,
            )
            return diagnose(course)
        except (LookupError, TypeError, ValueError, ArithmeticError):
            return ()

    def _new_events(self) -> Iterator[Event]:
        path = self.folder.path / "events.jsonl"
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                return
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset = 0
                file.seek(self._offset)
                block = file.read(AT_ONCE)
        except OSError:
            return
        whole = block[: block.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.split(b"\n")[:-1]:
            event = event_of(line)
            if event is not None:
                yield event

    def _take(self, event: Event, points: list[Point], epochs: list[EpochRow]) -> None:
        kind = event["kind"]
        if kind == "start":
            self._ended, self._said, self._diverged = None, "", False
            self._maker.start(event)
            fresh = Progress(step=0, steps=event["steps"], epoch=0, epochs=event["epochs"])
            self._change(progress=fresh)
        elif kind in ("step", "epoch"):
            point = self._maker.point(event)
            if point is not None:
                points.append(point)
            if kind == "epoch":
                row = self._maker.row(event)
                epochs.append(row)
                self._change(last=row)
            else:
                if event["step"] == 1:
                    self._beginning = event["loss"]
                self._change(progress=self._progress(event))
        elif kind == "units":
            self._units = msgspec.convert(event["layers"], tuple[LayerUnits, ...])
        elif kind == "state":
            if event["state"] == "stopped":
                self._ended = "stopped"
            notes = (*self.run.notes, sentence(str(event["message"])))
            self._change(notes=tuple(dict.fromkeys(notes))[-MOST_NOTES:])
        elif kind == "end":
            finished = event["state"] == "finished"
            self._said = "" if finished else sentence(str(event["message"]))
            self._ended = "finished" if finished else self._ended or "failed"
            self._diverged = bool(event.get("diverged"))
            if finished:
                self._change(test=_test_scores(self.folder))

    def _progress(self, event: Event) -> Progress:
        before = self.run.progress
        return Progress(
            step=event["step"],
            steps=event["steps_total"],
            epoch=event["epoch"],
            epochs=before.epochs if before else event["epoch"],
            loss=event["loss"],
            value=event.get(self.run.metric),
            images_per_second=event["images_per_second"],
            seconds_left=event["seconds_left"],
        )

    def _change(self, **values: Any) -> None:
        self.run = msgspec.structs.replace(self.run, **values)

    def _standing(self) -> dict[str, Any]:
        """State, reason and machine of the run at this moment."""
        if self._ended == "finished":
            return {"state": "finished", "sentence": "", "machine": ""}
        if self.folder.is_written():
            self._alone = 0
            state = "starting" if self._ended or self.run.progress is None else "training"
            writer = self.folder.writer()
            elsewhere = writer is not None and writer[1] != socket.gethostname()
            machine = writer[1] if writer is not None and elsewhere else ""
            return {"state": state, "sentence": "", "machine": machine}
        if self._ended is not None:
            return {"state": self._ended, "sentence": self._said, "machine": ""}
        self._alone += 1
        if self._alone < ENOUGH:
            return {}
        return {"state": "killed", "sentence": KILLED, "machine": ""}


class Runs:
    """All runs of a folder, as they stand.

    Attributes:
        known: by name.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, Followed] = {}
        self._unreadable: set[str] = set()

    def read(self) -> list[Change]:
        """Everything that is new since the last time, runs that were found and lost included."""
        changes = []
        there = self._names()
        for name in [name for name in self.known if name not in there]:
            del self.known[name]
            changes.append(Change(name, None))
        self._unreadable &= there
        for name in sorted(there - self._unreadable):
            new = name not in self.known
            if new:
                try:
                    self.known[name] = Followed(RunFolder((self.root / name).resolve()))
                except (
                    RunError,
                    OSError,
                    msgspec.ValidationError,
                    LookupError,
                    TypeError,
                    ValueError,
                ):
                    self._unreadable.add(name)
                    continue
            run = self.known[name]
            before = run.run
            points, epochs = run.read()
            progress = run.run.progress
            if new or _about(before) != _about(run.run):
                changes.append(Change(name, run.run))
            if (points or epochs) and progress is not None and not new:
                changes.append(Change(name, run.run, progress, _as_one(points), tuple(epochs)))
        return changes

    def _names(self) -> set[str]:
        """The names of the folders that are runs; links are none."""
        try:
            with os.scandir(self.root) as entries:
                return {
                    entry.name
                    for entry in entries
                    if NAME.fullmatch(entry.name)
                    and entry.is_dir(follow_symlinks=False)
                    and _is_file(Path(entry.path) / "run.json", 1 << 20)
                }
        except OSError:
            return set()


def _as_one(points: list[Point]) -> tuple[Point, ...]:
    """All that is new as one point, so that pages get few; where it went back, what came then."""
    one: list[Point] = []
    for point in points:
        follows = bool(one) and one[-1].last == point.first
        one = [merged(one[-1], point) if follows else point]
    return tuple(one)


def _about(run: Run) -> Run:
    """A run without what `Points` tells about it."""
    return msgspec.structs.replace(run, progress=None, last=None, diagnosis=())


def _is_plain(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, str | int | float | None)


def _is_file(path: Path, largest: int) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= largest


def sentence(text: str) -> str:
    """A message as one sentence.

    Example:
        >>> sentence("run  goes on")
        'Run goes on.'
    """
    text = " ".join(text.split())[:1000]
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ("", ".", "!", "?") else ".")


def _test_scores(folder: RunFolder) -> tuple[Score, ...]:
    """The scores of a run's report; () where there is none that can be read."""
    try:
        if not _is_file(folder.report, LARGEST_DOCUMENT):
            return ()
        report = json.loads(folder.report.read_text("utf-8"))
        # Targets of several units have no error in common.
        units = set(report.get("target_units", ()))
        unit = units.pop() if len(units) == 1 else ""
        return tuple(
            msgspec.convert(
                {
                    "name": name,
                    "unit": unit if name in WITH_UNIT else "",
                    **{key: score[key] for key in ("value", "low", "high")},
                },
                Score,
            )
            for name, score in report["scores"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()
