"""Messages about the inside of a trained network while it answers for one image."""

from __future__ import annotations

from firstlight.core.dataset import Task
from firstlight.shells.lab.messages.base import Answer, Count, Line, Record, Request, Word
from firstlight.shells.lab.messages.opened import Index, Looked


class AskInside(Request, tag="inside"):
    """What a run's network makes of an image.

    Attributes:
        image: which one.
        epoch: the network as it was after so many epochs; None: as it is.
    """

    run: Word
    image: Looked
    epoch: Count | None


class AskKernel(Request, tag="kernel"):
    """A filter with all that it receives and answers.

    Attributes:
        layer: the name of a convolution; None: the first.
        filter: None: the one with the largest answer.
    """

    run: Word
    image: Looked
    epoch: Count | None
    layer: Line | None
    filter: Index | None


class AskSaliency(Request, tag="saliency"):
    """Where in the image an answer comes from.

    Attributes:
        of: the class or the measured number, by name.
    """

    run: Word
    image: Looked
    epoch: Count | None
    of: Line


class Pictures(Record):
    """Small pictures of one size side by side, `columns` in a row.

    Attributes:
        png: base64.
        width, height: of one picture in pixels.
        words: what the colours mean, and what is left out.
    """

    png: str
    count: int
    columns: int
    width: int
    height: int
    words: str


class Numbers(Record):
    """An array of numbers.

    Attributes:
        data: float32, little-endian, the last axis fastest, base64.
    """

    shape: tuple[int, ...]
    data: str


class LayerInside(Record):
    """What one layer answers.

    Attributes:
        name: the layer's name.
        layer: its Keras class.
        shape: of its answer to one image.
        words: what is shown of it.
        maps: its feature maps, or None where its numbers belong to no place.
        numbers: those that belong to no place, the first 256; or None.
        filters: of a convolution, in the order of its maps.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    words: str
    maps: Pictures | None
    numbers: Numbers | None
    filters: Pictures | None


class Said(Record):
    """A class with its probability, or a number that was measured.

    Attributes:
        true: whether it is the true class; the true value; None where it is not known.
    """

    name: str
    value: float
    unit: str
    true: bool | float | None


class Table(Record):
    """A number taken apart; the fields are those of `firstlight.draw.opened.Opened`."""

    title: str
    meaning: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int


class Inside(Answer, tag="inside"):
    """What a network makes of one image.

    Attributes:
        images: how many there are where it came from: test images, or those of an upload.
        reading: what to know of how those of an upload were read.
        side: the numbers that the network takes beside an image.
        epochs: after which epochs the network can be looked at, beside the finished one.
        image: the image itself.
        name: where it came from.
        headline: what the network says of it, in a sentence.
        of: the name of the answer that saliency is about by itself.
    """

    task: Task
    images: int
    reading: tuple[str, ...]
    side: tuple[str, ...]
    epochs: tuple[int, ...]
    image: Pictures
    name: str
    headline: str
    answers: tuple[Said, ...]
    of: str
    layers: tuple[LayerInside, ...]
    opened: tuple[Table, ...]
    notes: tuple[str, ...]


class Kernel(Answer, tag="kernel"):
    """A filter at work; the fields are those of `firstlight.core.insight.SlidingKernel`.

    Attributes:
        received: `(H, W, C')`, the channels that the filter looks at.
        row, column: where its answer is largest.
    """

    layer: str
    filter: int
    received: Numbers
    answer: Numbers
    weights: Numbers
    channels: tuple[int, ...]
    bias: float
    activation: str
    before: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    row: int
    column: int


class SaliencyMap(Record):
    """A saliency map with its sanity check.

    Attributes:
        maps: over the image, of the network and of the same one with shuffled weights.
        reading: how it is to be read.
        check: what the sanity check says.
        passed: whether it does depend on learning.
    """

    title: str
    maps: Pictures
    correlation: float
    reading: str
    check: str
    passed: bool


class Saliencies(Answer, tag="saliency"):
    """Where in the image an answer comes from, by several methods."""

    question: str
    words: str
    image: Pictures
    maps: tuple[SaliencyMap, ...]
