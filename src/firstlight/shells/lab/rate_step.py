"""The search for a learning rate on the server: `firstlight lr` for what the document says."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import msgspec

from firstlight.core.errors import FirstlightError, SettingError
from firstlight.core.events import Event
from firstlight.core.range_test import RangeTest
from firstlight.shells.lab import choices
from firstlight.shells.lab.build_step import BuildStep
from firstlight.shells.lab.document import Answers, Desk
from firstlight.shells.lab.messages.base import Answer, Done
from firstlight.shells.lab.messages.rates import FindRate, GiveUpRate, RateChanged, RateSearch
from firstlight.shells.lab.places import Places
from firstlight.shells.lab.stream import Stream
from firstlight.shells.lab.worker_process import WorkerProcess

EVERY = 0.25  # seconds between two messages about a search
# No run can be called so: the network that is searched for has a file of its own.
NETWORK = "_learning-rate"


class RateStep:
    """Searches in a process of its own, one search at a time.

    Attributes:
        search: how far that is.
    """

    def __init__(self, desk: Desk, build: BuildStep, places: Places, stream: Stream) -> None:
        self.search = RateSearch()
        self._desk = desk
        self._build = build
        self._places = places
        self._stream = stream
        self._task: asyncio.Task[None] | None = None
        self.answers: Answers = {FindRate: self._find, GiveUpRate: self._give_up}

    async def close(self) -> None:
        """Give up what is searched for."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _find(self, asked: FindRate) -> Answer:
        self._desk.require_newest(asked.revision)
        document = self._desk.document
        if document.source is None:
            raise SettingError("There are no data to train on: choose some in the step Data.")
        model = self._build.model_for(NETWORK)
        settings = document.settings | choices.reading_settings(document.reading) | {"model": model}
        task = {"source": self._places.data(document.source), "settings": settings}
        await self.close()
        known = self._desk.defaults()
        about = (
            f"{document.source.name}, {known['model']}, batches of {known['batch_size']}, "
            f"{known['optimizer']}"
        )
        self._tell(RateSearch(state="running", about=about))
        self._task = asyncio.create_task(self._search(task))
        return Done(id=asked.id)

    async def _give_up(self, asked: GiveUpRate) -> Answer:
        await self.close()
        if self.search.state == "running":
            self._tell(RateSearch())
        return Done(id=asked.id)

    async def _search(self, task: dict[str, Any]) -> None:
        process = WorkerProcess("rate")
        rates: list[float] = []
        losses: list[float] = []
        told = 0.0

        def heard(event: Event) -> None:
            nonlocal told
            rates.append(event["learning_rate"])
            losses.append(event["loss"])
            if time.monotonic() - told >= EVERY:
                told = time.monotonic()
                points = {"rates": tuple(rates), "losses": tuple(losses)}
                self._change(steps=event["steps_total"], **points)

        try:
            answer = await process.ask(task, heard)
            self._change(state="finished", found=msgspec.convert(answer["found"], RangeTest))
        except (FirstlightError, msgspec.ValidationError) as error:
            self._change(state="failed", sentence=str(error))
        finally:
            await process.close()

    def _change(self, **values: Any) -> None:
        self._tell(msgspec.structs.replace(self.search, **values))

    def _tell(self, search: RateSearch) -> None:
        self.search = search
        self._stream.publish(RateChanged, search=search)
