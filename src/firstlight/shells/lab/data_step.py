"""The step Data on the server: reading the source, and its images a sheet at a time."""

from __future__ import annotations

import asyncio

import msgspec

from firstlight.core.errors import FirstlightError, SettingError
from firstlight.core.exploration import Exploration
from firstlight.shells.lab import choices
from firstlight.shells.lab.document import Answers, Desk
from firstlight.shells.lab.messages.base import Answer
from firstlight.shells.lab.messages.data import (
    AskSamples,
    Browse,
    Data,
    DataChanged,
    Listing,
    NewUpload,
    Uploading,
)
from firstlight.shells.lab.places import Places
from firstlight.shells.lab.sheets import asked_sheet
from firstlight.shells.lab.stream import Stream
from firstlight.shells.lab.worker_process import WorkerProcess


class DataStep:
    """Reads the document's source in a process of its own.

    Attributes:
        data: how far that is.
    """

    def __init__(self, desk: Desk, places: Places, stream: Stream) -> None:
        self.data = Data()
        self._desk = desk
        self._places = places
        self._stream = stream
        self._process = WorkerProcess("data")
        self._reading: asyncio.Task[None] | None = None
        desk.on_source = self.read
        self.answers: Answers = {
            AskSamples: self._samples,
            Browse: self._browse,
            NewUpload: self._new_upload,
        }

    def read(self) -> None:
        """Read the source in a new process; what was being read is given up."""
        if self._reading is not None:
            self._reading.cancel()
        before, self._process = self._process, WorkerProcess("data")
        self._reading = asyncio.create_task(self._explore(before, self._process))

    async def close(self) -> None:
        """Give up reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self._process.close()

    async def _explore(self, before: WorkerProcess, process: WorkerProcess) -> None:
        await before.close()
        document = self._desk.document
        if document.source is None:
            self._tell(Data())
            return
        self._tell(Data(state="reading", sentence=f"Reading {document.source.name} ..."))
        try:
            source = self._places.data(document.source)
            settings = choices.reading_settings(document.reading)
            seed = choices.train_settings(document.settings).seed
            task = {"source": source, "seed": seed, "settings": settings}
            answer = await process.ask({"read": task})
            exploration = msgspec.convert(answer["exploration"], Exploration)
        except (FirstlightError, msgspec.ValidationError) as error:
            self._tell(Data(state="failed", sentence=str(error)))
            return
        self._tell(Data(state="ready", exploration=exploration, refused=answer["refused"]))
        # Which losses there are, and what a recipe says, depends on the data.
        self._desk.tell()

    def _tell(self, data: Data) -> None:
        self.data = data
        self._desk.explored = data.exploration
        self._stream.publish(DataChanged, data=data)

    async def _samples(self, asked: AskSamples) -> Answer:
        if self.data.state != "ready":
            raise SettingError("The data have not been read yet: wait a moment.")
        return await asked_sheet(self._process, "samples", asked)

    async def _browse(self, asked: Browse) -> Answer:
        entries, more = await asyncio.to_thread(self._places.listing, asked.path)
        return Listing(id=asked.id, path=asked.path, entries=entries, more=more)

    async def _new_upload(self, asked: NewUpload) -> Answer:
        name = await asyncio.to_thread(self._places.new_upload, asked.name, asked.keep)
        return Uploading(id=asked.id, upload=name)
