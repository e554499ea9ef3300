"""Messages about a run that is looked into: its test images, and images of a user's own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from firstlight.shells.lab.messages.base import Count, Record, Request, Word

Ink = Annotated[bytes, Meta(max_length=40_000)]
Side = Annotated[dict[Word, float], Meta(max_length=32)]
Index = Annotated[int, Meta(ge=0, le=2**31)]


class AskTested(Request, tag="tested"):
    """Test images of a run, `count` from the `start`-th on, of one class or of all."""

    run: Word
    label: Count | None
    start: Count
    count: Annotated[int, Meta(ge=1, le=120)]


class UploadedImage(Record, tag_field="kind", tag="uploaded"):
    """An image that a user has brought.

    Attributes:
        upload: the name that `Uploading` gave to an upload that is not kept.
        place: which of its images.
        side: numbers beside it, by name.
    """

    upload: Word
    place: Index
    side: Side


class Drawing(Record, tag_field="kind", tag="drawing"):
    """A drawing on the pad.

    Attributes:
        ink: a byte a pixel of the pad, row by row; 0 where nothing is drawn.
    """

    ink: Ink


# A test image by its number, or one of the user's own.
Looked = Index | UploadedImage | Drawing
