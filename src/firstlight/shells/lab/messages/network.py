"""Messages about the network that is built."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from firstlight.core.network import LayerKind
from firstlight.shells.lab.messages.base import (
    Answer,
    Count,
    FromPage,
    Line,
    News,
    Record,
    Request,
    Word,
)


class Problem(Record):
    """What the doctor says about the network or one of its layers.

    Attributes:
        code: a short fixed name, as on the page about the shape doctor.
        sentence: what is wrong.
        remedy: what to do.
        button: the words on the button that does it, or "" where nothing can be done by one.
    """

    level: Literal["error", "warning", "advice"]
    code: str
    sentence: str
    remedy: str
    button: str


class Row(Record):
    """A layer of the network; the fields are those of `firstlight.core.network.NetworkRow`."""

    key: int
    layer: str
    title: str
    words: str
    arguments: dict[str, Any]
    makes: tuple[int, ...] | None
    parameters: int | None
    flops: int | None
    receptive_field: tuple[int, int] | None
    problems: tuple[Problem, ...]


class Network(Record):
    """The network as it stands, counted for one image of `image` (height, width, channels).

    Attributes:
        recipe: the recipe that it started from.
        own: whether it differs from that recipe.
        editable: whether it is a list of layers; a network with branches is none.
        outputs: how many numbers it has to answer with.
        counted_for: what it is counted for, in words.
        yaml: as `firstlight train --model net.yaml` reads it.
        code: in plain Keras.
    """

    recipe: str
    own: bool
    editable: bool
    image: tuple[int, int, int]
    outputs: int
    counted_for: str
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    parameters: int
    flops: int
    activation_bytes: int
    ready: bool
    can_undo: bool
    can_redo: bool
    yaml: str
    code: str


class AddLayer(FromPage, tag="add"):
    """A new layer before position `index`."""

    layer: Word
    index: Count


class RemoveLayer(FromPage, tag="remove"):
    """A layer away."""

    key: Count


class MoveLayer(FromPage, tag="move"):
    """A layer to position `index`."""

    key: Count
    index: Count


class SetArgument(FromPage, tag="argument"):
    """An argument of a layer, as it was typed so far."""

    key: Count
    name: Word
    value: bool | Line


class StartFrom(FromPage, tag="recipe"):
    """The layers of a recipe in place of all others."""

    recipe: Word


class SetYaml(FromPage, tag="yaml"):
    """The network as YAML."""

    text: Annotated[str, Meta(max_length=50_000)]


class Mend(FromPage, tag="mend"):
    """What the doctor's button says: of the layer `key`, or of the whole network."""

    key: Count | None
    code: Word


class Undo(FromPage, tag="undo"):
    """The last change to the network taken back."""


class Redo(FromPage, tag="redo"):
    """The change that was taken back last made again."""


NetworkChange = (
    AddLayer | RemoveLayer | MoveLayer | SetArgument | StartFrom | SetYaml | Mend | Undo | Redo
)  # fmt: skip


class Build(Request, tag="build"):
    """Change the network. Layers are named by their keys, so this asks for no revision: what was
    typed goes on being right while the answer is on its way.
    """

    change: NetworkChange


class AskLayers(Request, tag="layers"):
    """Every layer that there is, with its arguments."""


class NetworkChanged(News, tag="network"):
    """The network, and the revision of the document that it makes."""

    revision: int
    network: Network


class Layers(Answer, tag="layers"):
    """Every layer that there is."""

    layers: tuple[LayerKind, ...]
