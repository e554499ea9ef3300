"""Messages about the document: what the user is working on, and what can be chosen."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from firstlight.shells.lab.messages.base import (
    Count,
    FromPage,
    News,
    Record,
    Request,
    Value,
    Values,
)
from firstlight.shells.lab.messages.data import Source


class Document(Record):
    """What the user is working on. The server owns it; every edit raises its revision.

    Attributes:
        reading: fields of `DataSettings` that differ from what they are by themselves.
        settings: the same of `TrainSettings`. `model` names the recipe that the network started
            from; its layers are told by `NetworkChanged`.
    """

    revision: int = 0
    source: Source | None = None
    reading: dict[str, Value] = field(default_factory=dict)
    settings: dict[str, Value] = field(default_factory=dict)


class Option(Record):
    """A field of `TrainSettings` or `DataSettings`, as the page's forms show it."""

    name: str
    help: str
    type: Literal["integer", "number", "text"]
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    default: Value = None


class Recipe(Record):
    """A network by name."""

    name: str
    summary: str


class Options(Record):
    """What can be chosen. `settings` depends on the task, which the data decide."""

    builtins: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    reading: tuple[Option, ...]
    settings: tuple[Option, ...]
    upload_bytes: int
    upload_files: int


class SetSource(FromPage, tag="source"):
    """Other data."""

    source: Source | None


class SetReading(FromPage, tag="reading"):
    """Other ways to read the data; None puts one back to what it is by itself."""

    values: Values


class SetSettings(FromPage, tag="settings"):
    """Other settings of the training; None puts one back to what the recipe says."""

    values: Values


Change = SetSource | SetReading | SetSettings


class Edit(Request, tag="edit"):
    """Change the document; refused where `revision` is not the one that it has."""

    revision: Count
    change: Change


class DocumentChanged(News, tag="document"):
    """The document, and what is trained with where it says nothing."""

    document: Document
    defaults: dict[str, Value]
    options: Options
