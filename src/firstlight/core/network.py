"""Records of a network in the making: what layers there are, and what a list of them comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from firstlight.core.findings import Finding

ArgumentKind = Literal[
    "activation",
    "axes",
    "choice",
    "constraint",
    "count",
    "initializer",
    "number",
    "numbers",
    "pair",
    "regularizer",
    "shape",
    "sides",
    "switch",
    "text",
]


@dataclass(frozen=True)
class Argument:
    """One argument of a layer, with all that a form needs to ask for it.

    Attributes:
        name: as Keras calls it (`kernel_size`).
        kind: `count` is a whole number; `number` a number, `numbers` one or a list; `pair` a whole
            number or two (height, width); `sides` a whole number, two, or two for each axis;
            `axes` one whole number or several; `shape` a list of whole numbers, one of which may
            be -1; `switch` true or false; `text` a name; `choice`, `activation`, `initializer`,
            `regularizer` and `constraint` are one of `choices`, the last three also a mapping of
            a class name to its arguments.
        help: what it does, in a sentence.
        default: what it is where nothing is given.
        needed: whether a layer cannot be without it.
        optional: whether it may be None.
        least: the smallest number that it takes, or None.
        most: the largest number that it takes, or None.
        choices: the words that it takes, where it takes words.
        rare: whether beginners can leave it alone.
    """

    name: str
    kind: ArgumentKind
    help: str
    default: Any = None
    needed: bool = False
    optional: bool = False
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    rare: bool = False


@dataclass(frozen=True)
class LayerKind:
    """A layer class that a list of layers may name.

    Attributes:
        kind: the Keras class (`MaxPooling2D`).
        title: what people call it (`Max pooling`).
        words: what it does, in a few words.
        group: the kinds of layers that it stands among in a menu.
        arguments: what it takes, in the order of Keras's constructor, then `name`, `trainable`.
        start: the arguments that a new one is given.
    """

    kind: str
    title: str
    words: str
    group: str
    arguments: tuple[Argument, ...]
    start: dict[str, Any] = field(default_factory=dict)

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, or None."""
        return next((item for item in self.arguments if item.name == name), None)


@dataclass(frozen=True)
class NetworkRow:
    """A layer of a network as it is shown; shapes are without the batch axis.

    Attributes:
        key: names the layer wherever it is moved to.
        kind: the Keras class, as it was typed.
        title: what people call it.
        words: what it does, in a few words.
        arguments: what is given; the rest is as the layer's kind says.
        received: the shape that it gets, or None after a layer that does not work.
        makes: the shape that it makes, or None where it makes none.
        parameters: numbers that it learns or keeps, or None.
        flops: floating-point operations for one image, or None.
        receptive_field: (height, width) in pixels of the image that one of its answers sees, or
            None where answers belong to no place.
        findings: what the doctor says about it, errors first.
    """

    key: int
    kind: str
    title: str
    words: str
    arguments: dict[str, Any]
    received: tuple[int, ...] | None
    makes: tuple[int, ...] | None
    parameters: int | None
    flops: int | None
    receptive_field: tuple[int, int] | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class NetworkView:
    """A network in the making, with what it comes to on given images.

    Attributes:
        revision: counts the changes.
        rows: the layers.
        findings: what the doctor says about no single layer.
        parameters: of all layers that work.
        flops: of all layers that work, for one image.
        activation_bytes: of all outputs for one image, in bytes (float32).
        ready: whether it can be trained.
        can_undo: whether there is a change to take back.
        can_redo: whether there is a change to make again.
        yaml: the network as `--model net.yaml` reads it.
        code: the network in plain Keras.
    """

    revision: int
    rows: tuple[NetworkRow, ...]
    findings: tuple[Finding, ...]
    parameters: int
    flops: int
    activation_bytes: int
    ready: bool
    can_undo: bool
    can_redo: bool
    yaml: str
    code: str
