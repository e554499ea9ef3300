"""The step Look inside on the server: hands on what the process that holds the network finds."""

from __future__ import annotations

from typing import Any

import msgspec

from firstlight.shells.lab.document import Answers
from firstlight.shells.lab.messages.base import Answer
from firstlight.shells.lab.messages.inside import (
    AskInside,
    AskKernel,
    AskSaliency,
    Inside,
    Kernel,
    Saliencies,
)
from firstlight.shells.lab.messages.opened import Looked, UploadedImage
from firstlight.shells.lab.opened_runs import OpenedRuns
from firstlight.shells.lab.places import Places


class InsideStep:
    """Answers what pages ask about the inside of networks.

    Args:
        opened: the runs, each in a process of its own.
        places: where uploaded images are.
    """

    def __init__(self, opened: OpenedRuns, places: Places) -> None:
        self._opened = opened
        self._places = places
        self.answers: Answers = {
            AskInside: self._inside,
            AskKernel: self._kernel,
            AskSaliency: self._saliency,
        }

    async def _inside(self, asked: AskInside) -> Answer:
        return msgspec.convert(await self._found("inside", asked), Inside)

    async def _kernel(self, asked: AskKernel) -> Answer:
        return msgspec.convert(await self._found("kernel", asked), Kernel)

    async def _saliency(self, asked: AskSaliency) -> Answer:
        return msgspec.convert(await self._found("saliency", asked), Saliencies)

    async def _found(self, task: str, asked: AskInside | AskKernel | AskSaliency) -> dict[str, Any]:
        fields = msgspec.structs.asdict(asked) | {"image": self._image(asked.image)}
        number, run = fields.pop("id"), fields.pop("run")
        return {"kind": task, "id": number, **await self._opened.ask(run, task, **fields)}

    def _image(self, image: Looked) -> int | dict[str, Any]:
        """As `opened_run.Which` describes it."""
        if isinstance(image, int):
            return image
        fields: dict[str, Any] = msgspec.to_builtins(image)
        if isinstance(image, UploadedImage):
            fields["folder"] = str(self._places.tried_upload(fields.pop("upload")))
        return fields
