"""The lab itself: the document, the data, the runs, and what pages may ask of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from firstlight.core.errors import FirstlightError, RunError, SettingError
from firstlight.core.exploration import Exploration
from firstlight.core.files import write_bytes
from firstlight.core.run_folder import RunFolder, require_new_run
from firstlight.shells.lab import choices
from firstlight.shells.lab import messages as says
from firstlight.shells.lab.following import Change, Runs
from firstlight.shells.lab.places import Places
from firstlight.shells.lab.reading import DataProcess
from firstlight.shells.lab.stream import Stream, Tab
from firstlight.shells.lab.trainers import Trainers

EVERY = 0.2  # seconds between two looks at the runs
SHEET_COLUMNS = 12
KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "text": (str, "a text"),
}


class Lab:
    """Everything behind the pages.

    Args:
        folder: where the lab was started.
        runs: the folder of runs.
    """

    def __init__(self, folder: Path, runs: Path) -> None:
        self.runs_root = runs.resolve()
        own = self.runs_root / ".lab"
        self.places = Places(folder.resolve(), own / "uploads")
        self.stream = Stream()
        self._kept = own / "document.json"
        self.document = self._kept_document()
        self.data = says.Data()
        self.runs = Runs(self.runs_root)
        # Runs whose process has no folder yet, or failed before it had one.
        self._waiting: dict[str, says.Run] = {}
        # Why a process could not go on with a run that is there.
        self._complaints: dict[str, str] = {}
        self._process = DataProcess()
        self._reading: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._trainers = Trainers(self.places.folder, self.runs_root, self._process_ended)
        self._answers: dict[type, Callable[[Any], Awaitable[says.Answer]]] = {
            says.Edit: self._edit,
            says.Start: self._start,
            says.Stop: self._stop,
            says.Resume: self._resume,
            says.AskCurve: self._curve,
            says.AskSamples: self._samples,
            says.Browse: self._browse,
            says.NewUpload: self._new_upload,
        }

    async def open(self) -> None:
        """Begin: find the runs, read the data that were chosen last, follow."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.runs.read)
        if self.document.source is not None:
            self._read_data()
        self._keep(self._follow())

    async def close(self) -> None:
        """End: nothing is left running but the trainings."""
        for task in [*self._tasks, *([self._reading] if self._reading else [])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._process.close()

    async def answer(self, request: says.Request) -> says.Answer:
        """Do what a page asks; what cannot be done is refused in a sentence."""
        try:
            return await self._answers[type(request)](request)
        except FirstlightError as error:
            return says.Refusal(id=request.id, sentence=_capital(str(error)))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return says.Refusal(id=request.id, sentence=f"The system refused it: {reason}.")

    def welcome(self, tab: Tab, hello: says.Hello) -> None:
        """Bring a page up to date."""
        self.stream.welcome(tab, hello.stream, hello.after, self._snapshot)

    # The document

    def _kept_document(self) -> says.Document:
        try:
            return msgspec.json.decode(self._kept.read_bytes(), type=says.Document)
        except (OSError, msgspec.DecodeError):
            return says.Document()

    async def _edit(self, asked: says.Edit) -> says.Answer:
        if asked.revision != self.document.revision:
            raise SettingError("This was changed in another tab a moment ago: look, and try again.")
        change = asked.change
        before = self.document
        edited: dict[str, Any]
        if isinstance(change, says.SetSource):
            if change.source is not None:
                await asyncio.to_thread(self.places.data, change.source)
            # How one source is read says nothing about another.
            edited = {"source": change.source, "reading": {}}
        elif isinstance(change, says.SetReading):
            edited = {"reading": _changed(before.reading, change.values, self._options().reading)}
            choices.reading_settings(edited["reading"])
        else:
            known = self._options().settings
            edited = {"settings": _changed(before.settings, change.values, known)}
            choices.train_settings(edited["settings"])
        edited["revision"] = before.revision + 1
        self.document = msgspec.structs.replace(before, **edited)
        if "source" in edited or "reading" in edited:
            self._read_data()
        self._tell_document()
        await asyncio.to_thread(self._write_document, self.document)
        return says.Done(id=asked.id)

    def _write_document(self, document: says.Document) -> None:
        with contextlib.suppress(OSError):
            self._kept.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self._kept, msgspec.json.encode(document))

    def _tell_document(self) -> None:
        self.stream.publish(
            says.DocumentChanged,
            document=self.document,
            defaults=self._defaults(),
            options=self._options(),
        )

    def _options(self) -> says.Options:
        explored = self.data.exploration
        return choices.options(explored.task if explored else "classify")

    def _defaults(self) -> dict[str, says.Value]:
        explored = self.data.exploration
        if explored is None:
            return choices.defaults(self.document.settings, "classify", None)
        return choices.defaults(self.document.settings, explored.task, explored.parts[0].count)

    def _snapshot(self) -> says.Snapshot:
        runs = {name: self._shown(followed.run) for name, followed in self.runs.known.items()}
        return says.Snapshot(
            number=self.stream.number,
            stream=self.stream.name,
            folder=str(self.places.folder),
            document=self.document,
            defaults=self._defaults(),
            options=self._options(),
            data=self.data,
            runs=tuple((self._waiting | runs).values()),
        )

    # The data

    def _read_data(self) -> None:
        """Read the document's source in a new process; what was being read is given up."""
        if self._reading is not None:
            self._reading.cancel()
        before, self._process = self._process, DataProcess()
        self._reading = asyncio.create_task(self._explore(before, self._process))

    async def _explore(self, before: DataProcess, process: DataProcess) -> None:
        await before.close()
        document = self.document
        if document.source is None:
            self._tell_data(says.Data())
            return
        self._tell_data(says.Data(state="reading", sentence=f"Reading {document.source.name} ..."))
        try:
            source = await asyncio.to_thread(self.places.data, document.source)
            settings = choices.reading_settings(document.reading)
            seed = choices.train_settings(document.settings).seed
            task = {"source": source, "seed": seed, "settings": settings}
            answer = await process.ask({"read": task})
            exploration = msgspec.convert(answer["exploration"], Exploration)
        except (FirstlightError, msgspec.ValidationError) as error:
            self._tell_data(says.Data(state="failed", sentence=_capital(str(error))))
            return
        self._tell_data(
            says.Data(state="ready", exploration=exploration, refused=answer["refused"])
        )
        # Which losses there are, and what a recipe says, depends on the data.
        self._tell_document()

    def _tell_data(self, data: says.Data) -> None:
        self.data = data
        self.stream.publish(says.DataChanged, data=data)

    async def _samples(self, asked: says.AskSamples) -> says.Answer:
        if self.data.state != "ready":
            raise SettingError("The data have not been read yet: wait a moment.")
        task = {key: getattr(asked, key) for key in ("part", "label", "start", "count")}
        answer = await self._process.ask({"samples": {**task, "columns": SHEET_COLUMNS}})
        pairs = zip(answer["names"], answer["labels"], strict=True)
        return says.Samples(
            id=asked.id,
            total=answer["total"],
            start=asked.start,
            tiles=tuple(says.Tile(name=name, label=label) for name, label in pairs),
            sheet=answer["png"],
            **{key: answer[key] for key in ("columns", "width", "height", "colours")},
        )

    async def _browse(self, asked: says.Browse) -> says.Answer:
        entries, more = await asyncio.to_thread(self.places.listing, asked.path)
        return says.Listing(id=asked.id, path=asked.path, entries=entries, more=more)

    async def _new_upload(self, asked: says.NewUpload) -> says.Answer:
        name = await asyncio.to_thread(self.places.new_upload, asked.name)
        return says.Uploading(id=asked.id, upload=name)

    # The runs

    async def _start(self, asked: says.Start) -> says.Answer:
        document = self.document
        if asked.revision != document.revision:
            raise SettingError("This was changed in another tab a moment ago: look, and try again.")
        if document.source is None:
            raise SettingError("There are no data to train on: choose some in the step Data.")
        data = self.places.data(document.source)
        options = _words(document.settings)
        options += _words(choices.reading_settings(document.reading))
        name = asked.name or self._free_name(str(self._defaults()["model"]))
        require_new_run(self.runs_root, name)
        self._trainers.train(name, data, options)
        self._tell_run(says.Run(name=name, state="starting", metric="loss"), waiting=True)
        return says.Started(id=asked.id, run=name)

    def _free_name(self, model: str) -> str:
        """The data's and the network's name, with a number where there is such a run."""
        explored = self.data.exploration
        stem = f"{explored.name if explored else 'data'}-{model}"
        stem = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem)
        stem = stem.lstrip("._-")[:56] or "run"
        number, name = 1, stem
        while name in self.runs.known or (self.runs_root / name).exists():
            number += 1
            name = f"{stem}-{number}"
        return name

    async def _stop(self, asked: says.Stop) -> says.Answer:
        if asked.run in self._waiting or asked.run in self.runs.known:
            self._trainers.stop(RunFolder(self.runs_root / asked.run))
            return says.Done(id=asked.id)
        raise self._unknown(asked.run)

    async def _resume(self, asked: says.Resume) -> says.Answer:
        run = self._run(asked.run)
        if run.state not in ("stopped", "killed", "failed") or self._trainers.working(run.name):
            raise RunError(f"run {run.name} is {run.state}: there is nothing to resume.")
        self._complaints.pop(run.name, None)
        self._trainers.resume(run.name)
        self._tell_run(msgspec.structs.replace(run, state="starting", sentence=""))
        return says.Done(id=asked.id)

    async def _curve(self, asked: says.AskCurve) -> says.Answer:
        self._run(asked.run)
        followed = self.runs.known[asked.run]
        points, epochs = tuple(followed.points), tuple(followed.epochs)
        return says.Curve(id=asked.id, run=asked.run, points=points, epochs=epochs)

    def _run(self, name: str) -> says.Run:
        if name not in self.runs.known:
            raise self._unknown(name)
        return self.runs.known[name].run

    def _unknown(self, name: str) -> RunError:
        return RunError(f"there is no run called {name!r} in {self.runs_root}.")

    async def _follow(self) -> None:
        """Look at the runs for ever."""
        while True:
            await asyncio.sleep(EVERY)
            for change in await asyncio.to_thread(self.runs.read):
                self._tell_change(change)

    def _tell_change(self, change: Change) -> None:
        if change.run is None:
            self.stream.publish(says.RunGone, run=change.name)
        elif change.progress is not None:
            self.stream.publish(
                says.Points,
                run=change.name,
                progress=change.progress,
                points=change.points,
                epochs=change.epochs,
            )
        else:
            self._waiting.pop(change.name, None)
            self._tell_run(self._shown(change.run))

    def _tell_run(self, run: says.Run, *, waiting: bool = False) -> None:
        if waiting:
            self._waiting[run.name] = run
        self.stream.publish(says.RunChanged, run=run)

    def _shown(self, run: says.Run) -> says.Run:
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
        if code in (0, 128 + 15, 128 + 2):
            reason = ""
        elif code < 0:
            reason = (
                f"Its process was ended by signal {-code}, perhaps because memory ran out. Resume "
                "it: it goes on from its last checkpoint."
            )
        else:
            reason = _capital(line) or f"Its process ended with code {code}."
        if name in self._waiting and not (self.runs_root / name / "run.json").exists():
            state: says.RunState = "failed" if reason else "stopped"
            failed = says.Run(name=name, state=state, sentence=reason, metric="loss")
            self._tell_run(failed, waiting=True)
            return
        if reason:
            self._complaints[name] = reason
        if name in self.runs.known:
            self._tell_run(self._shown(self.runs.known[name].run))

    def _keep(self, work: Any) -> None:
        """Run something beside everything else, until the lab closes."""
        self._tasks.add(asyncio.create_task(work))


def _changed(
    before: dict[str, says.Value], values: dict[str, says.Value], known: tuple[says.Option, ...]
) -> dict[str, says.Value]:
    """Settings with some of them changed.

    Raises:
        SettingError: there is no such setting here, or the value is not one that it takes.
    """
    options = {option.name: option for option in known}
    for name, value in values.items():
        option = options.get(name)
        if option is None:
            raise SettingError(f"there is no setting called {name!r} in the lab.")
        kind, words = KINDS[option.type]
        if value is not None and not isinstance(value, kind):
            raise SettingError(f"{name} takes {words}, but {value!r} came.")
        if value is not None and option.choices and value not in option.choices:
            raise SettingError(f"{name} takes one of {', '.join(option.choices)}.")
    merged = before | values
    return {name: value for name, value in merged.items() if value is not None}


def _words(given: dict[str, Any]) -> list[str]:
    """Settings as words of a command line, each with its value in one word."""
    pairs = [
        (name, one)
        for name, value in given.items()
        for one in (value if isinstance(value, tuple) else (value,))
    ]
    return [f"--{name.replace('_', '-')}={one}" for name, one in pairs]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
