"""Messages about the images: where they come from, what is in them, which are looked at."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from firstlight.core.exploration import Exploration
from firstlight.shells.lab.messages.base import (
    Answer,
    Count,
    Line,
    News,
    Record,
    Request,
    Value,
    Word,
)

PartName = Literal["train", "validation", "test"]
SourceKind = Literal["builtin", "path", "upload"]


class Source(Record):
    """Where the images come from.

    Attributes:
        place: `builtin`: one of `Options.builtins`; `path`: below the folder where the lab was
            started; `upload`: a name that `Uploading` gave.
    """

    place: SourceKind
    name: Line


class Data(Record):
    """How far the source has been read.

    Attributes:
        state: `absent`: it would have to be simulated first.
        sentence: what is being done, or why it could not be.
        done, total: how much of that is done, where it is known.
        reading: how it was read: what the document says, and what the source says of itself.
        exploration: what `firstlight explore` finds; at most 200 refused files are listed.
        refused: how many files were refused.
    """

    state: Literal["none", "absent", "reading", "ready", "failed"] = "none"
    sentence: str = ""
    done: int = 0
    total: int = 0
    reading: dict[str, Value] = field(default_factory=dict)
    exploration: Exploration | None = None
    refused: int = 0


class Tile(Record):
    """One image of a sheet; `position` counts the images of its part from 0."""

    position: int
    name: str
    label: str


class Entry(Record):
    """A file or folder that can be chosen as a source."""

    name: str
    folder: bool


class AskSamples(Request, tag="samples"):
    """Images of the data set, `count` from the `start`-th on, of one class or of all."""

    part: PartName
    label: Count | None
    start: Count
    count: Annotated[int, Meta(ge=1, le=120)]


class Browse(Request, tag="browse"):
    """What can be chosen in a folder below the one where the lab was started."""

    path: Line


class Simulate(Request, tag="simulate"):
    """Simulate the maps that are chosen and absent."""


class NewUpload(Request, tag="upload"):
    """A place for files that `POST /upload/NAME/PATH` then brings.

    Attributes:
        keep: whether they are data to train on; else a network is asked about them, and only the
            latest stay.
    """

    name: Word
    keep: bool = True


class DataChanged(News, tag="data"):
    """How far the source has been read."""

    data: Data


class Samples(Answer, tag="samples"):
    """Images side by side on one sheet, `columns` in a row.

    Attributes:
        total: how many images there are to go through.
        sheet: a PNG, base64.
        width, height: of one image on the sheet in pixels.
        colours: what the colours mean.
    """

    total: int
    start: int
    tiles: tuple[Tile, ...]
    sheet: str
    columns: int
    width: int
    height: int
    colours: str


class Listing(Answer, tag="listing"):
    """What lies in a folder; `path` is below the folder where the lab was started."""

    path: str
    entries: tuple[Entry, ...]
    more: int = 0


class Uploading(Answer, tag="uploading"):
    """Where the files of an upload go."""

    upload: str
