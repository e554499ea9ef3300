"""The step Try it on the server: what a run's network says of its test images and of others."""

from __future__ import annotations

from typing import Any

import msgspec

from firstlight.shells.lab.document import Answers
from firstlight.shells.lab.messages.base import Answer
from firstlight.shells.lab.messages.trying import (
    Answered,
    AskAnswers,
    AskDrawn,
    AskDropped,
    AskTestReport,
    TestReport,
)
from firstlight.shells.lab.opened_runs import OpenedRuns
from firstlight.shells.lab.places import Places


class TryStep:
    """Hands on what pages ask of a run to the process that holds its network."""

    def __init__(self, opened: OpenedRuns, places: Places) -> None:
        self._opened = opened
        self._places = places
        self.answers: Answers = {
            AskTestReport: self._report,
            AskAnswers: self._answers,
            AskDrawn: self._drawn,
            AskDropped: self._dropped,
        }

    async def _report(self, asked: AskTestReport) -> Answer:
        answer = await self._opened.ask(asked.run, "report")
        return msgspec.convert(answer | {"id": asked.id}, TestReport)

    async def _answers(self, asked: AskAnswers) -> Answer:
        which = msgspec.to_builtins(asked.which)
        return await self._answered(
            asked, "answers", which=which, start=asked.start, count=asked.count
        )

    async def _drawn(self, asked: AskDrawn) -> Answer:
        return await self._answered(asked, "drawn", ink=asked.ink)

    async def _dropped(self, asked: AskDropped) -> Answer:
        folder = str(self._places.tried_upload(asked.upload))
        return await self._answered(asked, "dropped", folder=folder, side=asked.side)

    async def _answered(
        self, asked: AskAnswers | AskDrawn | AskDropped, task: str, **values: Any
    ) -> Answered:
        answer = await self._opened.ask(asked.run, task, **values)
        return msgspec.convert(answer | {"id": asked.id}, Answered)
