"""Sheets of images, as a worker makes them and a page gets them."""

from __future__ import annotations

from firstlight.shells.lab.messages.data import AskSamples, Samples, Tile
from firstlight.shells.lab.messages.opened import AskTested
from firstlight.shells.lab.worker_process import WorkerProcess


async def asked_sheet(process: WorkerProcess, task: str, asked: AskSamples | AskTested) -> Samples:
    """The images that a page asked for; `task` is the worker's name for it."""
    fields = ("part", "label", "start", "count")
    values = {key: getattr(asked, key) for key in fields if hasattr(asked, key)}
    answer = await process.ask({task: values})
    each = zip(answer["positions"], answer["names"], answer["labels"], strict=True)
    return Samples(
        id=asked.id,
        total=answer["total"],
        start=asked.start,
        tiles=tuple(Tile(position=place, name=name, label=label) for place, name, label in each),
        sheet=answer["png"],
        **{key: answer[key] for key in ("columns", "width", "height", "colours")},
    )
