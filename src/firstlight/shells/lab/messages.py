"""Everything that the lab's server and its pages say to each other: the one schema.

A page sends `FromTab`, the server sends `ToTab`, each as one JSON object whose `kind` says which
it is. `scripts/lab_types.py` makes the page's TypeScript types from here.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from firstlight.core.network import LayerKind
from firstlight.shells.lab.records import (
    Count,
    Data,
    Document,
    Entry,
    EpochRow,
    Line,
    Network,
    Options,
    PartName,
    Point,
    Progress,
    Record,
    Run,
    Source,
    Tile,
    Value,
    Values,
    Word,
)


class FromPage(Record, tag_field="kind"):
    """What a page says."""


class Request(FromPage):
    """Something that a page asks for; exactly one answer comes, with the same `id`."""

    id: Count


class Hello(FromPage, tag="hello"):
    """The first message: what the page has seen already; answered by what it has not."""

    stream: Word = ""
    after: Count = 0


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


class Start(Request, tag="start"):
    """Train what the document says; answered with `Started`."""

    revision: Count
    name: Word = ""


class Stop(Request, tag="stop"):
    """Have a run save and end."""

    run: Word


class Resume(Request, tag="resume"):
    """Go on with a run that was stopped or killed."""

    run: Word


class AskCurve(Request, tag="curve"):
    """All points and epochs of a run; later ones come by themselves, as `Points`."""

    run: Word


class AskSamples(Request, tag="samples"):
    """Images of the data set, `count` from the `start`-th on, of one class or of all."""

    part: PartName
    label: Count | None
    start: Count
    count: Annotated[int, Meta(ge=1, le=120)]


class Browse(Request, tag="browse"):
    """What can be chosen in a folder below the one where the lab was started."""

    path: Line


class NewUpload(Request, tag="upload"):
    """A place for files that `POST /upload/NAME/PATH` then brings."""

    name: Word


FromTab = (
    Hello | Edit | Build | AskLayers | Start | Stop | Resume
    | AskCurve | AskSamples | Browse | NewUpload
)  # fmt: skip


class FromServer(Record, tag_field="kind"):
    """What the server says."""


class News(FromServer):
    """A message of the stream that every page gets; `number` counts up by one."""

    number: int


class Snapshot(News, tag="snapshot"):
    """Everything that a page shows."""

    stream: str
    folder: str
    document: Document
    defaults: dict[str, Value]
    options: Options
    network: Network
    data: Data
    runs: tuple[Run, ...]


class DocumentChanged(News, tag="document"):
    """The document, and what is trained with where it says nothing."""

    document: Document
    defaults: dict[str, Value]
    options: Options


class NetworkChanged(News, tag="network"):
    """The network, and the revision of the document that it makes."""

    revision: int
    network: Network


class DataChanged(News, tag="data"):
    """How far the source has been read."""

    data: Data


class RunChanged(News, tag="run"):
    """A run as it stands now."""

    run: Run


class RunGone(News, tag="gone"):
    """A run's folder is no longer there."""

    run: str


class Points(News, tag="points"):
    """What a run's curves go on with. Points that end after the first new one begins are void."""

    run: str
    progress: Progress
    points: tuple[Point, ...]
    epochs: tuple[EpochRow, ...]


class Resync(FromServer, tag="resync"):
    """The page was too slow and messages were dropped: it has to say `Hello` anew."""


class Answer(FromServer):
    """The answer to the request of that `id`."""

    id: int


class Done(Answer, tag="done"):
    """It was done."""


class Refusal(Answer, tag="refused"):
    """It was not done; the sentence says why, and what to do."""

    sentence: str


class Started(Answer, tag="started"):
    """The run that was started."""

    run: str


class Curve(Answer, tag="curve"):
    """A run's curves up to now."""

    run: str
    points: tuple[Point, ...]
    epochs: tuple[EpochRow, ...]


class Layers(Answer, tag="layers"):
    """Every layer that there is."""

    layers: tuple[LayerKind, ...]


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


ToTab = (
    Snapshot | DocumentChanged | NetworkChanged | DataChanged | RunChanged | RunGone | Points
    | Resync | Done | Refusal | Started | Curve | Layers | Samples | Listing | Uploading
)  # fmt: skip
