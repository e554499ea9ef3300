"""The lab itself: the document and the steps, and who answers what a page asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

from firstlight.core.errors import FirstlightError
from firstlight.shells.lab.build_step import BuildStep
from firstlight.shells.lab.data_step import DataStep
from firstlight.shells.lab.document import Desk
from firstlight.shells.lab.export_step import ExportStep
from firstlight.shells.lab.inside_step import InsideStep
from firstlight.shells.lab.messages import Hello, Snapshot
from firstlight.shells.lab.messages.base import Answer, Refusal, Request
from firstlight.shells.lab.opened_runs import OpenedRuns
from firstlight.shells.lab.own_folder import OwnFolder
from firstlight.shells.lab.places import Places
from firstlight.shells.lab.rate_step import RateStep
from firstlight.shells.lab.stream import Stream, Tab
from firstlight.shells.lab.train_step import TrainStep
from firstlight.shells.lab.try_step import TryStep


class Lab:
    """Everything behind the pages.

    Args:
        folder: where the lab was started.
        runs: the folder of runs.

    Attributes:
        runs: the folder of runs, resolved.
        places: which files can be chosen.
        stream: what every page is told.
        exports: what was taken out of runs.
    """

    def __init__(self, folder: Path, runs: Path) -> None:
        root = runs.resolve()
        self.runs = root
        self.places = Places(
            folder.resolve(), root / ".lab" / "uploads", OwnFolder(root / ".lab" / "tried")
        )
        self.stream = Stream()
        self._desk = Desk(root / ".lab" / "document.json", self.places, self.stream)
        self._data = DataStep(self._desk, self.places, self.stream)
        self._build = BuildStep(root / ".lab", self._desk, self.stream)
        self._train = TrainStep(root, self._desk, self._build, self.places, self.stream)
        self._rate = RateStep(self._desk, self._build, self.places, self.stream)
        self._opened = OpenedRuns(root)
        self.exports = ExportStep(self.places.folder, root, self.stream)
        steps = (
            *(self._desk, self._data, self._build, self._train, self._rate),
            InsideStep(self._opened, self.places),
            TryStep(self._opened, self.places),
            *(self._opened, self.exports),
        )
        self._answers = {kind: ask for step in steps for kind, ask in step.answers.items()}

    async def open(self) -> None:
        """Begin: find the runs, and read the data that were chosen last."""
        await self._train.open()
        await self.exports.open()
        await asyncio.to_thread(self.places.tried.sweep)
        self._data.read()

    async def close(self) -> None:
        """End: nothing is left running but the trainings."""
        await self._train.close()
        await self._data.close()
        await self._rate.close()
        await self._opened.close()
        await self.exports.close()
        await asyncio.to_thread(self.places.tried.remove)

    async def answer(self, request: Request) -> Answer:
        """Do what a page asks; what cannot be done is refused in a sentence."""
        try:
            return await self._answers[type(request)](request)
        except FirstlightError as error:
            words = str(error)
        except OSError as error:
            words = f"the system refused it: {error.strerror or type(error).__name__}."
        return Refusal(id=request.id, sentence=words[:1].upper() + words[1:])

    def welcome(self, tab: Tab, hello: Hello) -> None:
        """Bring a page up to date."""
        self.stream.welcome(tab, hello.stream, hello.after, self._snapshot)

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            number=self.stream.number,
            stream=self.stream.name,
            folder=str(self.places.folder),
            document=self._desk.document,
            defaults=self._desk.defaults(),
            options=self._desk.options(),
            network=self._build.network(),
            data=self._data.data,
            rate=self._rate.search,
            runs=self._train.runs(),
        )
