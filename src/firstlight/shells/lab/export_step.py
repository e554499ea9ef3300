"""The step Export on the server: files are made out of runs, and handed over."""

from __future__ import annotations

import asyncio
import shlex
import time
from pathlib import Path
from typing import Any

import msgspec

from firstlight.core.errors import DataError, FirstlightError
from firstlight.core.run_folder import RunFolder
from firstlight.shells.lab.document import Answers
from firstlight.shells.lab.messages.base import Answer, Done
from firstlight.shells.lab.messages.exporting import (
    AskExports,
    Export,
    ExportChanged,
    ExportFile,
    ExportGone,
    Exports,
    MakeExport,
    StopExport,
)
from firstlight.shells.lab.opened_runs import trained_run
from firstlight.shells.lab.own_folder import OwnFolder
from firstlight.shells.lab.stream import Stream
from firstlight.shells.lab.worker_process import WorkerProcess

COMMANDS = {
    "keras": "firstlight export {run} --to keras",
    "onnx": "firstlight export {run} --to onnx",
    "script": "firstlight eject {run} --to {run}.py",
    "notebook": "firstlight eject {run} --to {run}.ipynb",
}


class ExportStep:
    """Makes files out of runs, one at a time, each in a process of its own.

    Args:
        folder: where the lab was started.
        root: the folder of runs.
    """

    def __init__(self, folder: Path, root: Path, stream: Stream) -> None:
        self._lab = folder
        self._root = root
        self._stream = stream
        self._folder = OwnFolder(root / ".lab" / "exports")
        # By run and form, with what the run's network was then.
        self._exports: dict[tuple[str, str], tuple[int, Export]] = {}
        self._working: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self.answers: Answers = {
            AskExports: self._told,
            MakeExport: self._make,
            StopExport: self._stop,
        }

    async def open(self) -> None:
        """Take away what labs have left behind that could not close."""
        await asyncio.to_thread(self._folder.sweep)

    async def close(self) -> None:
        """Give up what is being made, and take everything away."""
        for task in self._working.values():
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)
        await asyncio.to_thread(self._folder.remove)

    def file(self, run: str, form: str, name: str) -> Path | None:
        """A file that this lab has made; None for any other."""
        _, export = self._exports.get((run, form), (0, None))
        if export is None or name not in [file.name for file in export.files]:
            return None
        path = self._folder.path / run / form / name
        return path if path.is_file() and not path.is_symlink() else None

    async def _told(self, asked: AskExports) -> Answer:
        written = _written(trained_run(self._root, asked.run))
        exports = [
            export
            for (run, _), (of, export) in self._exports.items()
            # A run of that name may be another one by now.
            if run == asked.run and of == written
        ]
        where = (
            "" if self._root == self._lab / "runs" else f" --runs {shlex.quote(str(self._root))}"
        )
        commands = {form: line.format(run=asked.run) + where for form, line in COMMANDS.items()}
        path = shlex.quote(str(self._shown(self._root / asked.run)))
        commands["run"] = f"python -m zipfile -c {asked.run}.zip {path}"
        return Exports(id=asked.id, exports=tuple(exports), commands=commands)

    def _shown(self, path: Path) -> Path:
        """A path as one writes it where the lab was started."""
        return path.relative_to(self._lab) if path.is_relative_to(self._lab) else path

    async def _make(self, asked: MakeExport) -> Answer:
        run, key = trained_run(self._root, asked.run), (asked.run, asked.form)
        if key not in self._working:
            waits = ("It waits until the one before it is done.",) if self._turn.locked() else ()
            export = Export(
                run=asked.run, form=asked.form, state="making", began=time.time(), sentences=waits
            )
            written = _written(run)
            self._tell(written, export)
            self._working[key] = asyncio.create_task(self._work(run, written, export))
            await asyncio.sleep(0)  # only what has begun can be stopped
        return Done(id=asked.id)

    async def _stop(self, asked: StopExport) -> Answer:
        task = self._working.get((asked.run, asked.form))
        if task is None:
            raise DataError("It is not being made any more: there is nothing to stop.")
        task.cancel()
        return Done(id=asked.id)

    async def _work(self, run: RunFolder, written: int, export: Export) -> None:
        """Make it; in the end it is made, has failed, or was given up."""
        key = (export.run, export.form)
        process = WorkerProcess("run")
        ended: Export | None = None
        try:
            async with self._turn:
                self._tell(written, msgspec.structs.replace(export, sentences=()))
                ended = await self._made(process, run, written, export)
        except (FirstlightError, OSError) as error:
            words = str(error)
            said = (words[:1].upper() + words[1:],)
            ended = msgspec.structs.replace(export, state="failed", sentences=said)
        finally:
            await process.close()
            del self._working[key]
            if ended is None:
                del self._exports[key]
                self._stream.publish(ExportGone, run=export.run, form=export.form)
            else:
                self._tell(written, ended)

    async def _made(
        self, process: WorkerProcess, run: RunFolder, written: int, export: Export
    ) -> Export:
        """Have the process make it, and tell how far it is."""

        def heard(told: dict[str, Any]) -> None:
            what = told["what"][:1].upper() + told["what"][1:]
            number, total = told["done"], told["total"]
            doing = (f"{what} ({number} of {total})",)
            share = (number - 1) / total
            self._tell(written, msgspec.structs.replace(export, sentences=doing, done=share))

        folder = await asyncio.to_thread(self._folder.make, export.run, export.form)
        await process.ask({"open": str(run.path)})
        task = {"form": export.form, "folder": str(folder)}
        made = await process.ask({"export": task}, heard)
        files = [
            ExportFile(name=name, size=(folder / name).stat().st_size) for name in made["files"]
        ]
        return msgspec.structs.replace(
            export,
            state="made",
            sentences=tuple(made["sentences"]),
            notes=tuple(made["notes"]),
            files=tuple(files),
        )

    def _tell(self, written: int, export: Export) -> None:
        self._exports[export.run, export.form] = (written, export)
        self._stream.publish(ExportChanged, export=export)


def _written(run: RunFolder) -> int:
    """When the run's network was written, in nanoseconds."""
    return run.model.stat().st_mtime_ns
