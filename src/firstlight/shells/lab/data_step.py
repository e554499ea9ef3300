"""The step Data on the server: reading the source, and its images a sheet at a time."""

from __future__ import annotations

import asyncio
import time

import msgspec

from firstlight.core.errors import FirstlightError, SettingError
from firstlight.core.events import Event
from firstlight.core.exploration import Exploration
from firstlight.shells.lab import choices
from firstlight.shells.lab.document import Answers, Desk
from firstlight.shells.lab.messages.base import Answer, Done
from firstlight.shells.lab.messages.data import (
    AskSamples,
    Browse,
    Data,
    DataChanged,
    Listing,
    NewUpload,
    Simulate,
    Uploading,
)
from firstlight.shells.lab.places import Places
from firstlight.shells.lab.sheets import asked_sheet
from firstlight.shells.lab.stream import Stream
from firstlight.shells.lab.worker_process import WorkerProcess

EVERY = 0.5  # seconds between two messages about a long reading
ABSENT = (
    "No maps have been simulated on this machine yet. The quick ones are 24 small universes: about "
    "a minute on all cores. They are kept for the next time."
)


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
        self._told = 0.0
        self._reading: asyncio.Task[None] | None = None
        desk.on_source = self.read
        self.answers: Answers = {
            AskSamples: self._samples,
            Browse: self._browse,
            Simulate: self._simulate,
            NewUpload: self._new_upload,
        }

    def read(self, *, simulate: bool = False) -> None:
        """Read the source in a new process; what was being read is given up.

        Args:
            simulate: whether maps are simulated first where there are none.
        """
        if self._reading is not None:
            self._reading.cancel()
        before, self._process = self._process, WorkerProcess("data")
        self._reading = asyncio.create_task(self._explore(before, self._process, simulate))

    async def close(self) -> None:
        """Give up reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self._process.close()

    async def _explore(self, before: WorkerProcess, process: WorkerProcess, simulate: bool) -> None:
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
            task = {"source": source, "seed": seed, "settings": settings, "simulate": simulate}
            answer = await process.ask({"read": task}, self._tell_progress)
            if "absent" in answer:
                self._tell(Data(state="absent", sentence=ABSENT))
                return
            exploration = msgspec.convert(answer["exploration"], Exploration)
        except (FirstlightError, msgspec.ValidationError) as error:
            self._tell(Data(state="failed", sentence=str(error)))
            return
        self._tell(
            Data(
                state="ready",
                exploration=exploration,
                refused=answer["refused"],
                reading=choices.as_values(answer["reading"]),
            )
        )
        # Which losses there are, and what a recipe says, depends on the data.
        self._desk.tell()

    def _tell_progress(self, event: Event) -> None:
        """What a long reading tells; twice a second is enough for a bar."""
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            self._tell(
                Data(
                    state="reading",
                    sentence=event["what"].capitalize(),
                    done=event["done"],
                    total=event["total"],
                )
            )

    def _tell(self, data: Data) -> None:
        self.data = data
        self._desk.explored, self._desk.reading = data.exploration, data.reading
        self._stream.publish(DataChanged, data=data)

    async def _samples(self, asked: AskSamples) -> Answer:
        if self.data.state != "ready":
            raise SettingError("The data have not been read yet: wait a moment.")
        return await asked_sheet(self._process, "samples", asked)

    async def _simulate(self, asked: Simulate) -> Answer:
        if self.data.state != "absent":
            raise SettingError("There is nothing to simulate: the data are read already.")
        self.read(simulate=True)
        return Done(id=asked.id)

    async def _browse(self, asked: Browse) -> Answer:
        entries, more = await asyncio.to_thread(self._places.listing, asked.path)
        return Listing(id=asked.id, path=asked.path, entries=entries, more=more)

    async def _new_upload(self, asked: NewUpload) -> Answer:
        name = await asyncio.to_thread(self._places.new_upload, asked.name, asked.keep)
        return Uploading(id=asked.id, upload=name)
