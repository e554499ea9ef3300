"""Messages about runs: how they are started and stopped, and how far they have come."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from firstlight.core.diagnosis import Diagnosis
from firstlight.shells.lab.messages.base import Answer, Count, News, Record, Request, Value, Word


class Score(Record):
    """A number of the test, with its interval and its unit where there is one."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""


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
        diagnosis: what seems to be wrong with the training so far, the worst first.
    """

    name: str
    state: RunState
    sentence: str = ""
    machine: str = ""
    created: str = ""
    command: str = ""
    data: str = ""
    parameters: int = 0
    settings: dict[str, Value] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    metric: str = ""
    progress: Progress | None = None
    last: EpochRow | None = None
    test: tuple[Score, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()


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
    diagnosis: tuple[Diagnosis, ...]


class Started(Answer, tag="started"):
    """The run that was started."""

    run: str


class Curve(Answer, tag="curve"):
    """A run's curves up to now."""

    run: str
    points: tuple[Point, ...]
    epochs: tuple[EpochRow, ...]
