"""Everything that the lab's server and its pages say to each other: the one schema.

A page sends `FromTab`, the server sends `ToTab`, each as one JSON object whose `kind` says which
it is. `scripts/lab_types.py` makes the page's TypeScript types from here.
"""

from __future__ import annotations

from firstlight.shells.lab.messages.base import (
    Count,
    Done,
    FromPage,
    News,
    Refusal,
    Resync,
    Value,
    Word,
)
from firstlight.shells.lab.messages.data import (
    AskSamples,
    Browse,
    Data,
    DataChanged,
    Listing,
    NewUpload,
    Samples,
    Simulate,
    Uploading,
)
from firstlight.shells.lab.messages.document import Document, DocumentChanged, Edit, Options
from firstlight.shells.lab.messages.exporting import (
    AskExports,
    ExportChanged,
    ExportGone,
    Exports,
    MakeExport,
    StopExport,
)
from firstlight.shells.lab.messages.inside import (
    AskInside,
    AskKernel,
    AskSaliency,
    Inside,
    Kernel,
    Saliencies,
)
from firstlight.shells.lab.messages.network import AskLayers, Build, Layers, Network, NetworkChanged
from firstlight.shells.lab.messages.opened import AskTested
from firstlight.shells.lab.messages.rates import FindRate, GiveUpRate, RateChanged, RateSearch
from firstlight.shells.lab.messages.runs import (
    AskCurve,
    Curve,
    Points,
    Resume,
    Run,
    RunChanged,
    RunGone,
    Start,
    Started,
    Stop,
)
from firstlight.shells.lab.messages.trying import (
    Answered,
    AskAnswers,
    AskDrawn,
    AskDropped,
    AskTestReport,
    TestReport,
)


class Hello(FromPage, tag="hello"):
    """The first message: what the page has seen already; answered by what it has not."""

    stream: Word = ""
    after: Count = 0


FromTab = (
    Hello | Edit | Build | AskLayers | Start | Stop | Resume
    | AskCurve | FindRate | GiveUpRate | AskSamples | Browse | Simulate | NewUpload | AskTested
    | AskInside | AskKernel | AskSaliency
    | AskTestReport | AskAnswers | AskDrawn | AskDropped | AskExports | MakeExport | StopExport
)  # fmt: skip


class Snapshot(News, tag="snapshot"):
    """Everything that a page shows."""

    stream: str
    folder: str
    document: Document
    defaults: dict[str, Value]
    options: Options
    network: Network
    data: Data
    rate: RateSearch
    runs: tuple[Run, ...]


ToTab = (
    Snapshot | DocumentChanged | NetworkChanged | DataChanged | RunChanged | RunGone | Points
    | RateChanged | Resync | Done | Refusal | Started | Curve | Layers | Samples | Listing
    | Uploading | Inside | Kernel | Saliencies | TestReport | Answered
    | ExportChanged | ExportGone | Exports
)  # fmt: skip
