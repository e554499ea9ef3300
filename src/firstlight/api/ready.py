"""From settings to a network that is ready to train: checked, built, prepared, lowered."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.core.dataset import Dataset, Task
from firstlight.core.errors import ModelError
from firstlight.core.events import Event
from firstlight.core.findings import Checkup, Finding
from firstlight.core.losses import WITH_SPREAD
from firstlight.core.settings import TrainSettings
from firstlight.core.stored import ImageArray

if TYPE_CHECKING:
    import keras

    from firstlight.training import KerasNetwork, Machine, Network


STATISTICS_FROM = 1_000  # maps, where each has to be looked at through a telescope


@dataclass(frozen=True)
class Ready:
    """A checked, built, prepared and lowered model with all of its settings."""

    model: keras.Model
    network: Network | KerasNetwork
    settings: TrainSettings
    machine: Machine
    warnings: list[str]


def make_ready(dataset: Dataset, asked: TrainSettings, **kept: Any) -> Ready:
    """Everything that a training needs; `kept` are settings that a resumed run keeps."""
    from firstlight.models import (
        answer_in_units,
        build_model,
        default_preparation,
        fitting_loss,
        import_keras,
        prepare_model,
    )
    from firstlight.training import Augmentation, choose_machine, network_of

    keras = import_keras()
    settings = resolved(asked, dataset)
    pixels = dataset.train.images.dtype
    settings = replace(settings, prepare=settings.prepare or default_preparation(pixels))
    Augmentation.parse(settings.augment)
    side = dataset.train.side
    checkup = examined(dataset, asked, settings)
    if checkup.errors:
        raise ModelError(_explained(checkup.errors, dataset, settings))
    keras.utils.set_random_seed(settings.seed)
    model = build_model(settings.model, *_wanted(dataset, settings))
    if settings.loss != WITH_SPREAD:
        settings = replace(settings, loss=asked.loss or fitting_loss(model, dataset.task))
    model = prepare_model(model, str(settings.prepare), _as_seen(dataset), side)
    if dataset.task == "measure":
        model = answer_in_units(model, dataset.train.targets)
    network = network_of(model, inputs=1 if side is None else 2)
    warnings = [found.message for found in checkup.findings if found.level == "warning"]
    warnings += [f"{line}: Keras runs it, which is slower." for line in network.in_keras]
    machine = choose_machine(replace(settings, **kept))
    return Ready(model, network, settings, machine, warnings)


def resolved(asked: TrainSettings, dataset: Dataset) -> TrainSettings:
    """The settings with what the user left open filled in as the data ask for it."""
    from firstlight.models import resolve_settings

    sky = dataset.settings.telescope is not None
    return resolve_settings(asked, dataset.task, len(dataset.train), sky=sky)


def examined(dataset: Dataset, asked: TrainSettings, settings: TrainSettings) -> Checkup:
    """What the shape doctor says of the network on these data; `settings` are all resolved."""
    from firstlight.models import check_model

    # Which loss fits depends on the end of the network, where the user has named none.
    named = settings.loss if settings.loss == WITH_SPREAD else asked.loss
    return check_model(settings.model, *_wanted(dataset, settings), replace(settings, loss=named))


def _wanted(dataset: Dataset, settings: TrainSettings) -> tuple[tuple[int, int, int], int, Task]:
    """Of the network: the shape that it takes, how many numbers it answers with, and the task."""
    height, width, channels = dataset.image_shape
    side = dataset.train.side
    # A number beside the image enters as one more channel of it.
    shape = (height, width, channels + (0 if side is None else side.shape[1]))
    return shape, dataset.outputs * (2 if settings.loss == WITH_SPREAD else 1), dataset.task


def _as_seen(dataset: Dataset) -> ImageArray:
    """The training images, or some of them as the telescope sees them: for their statistics."""
    telescope = dataset.settings.sky
    if telescope is None:
        return dataset.train.images
    from firstlight.training import as_seen

    some = np.unique(np.linspace(0, len(dataset.train) - 1, STATISTICS_FROM).astype(int))
    return as_seen(dataset.train.select(some), telescope, dataset.split.seed).images


def plan_event(dataset: Dataset, ready: Ready, lines: list[str]) -> Event:
    """What is about to be done, and what to know about data and network beforehand."""
    return {
        "kind": "plan",
        "lines": lines,
        "notes": list(dataset.notes),
        "refused": [asdict(refused) for refused in dataset.refused],
        "warnings": ready.warnings,
    }


def plan(dataset: Dataset, ready: Ready) -> list[str]:
    """What is about to be done, in three lines: data, model, recipe."""
    settings, machine = ready.settings, ready.machine
    parts = ", ".join(f"{len(images):,} {part}" for part, images in dataset.parts())
    shape = "x".join(str(size) for size in dataset.image_shape)
    answers = (
        f"{len(dataset.classes)} classes"
        if dataset.task == "classify"
        else ", ".join(dataset.target_names)
    )
    epochs = f"{settings.epochs} epoch{'s' if settings.epochs != 1 else ''}"
    threads = f"{machine.threads} thread{'s' if machine.threads > 1 else ''}"
    device = "a GPU" if machine.device.type == "cuda" else threads
    return [
        f"data    {dataset.name}: {parts}; {shape}, {answers}",
        f"model   {settings.model}: {ready.model.count_params():,} parameters; "
        f"{machine.precision} on {device}, seed {settings.seed}",
        f"recipe  {epochs}, batches of {settings.batch_size}, {settings.optimizer}, "
        f"{settings.learning_rate:g} {settings.schedule}, {settings.loss}{changes(settings)}",
    ]


def changes(settings: TrainSettings) -> str:
    """What is changed in images and targets for training, each with a comma before it."""
    words = "" if settings.augment in (None, "none") else f", {settings.augment}"
    if settings.label_smoothing:
        words += f", labels smoothed by {settings.label_smoothing:g}"
    return words


def _explained(errors: tuple[Finding, ...], dataset: Dataset, settings: TrainSettings) -> str:
    first = errors[0]
    where = f"layer {first.layer}: " if first.layer else ""
    words = [f"{settings.model} does not fit {dataset.name}: {where}{first.message.rstrip('.')}"]
    if first.fix is not None:
        words.append("To mend it, " + first.fix.sentence.rstrip("."))
    if len(errors) > 1:
        words.append(f"That is one of {len(errors)} errors")
    command = f"firstlight check {dataset.source} --model {settings.model}"
    return ". ".join([*words, f"See it all with: {command}"])
