"""Records of how a training went, and of what seems to be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from firstlight.core.dataset import Task


@dataclass(frozen=True)
class EpochScores:
    """Loss and metric of one finished epoch, on training images and on validation images."""

    epoch: int
    loss: float | None
    value: float | None
    validation_loss: float | None
    validation_value: float | None


@dataclass(frozen=True)
class LayerUnits:
    """How many units (filters, neurons) of a ReLU layer there are, and how many are dead.

    Attributes:
        layer: its name in the Keras model.
        dead: units that answered 0 at every place of every image that they were asked about.
    """

    layer: str
    units: int
    dead: int


@dataclass(frozen=True)
class Course:
    """How a training has gone so far.

    Attributes:
        settings: every field of `TrainSettings`, filled in, as `run.json` has them.
        images: how many there are to train on.
        validation_images: how many it is validated on.
        classes: how many there are; 0 for `measure`.
        epochs: those that are finished, in order.
        beginning: the loss of the first batch, before the first step; None where not known.
        constant: the metric of the validation images where each gets the same answer: the shares
            of the classes, or the mean of the training targets. None where not known.
        over: whether it has ended.
        diverged: whether it ended because loss or weights were no longer finite.
        units: the ReLU layers at the end of the training.
    """

    settings: Mapping[str, Any]
    task: Task
    images: int
    validation_images: int
    classes: int
    epochs: tuple[EpochScores, ...]
    beginning: float | None = None
    constant: float | None = None
    over: bool = True
    diverged: bool = False
    units: tuple[LayerUnits, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What seems to be wrong with a training, and what to try next.

    Attributes:
        level: `warning`: it does not work as it should; `advice`: it could be better.
        code: a short fixed name (`overfitting`).
        sentence: what it is.
        evidence: the numbers that say so, as a sentence.
        experiment: what to try next, as a sentence.
        settings: the same as fields of `TrainSettings` to change; empty where no setting helps.
    """

    level: Literal["warning", "advice"]
    code: str
    sentence: str
    evidence: str
    experiment: str
    settings: dict[str, Any] = field(default_factory=dict)


def words_of(found: Diagnosis) -> str:
    """A diagnosis in one line: what it is, what says so, what to try.

    Example:
        >>> words_of(Diagnosis("advice", "short", "It was short.", "1 epoch.", "Try 2."))
        'It was short. 1 epoch. Try 2.'
    """
    return f"{found.sentence} {found.evidence} {found.experiment}"


def epoch_scores(event: Mapping[str, Any], metric: str) -> EpochScores:
    """What an `epoch` event says.

    Example:
        >>> epoch_scores({"epoch": 1, "loss": 0.5, "accuracy": 0.9}, "accuracy")
        EpochScores(epoch=1, loss=0.5, value=0.9, validation_loss=None, validation_value=None)
    """
    names = ("loss", metric, "validation_loss", f"validation_{metric}")
    return EpochScores(event["epoch"], *(event.get(name) for name in names))


def course_of(
    information: Mapping[str, Any], epochs: tuple[EpochScores, ...], **known: Any
) -> Course:
    """The course of a run from its `run.json`; `known` are further fields of `Course`."""
    data = information["data"]
    return Course(
        settings=information["settings"],
        task=data["task"],
        images=int(data["images"]["train"]),
        validation_images=int(data["images"]["validation"]),
        classes=len(data["classes"]),
        epochs=epochs,
        constant=information.get("constant_answer"),
        **known,
    )
