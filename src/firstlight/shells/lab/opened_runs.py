"""The server's side of runs that pages look into: a process each, the latest few."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firstlight.core.errors import RunError
from firstlight.core.run_folder import NAME, RunFolder
from firstlight.shells.lab.document import Answers
from firstlight.shells.lab.messages.base import Answer
from firstlight.shells.lab.messages.opened import AskTested
from firstlight.shells.lab.sheets import asked_sheet
from firstlight.shells.lab.worker_process import WorkerProcess

MOST = 2  # processes that hold a network


def trained_run(root: Path, name: str) -> RunFolder:
    """The run of that name below `root`, which has a trained network.

    Raises:
        RunError: there is none, or it has no network yet.
    """
    folder = RunFolder(root / name)
    there = (folder.path / "run.json").exists() and not folder.path.is_symlink()
    if not NAME.fullmatch(name) or not there:
        raise RunError(f"there is no run called {name!r} in {root}.")
    if not folder.model.exists():
        raise RunError(f"run {name} has no trained network yet: wait until it has finished.")
    return folder


class OpenedRuns:
    """Opens a run for whoever asks about it, and closes the one that was asked least lately.

    Args:
        root: the folder of runs.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # By name, with what its files were when it was opened; the latest last.
        self._open: dict[str, tuple[int, WorkerProcess]] = {}
        self.answers: Answers = {AskTested: self._tested}

    async def ask(self, run: str, task: str, **asked: Any) -> dict[str, Any]:
        """What the process that holds a run answers to one of `run_worker.TASKS`.

        Raises:
            RunError: there is no such run, or it has no model yet.
            DataError: it cannot be done.
        """
        process = await self._process(run)
        return await process.ask({task: asked})

    async def close(self) -> None:
        """Close all."""
        for _, process in self._open.values():
            await process.close()
        self._open.clear()

    async def _process(self, run: str) -> WorkerProcess:
        folder = trained_run(self._root, run)
        written = folder.model.stat().st_mtime_ns
        known = self._open.pop(run, None)
        if known is not None and (known[0] != written or known[1].lost):
            await known[1].close()
            known = None
        # A single image keeps one thread busy, and a training may need the others.
        process = known[1] if known else WorkerProcess("run", one_thread=True)
        self._open[run] = (written, process)
        while len(self._open) > MOST:
            _, oldest = self._open.pop(next(iter(self._open)))
            await oldest.close()
        if known is None:
            try:
                await process.ask({"open": str(folder.path)})
            except BaseException:
                self._open.pop(run, None)
                await process.close()
                raise
        return process

    async def _tested(self, asked: AskTested) -> Answer:
        return await asked_sheet(await self._process(asked.run), "images", asked)
