"""The step Train on the server: runs are started, followed, stopped and resumed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from typing import Any

import msgspec

from firstlight.core.errors import RunError, SettingError
from firstlight.core.run_folder import RunFolder, require_new_run
from firstlight.shells.lab import choices
from firstlight.shells.lab.build_step import BuildStep
from firstlight.shells.lab.document import Answers, Desk
from firstlight.shells.lab.following import Change, Runs, sentence
from firstlight.shells.lab.messages.base import Answer, Done
from firstlight.shells.lab.messages.runs import (
    AskCurve,
    Curve,
    Points,
    Resume,
    Run,
    RunChanged,
    RunGone,
    RunState,
    Start,
    Started,
    Stop,
)
from firstlight.shells.lab.places import Places
from firstlight.shells.lab.stream import Stream
from firstlight.shells.lab.trainers import Trainers

# How a training ends that was told to stop: with its own code, or before it could have one.
STOPPED = (0, 128 + signal.SIGTERM, 128 + signal.SIGINT, -signal.SIGTERM)
EVERY = 0.4  # seconds between two looks at the runs: each is drawn by every page


class TrainStep:
    """Follows all runs of a folder, and starts, stops and resumes them.

    Args:
        root: the folder of runs.
    """

    def __init__(
        self, root: Path, desk: Desk, build: BuildStep, places: Places, stream: Stream
    ) -> None:
        self._root = root
        self._desk = desk
        self._network = build
        self._places = places
        self._stream = stream
        self._runs = Runs(root)
        # Runs whose process has no folder yet, or failed before it had one.
        self._waiting: dict[str, Run] = {}
        # Why a process could not go on with a run that is there.
        self._complaints: dict[str, str] = {}
        self._trainers = Trainers(places.folder, root, self._process_ended)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._following: asyncio.Task[None] | None = None
        self.answers: Answers = {
            Start: self._start,
            Stop: self._stop,
            Resume: self._resume,
            AskCurve: self._curve,
        }

    async def open(self) -> None:
        """Find the runs, and follow them from now on."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._runs.read)
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Follow no more; what trains goes on."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following

    def runs(self) -> tuple[Run, ...]:
        """All runs as they stand."""
        known = {name: self._shown(one.run) for name, one in self._runs.known.items()}
        return tuple((self._waiting | known).values())

    async def _start(self, asked: Start) -> Answer:
        self._desk.require_newest(asked.revision)
        document = self._desk.document
        if document.source is None:
            raise SettingError("There are no data to train on: choose some in the step Data.")
        data = self._places.data(document.source)
        name = asked.name or self._free_name(str(self._desk.defaults()["model"]))
        require_new_run(self._root, name)
        options = _words({**document.settings, "model": self._network.model_for(name)})
        options += _words(choices.reading_settings(document.reading))
        self._trainers.train(name, data, options)
        created = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._tell_run(Run(name=name, state="starting", created=created), waiting=True)
        return Started(id=asked.id, run=name)

    def _free_name(self, model: str) -> str:
        """The data's and the network's name, with a number where there is such a run."""
        explored = self._desk.explored
        stem = f"{explored.name if explored else 'data'}-{model}"
        stem = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem)
        stem = stem.lstrip("._-")[:56] or "run"
        number, name = 1, stem
        while name in self._runs.known or (self._root / name).exists():
            number += 1
            name = f"{stem}-{number}"
        return name

    async def _stop(self, asked: Stop) -> Answer:
        if asked.run in self._waiting or asked.run in self._runs.known:
            self._trainers.stop(RunFolder(self._root / asked.run))
            return Done(id=asked.id)
        raise self._unknown(asked.run)

    async def _resume(self, asked: Resume) -> Answer:
        run = self._run(asked.run)
        if run.state not in ("stopped", "killed", "failed") or self._trainers.working(run.name):
            raise RunError(f"run {run.name} is {run.state}: there is nothing to resume.")
        self._complaints.pop(run.name, None)
        self._trainers.resume(run.name)
        self._tell_run(msgspec.structs.replace(run, state="starting", sentence=""))
        return Done(id=asked.id)

    async def _curve(self, asked: AskCurve) -> Answer:
        self._run(asked.run)
        followed = self._runs.known[asked.run]
        points, epochs = tuple(followed.points), tuple(followed.epochs)
        return Curve(id=asked.id, run=asked.run, points=points, epochs=epochs)

    def _run(self, name: str) -> Run:
        if name not in self._runs.known:
            raise self._unknown(name)
        return self._runs.known[name].run

    def _unknown(self, name: str) -> RunError:
        return RunError(f"there is no run called {name!r} in {self._root}.")

    async def _follow(self) -> None:
        """Look at the runs for ever."""
        while True:
            await asyncio.sleep(EVERY)
            for change in await asyncio.to_thread(self._runs.read):
                self._tell_change(change)

    def _tell_change(self, change: Change) -> None:
        if change.run is None:
            self._stream.publish(RunGone, run=change.name)
        elif change.progress is not None:
            self._stream.publish(
                Points,
                run=change.name,
                progress=change.progress,
                points=change.points,
                epochs=change.epochs,
                diagnosis=change.run.diagnosis,
            )
        else:
            self._waiting.pop(change.name, None)
            self._tell_run(self._shown(change.run))

    def _tell_run(self, run: Run, *, waiting: bool = False) -> None:
        if waiting:
            self._waiting[run.name] = run
        self._stream.publish(RunChanged, run=run)

    def _shown(self, run: Run) -> Run:
        """A run with what is known of it from its process."""
        complaint = self._complaints.get(run.name)
        if complaint and run.state in ("stopped", "killed", "failed"):
            return msgspec.structs.replace(run, sentence=complaint)
        if run.state in ("stopped", "killed", "failed") and self._trainers.working(run.name):
            # It loads, and does not hold the run yet.
            return msgspec.structs.replace(run, state="starting", sentence="")
        return run

    def _process_ended(self, name: str, code: int, line: str) -> None:
        """A training's process has ended; called from its own thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note_end, name, code, line)

    def _note_end(self, name: str, code: int, line: str) -> None:
        if code in STOPPED:
            reason = ""
        elif code < 0:
            reason = (
                f"Its process was ended by signal {-code}, perhaps because memory ran out. Resume "
                "it: it goes on from its last checkpoint."
            )
        else:
            reason = sentence(line) or f"Its process ended with code {code}."
        if name in self._waiting and not (self._root / name / "run.json").exists():
            state: RunState = "failed" if reason else "stopped"
            failed = msgspec.structs.replace(self._waiting[name], state=state, sentence=reason)
            self._tell_run(failed, waiting=True)
            return
        if reason:
            self._complaints[name] = reason
        if name in self._runs.known:
            self._tell_run(self._shown(self._runs.known[name].run))


def _words(given: dict[str, Any]) -> list[str]:
    """Settings as words of a command line, each with its value in one word."""
    pairs = [
        (name, one)
        for name, value in given.items()
        for one in (value if isinstance(value, tuple) else (value,))
    ]
    return [f"--{name.replace('_', '-')}={one}" for name, one in pairs]
