"""The step Build on the server: the network is changed as pages ask, told and kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

from firstlight.core.losses import WITH_SPREAD
from firstlight.core.settings import AUTO
from firstlight.models import CATALOGUE
from firstlight.shells.lab import choices
from firstlight.shells.lab.building import Building
from firstlight.shells.lab.document import Answers, Desk
from firstlight.shells.lab.messages.base import Answer, Done
from firstlight.shells.lab.messages.network import (
    AskLayers,
    Build,
    Layers,
    Network,
    NetworkChanged,
    StartFrom,
)
from firstlight.shells.lab.stream import Stream


class BuildStep:
    """Holds the network, counted for the document's images and settings.

    Args:
        folder: the lab's own, where a network of the user's own lies.
    """

    def __init__(self, folder: Path, desk: Desk, stream: Stream) -> None:
        self._folder = folder
        self._desk = desk
        self._stream = stream
        recipe = choices.recipe(desk.document.settings)
        self._building = Building(folder / "network.yaml", recipe)
        desk.own_network = lambda: self._building.own
        desk.on_recipe = self._start_from
        desk.on_change = self._count
        self.answers: Answers = {Build: self._build, AskLayers: self._layers}

    def network(self) -> Network:
        """The network as pages show it."""
        return self._building.view()

    def model_for(self, run: str) -> str:
        """The network as `firstlight train --model` takes it; one of the user's own is written.

        Raises:
            ModelError: it cannot be trained as it stands.
            WriteError: it cannot be written.
        """
        named = "model" in self._desk.document.settings or self._building.own
        if self._desk.explored is None and not named:
            # Which recipe is meant depends on the images, and they are still being read.
            return AUTO
        return self._building.model_for(self._folder / "networks" / f"{run}.yaml")

    def _start_from(self, recipe: str) -> None:
        self._building.change(StartFrom(recipe=recipe))

    def _count(self) -> None:
        """Count for the images and settings as they are now, and tell it."""
        document = self._desk.document
        # Which loss is meant where none is named depends on the network, but for that which asks
        # for twice as many answers.
        asked = self._desk.defaults()
        if asked["loss"] != WITH_SPREAD:
            asked["loss"] = document.settings.get("loss")
        sky, side = self._desk.sky, str(self._desk.reading.get("side", ""))
        self._building.use(
            self._desk.explored,
            choices.train_settings(asked),
            choices.recipe(document.settings, sky=sky),
            len(side.split(", ")) if side else 0,
        )
        self._stream.publish(NetworkChanged, revision=document.revision, network=self.network())

    async def _build(self, asked: Build) -> Answer:
        await self._desk.built(lambda: self._building.change(asked.change))
        await asyncio.to_thread(self._building.keep)
        return Done(id=asked.id)

    async def _layers(self, asked: AskLayers) -> Answer:
        return Layers(id=asked.id, layers=tuple(CATALOGUE.values()))
