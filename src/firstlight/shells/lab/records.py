"""What the lab's messages are made of: the document, the data, the runs.

msgspec checks every message against these classes while it decodes: types, ranges, lengths,
unknown fields. It was chosen over pydantic because it is one small package, imported in a tenth
of the time.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from firstlight.core.exploration import Exploration

Word = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=500)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Value = Annotated[int, Meta(ge=-(2**53), le=2**53)] | float | Line | None
Values = Annotated[dict[Word, Value], Meta(max_length=32)]
PartName = Literal["train", "validation", "test"]
SourceKind = Literal["builtin", "path", "upload"]


class Record(Struct, kw_only=True, forbid_unknown_fields=True):
    """What messages are made of."""


class Source(Record):
    """Where the images come from.

    Attributes:
        place: `builtin`: one of `Options.builtins`; `path`: below the folder where the lab was
            started; `upload`: a name that `Uploading` gave.
    """

    place: SourceKind
    name: Line


class Document(Record):
    """What the user is working on. The server owns it; every edit raises its revision.

    Attributes:
        reading: fields of `DataSettings` that differ from what they are by themselves.
        settings: the same of `TrainSettings`. `model` names the recipe that the network started
            from; its layers are told by `NetworkChanged`.
    """

    revision: int = 0
    source: Source | None = None
    reading: dict[str, Value] = {}
    settings: dict[str, Value] = {}


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


class Data(Record):
    """How far the source has been read.

    Attributes:
        sentence: what is being done, or why it could not be.
        exploration: what `firstlight explore` finds; at most 200 refused files are listed.
        refused: how many files were refused.
    """

    state: Literal["none", "reading", "ready", "failed"] = "none"
    sentence: str = ""
    exploration: Exploration | None = None
    refused: int = 0


class Score(Record):
    """A number of the test, with its interval where there is one."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


RunState = Literal["starting", "training", "finished", "stopped", "failed", "killed"]


class Progress(Record):
    """How far a training has come; loss and value (of the metric) are means of the epoch so far."""

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float | None = None
    value: float | None = None
    images_per_second: float | None = None
    seconds_left: float | None = None


class Run(Record):
    """A run as it stands.

    Attributes:
        sentence: why it ended, where it did not finish.
        machine: where its process works, where that is another machine.
        created: ISO 8601.
        command: the command line that does the same again; "" before there is a run folder.
        settings: every field of `TrainSettings` as it is trained with.
        notes: what to know about data and network, and what happened on the way.
        metric: the metric beside the loss.
        progress: None before the first step.
        last: the last epoch that is finished.
        test: the scores on images that the network has never seen.
    """

    name: str
    state: RunState
    sentence: str = ""
    machine: str = ""
    created: str = ""
    command: str = ""
    data: str = ""
    parameters: int = 0
    settings: dict[str, Value] = {}
    notes: tuple[str, ...] = ()
    metric: str = ""
    progress: Progress | None = None
    last: EpochRow | None = None
    test: tuple[Score, ...] = ()


class Point(Record, array_like=True):
    """Means over the batches `first + 1` to `last` of a run, counted from its beginning."""

    first: int
    last: int
    loss: float | None
    value: float | None


class EpochRow(Record, array_like=True):
    """One finished epoch: means over its training images, and the validation images after it."""

    epoch: int
    loss: float | None
    value: float | None
    validation_loss: float | None
    validation_value: float | None
    seconds: float


class Tile(Record):
    """One image of a sheet."""

    name: str
    label: str


class Entry(Record):
    """A file or folder that can be chosen as a source."""

    name: str
    folder: bool
