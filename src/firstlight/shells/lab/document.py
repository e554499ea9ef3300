"""The document of a lab: what the user is working on, kept on disk and changed by edits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from firstlight.core.errors import SettingError
from firstlight.core.exploration import Exploration
from firstlight.core.files import write_bytes
from firstlight.shells.lab import choices
from firstlight.shells.lab.messages.base import Answer, Done, Value
from firstlight.shells.lab.messages.document import (
    Document,
    DocumentChanged,
    Edit,
    Option,
    Options,
    SetReading,
    SetSettings,
    SetSource,
)
from firstlight.shells.lab.places import Places
from firstlight.shells.lab.stream import Stream

# Who answers which request.
Answers = dict[type, Callable[[Any], Awaitable[Answer]]]
KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "text": (str, "a text"),
}


class Desk:
    """Holds the document, changes it as pages ask, and tells every page.

    Args:
        kept: the file in which it outlives the lab.

    Attributes:
        document: as it stands.
        explored: what is known of its data, or None.
        reading: how they were read.
        own_network: says whether the network is no recipe's any more.
        on_source: called when the data or how to read them have changed.
        on_recipe: called with the recipe that the network is to start from.
        on_change: called when anything has changed that a network is counted for.
    """

    def __init__(self, kept: Path, places: Places, stream: Stream) -> None:
        self._kept = kept
        self._places = places
        self._stream = stream
        self.document = self._kept_document()
        self.explored: Exploration | None = None
        self.reading: dict[str, Value] = {}
        self.own_network: Callable[[], bool] = lambda: False
        self.on_source: Callable[[], None] = lambda: None
        self.on_recipe: Callable[[str], None] = lambda recipe: None
        self.on_change: Callable[[], None] = lambda: None
        self.answers: Answers = {Edit: self._edit}

    def options(self) -> Options:
        """What can be chosen for these data."""
        return choices.options(self.explored.task if self.explored else "classify")

    def defaults(self) -> dict[str, Value]:
        """What is trained with where the document says nothing."""
        settings = self.document.settings
        if self.own_network():
            settings = settings | {"model": choices.OWN}
        if self.explored is None:
            return choices.defaults(settings, "classify", None)
        count = self.explored.parts[0].count
        return choices.defaults(settings, self.explored.task, count, sky=self.sky)

    @property
    def sky(self) -> bool:
        """Whether the images are maps that are seen through a telescope."""
        return "telescope" in self.reading

    def require_newest(self, revision: int) -> None:
        """Refuse what was asked of another document than this one.

        Raises:
            SettingError: the page has seen an older one.
        """
        if revision != self.document.revision:
            raise SettingError("This was changed in another tab a moment ago: look, and try again.")

    def tell(self) -> None:
        """Tell every page the document and what follows from it."""
        self._tell_document()
        self.on_change()

    def _tell_document(self) -> None:
        self._stream.publish(
            DocumentChanged,
            document=self.document,
            defaults=self.defaults(),
            options=self.options(),
        )

    async def built(self, change: Callable[[], dict[str, Any]]) -> None:
        """Let the network be changed, and take over the settings that go with it."""
        before, own = self.document, self.own_network()
        settings = _changed(before.settings, change(), self.options().settings)
        revision = before.revision + 1
        self.document = msgspec.structs.replace(before, settings=settings, revision=revision)
        if settings != before.settings or self.own_network() != own:
            self._tell_document()
        self.on_change()
        await asyncio.to_thread(self._write, self.document)

    def _kept_document(self) -> Document:
        try:
            return msgspec.json.decode(self._kept.read_bytes(), type=Document)
        except (OSError, msgspec.DecodeError):
            return Document()

    async def _edit(self, asked: Edit) -> Answer:
        self.require_newest(asked.revision)
        change, before = asked.change, self.document
        edited: dict[str, Any]
        if isinstance(change, SetSource):
            if change.source is not None:
                self._places.data(change.source)
            # How one source is read says nothing about another.
            edited = {"source": change.source, "reading": {}}
        elif isinstance(change, SetReading):
            edited = {"reading": _changed(before.reading, change.values, self.options().reading)}
            choices.reading_settings(edited["reading"])
        else:
            known = self.options().settings
            edited = {"settings": _changed(before.settings, change.values, known)}
            choices.train_settings(edited["settings"])
            if "model" in change.values:
                self.on_recipe(choices.recipe(edited["settings"], sky=self.sky))
        revision = before.revision + 1
        self.document = msgspec.structs.replace(before, **edited, revision=revision)
        if not isinstance(change, SetSettings):
            self.on_source()
        self.tell()
        await asyncio.to_thread(self._write, self.document)
        return Done(id=asked.id)

    def _write(self, document: Document) -> None:
        with contextlib.suppress(OSError):
            self._kept.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(self._kept, msgspec.json.encode(document))


def _changed(
    before: dict[str, Value], values: dict[str, Value], known: tuple[Option, ...]
) -> dict[str, Value]:
    """Settings with some of them changed.

    Raises:
        SettingError: there is no such setting here, or the value is not one that it takes.
    """
    options = {option.name: option for option in known}
    for name, value in values.items():
        option = options.get(name)
        if option is None:
            raise SettingError(f"there is no setting called {name!r} in the lab.")
        kind, words = KINDS[option.type]
        if value is not None and not isinstance(value, kind):
            raise SettingError(f"{name} takes {words}, but {value!r} came.")
        if value is not None and option.choices and value not in option.choices:
            raise SettingError(f"{name} takes one of {', '.join(option.choices)}.")
    merged = before | values
    return {name: value for name, value in merged.items() if value is not None}
