"""Messages about trying a run's network: its test, and what it says of single images."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from firstlight.core.dataset import Refused, Task
from firstlight.shells.lab.messages.base import Answer, Count, Record, Request, Word
from firstlight.shells.lab.messages.opened import Ink, Side


class AskTestReport(Request, tag="test-report"):
    """What a run's test has said, as its report has it."""

    run: Word


class Values(Record):
    """True values of one target, and what the network says of them; rising with the true value.

    Attributes:
        words: how far to trust it, in sentences.
        positions: which test images these are; not all of them where there are many.
        low, high: ends of the interval of each, or () where there are none.
    """

    name: str
    unit: str
    words: tuple[str, ...]
    positions: tuple[int, ...]
    true: tuple[float, ...]
    said: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


class ClassRow(Record):
    """One class of the report; `count` is how many images truly are of it."""

    name: str
    precision: float
    recall: float
    f1: float
    count: int


class DrawingPad(Record):
    """What is drawn on: see `firstlight.api.drawing.Pad`."""

    width: int
    height: int
    image_width: int
    image_height: int
    dark: bool
    digits: bool


class TestReport(Answer, tag="test-report"):
    """What a run's test has said.

    Attributes:
        data: what it was tested on.
        words: how far to trust it, in sentences.
        confusion: how often each true class (a row) was called each class.
        values: of measured values, one a target.
        level: which share of true values the intervals are to hold, or None.
        side: the numbers that the network takes beside an image.
        pad: None where its images cannot be drawn; `no_pad` says why.
    """

    task: Task
    data: str
    count: int
    words: tuple[str, ...]
    classes: tuple[str, ...]
    per_class: tuple[ClassRow, ...]
    confusion: tuple[tuple[int, ...], ...]
    values: tuple[Values, ...]
    level: float | None
    side: tuple[str, ...]
    pad: DrawingPad | None
    no_pad: str


class Cell(Record, tag_field="kind", tag="cell"):
    """The test images of one cell of the confusion matrix, the most certain first."""

    true: Count
    predicted: Count


class Worst(Record, tag_field="kind", tag="worst"):
    """The most certain mistakes first; of measured values those that are furthest off."""

    target: Count


class OneImage(Record, tag_field="kind", tag="one"):
    """One test image."""

    position: Count


class AskAnswers(Request, tag="answers"):
    """What a run's test has said of some images, `count` from the `start`-th on."""

    run: Word
    which: Cell | Worst | OneImage
    start: Count
    count: Annotated[int, Meta(ge=1, le=120)]


class AskDrawn(Request, tag="drawn"):
    """What a network says of a drawing.

    Attributes:
        ink: a byte a pixel of the pad, row by row; 0 where nothing is drawn.
    """

    run: Word
    ink: Ink


class AskDropped(Request, tag="dropped"):
    """What a network says of uploaded images.

    Attributes:
        upload: the name that `Uploading` gave to an upload that is not kept.
        side: numbers beside the images, by name.
    """

    run: Word
    upload: Word
    side: Side


class AnsweredImage(Record):
    """What a network says of one image.

    Attributes:
        position: among the test images, or None.
        truth: the class's name or the true values in words; "" where it is not known.
        values: probabilities of the classes, or values in the order of the targets.
        low, high: ends of the interval of each value, or ().
        unlike: whether it does not look like those of the training; None: that is not known.
    """

    name: str
    position: int | None
    truth: str
    values: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    unlike: bool | None


class Answered(Answer, tag="answered"):
    """What a network says of some images, and these as it sees them.

    Attributes:
        total: how many images there are to go through.
        sheet: a PNG with the images side by side, `columns` in a row, base64.
        width, height: of one image on the sheet in pixels.
        colours: what the colours mean.
        level: which share of true values the intervals are to hold, or None.
    """

    total: int
    start: int
    images: tuple[AnsweredImage, ...]
    sheet: str
    columns: int
    width: int
    height: int
    colours: str
    level: float | None
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
