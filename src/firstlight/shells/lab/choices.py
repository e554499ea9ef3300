"""What can be chosen in the lab, taken from where the command line takes it."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, Literal, get_args, get_type_hints

from firstlight.core.dataset import Task
from firstlight.core.losses import LOSSES
from firstlight.core.settings import CLASS_METRICS, VALUE_METRICS, DataSettings, TrainSettings
from firstlight.models import RECIPES, resolve_settings
from firstlight.shells.lab.messages.base import Value
from firstlight.shells.lab.messages.document import Option, Options, Recipe

# As in `firstlight.data`: that room is for the process that reads.
REIONISATION = "reionisation"
BUILTINS = ("mnist", REIONISATION)
# All but `shards`, a folder anywhere on the machine.
READING = (
    *("target", "task", "size", "resize", "colour", "group_column", "split", "gaps"),
    *("telescope", "pixel", "side", "report_by", "bounds", "keep", "balance", "by"),
    *("image_column", "split_column", "fold", "axes", "hdu", "memory"),
)
TRAINING = (
    *("model", "preset", "epochs", "batch_size", "optimizer", "learning_rate", "schedule"),
    *("loss", "metric", "augment", "label_smoothing", "class_weights", "patience", "prepare"),
    "seed",
)
# Written with commas in the lab.
LISTS = {item.name for item in fields(DataSettings) if item.default == ()}
# What the network is called once it is no recipe's any more.
OWN = "own network"
UPLOAD_BYTES = 512 << 20
UPLOAD_FILES = 20_000


def options(task: Task) -> Options:
    """Everything that can be chosen for a task."""
    suited = {
        "loss": tuple(name for name, use in LOSSES.items() if task in use.tasks),
        "metric": CLASS_METRICS if task == "classify" else VALUE_METRICS,
        "model": tuple(RECIPES),
    }
    return Options(
        builtins=BUILTINS,
        recipes=tuple(Recipe(name=one.name, summary=one.summary) for one in RECIPES.values()),
        reading=_options(DataSettings, READING, {}),
        settings=_options(TrainSettings, TRAINING, suited),
        upload_bytes=UPLOAD_BYTES,
        upload_files=UPLOAD_FILES,
    )


def _options(
    settings: type, names: tuple[str, ...], suited: dict[str, tuple[str, ...]]
) -> tuple[Option, ...]:
    types = get_type_hints(settings)
    by_name = {item.name: item for item in fields(settings)}
    return tuple(_option(by_name[name], types[name], suited.get(name)) for name in names)


def _option(item: Field[Any], annotation: Any, suited: tuple[str, ...] | None) -> Option:
    kinds = (annotation, *get_args(annotation))
    number: Literal["integer", "number"] = "integer" if int in kinds else "number"
    return Option(
        name=item.name,
        help=item.metadata["help"],
        type=number if int in kinds or float in kinds else "text",
        choices=suited or item.metadata["choices"],
        least=item.metadata["least"],
        most=item.metadata["most"],
        default=item.default if isinstance(item.default, str | int | float) else None,
    )


def defaults(
    settings: dict[str, Value], task: Task, images: int | None, *, sky: bool = False
) -> dict[str, Value]:
    """What is trained with where the document says nothing.

    Args:
        settings: what it says.
        task: what the data set asks for.
        images: how many training images there are; None: many.
        sky: whether they are seen through a telescope.

    Raises:
        SettingError: a setting has a value that it cannot have.
    """
    resolved = resolve_settings(train_settings(settings), task, images, sky=sky)
    return {name: getattr(resolved, name) for name in TRAINING}


def recipe(settings: dict[str, Value], *, sky: bool = False) -> str:
    """The recipe that the network starts from; `sky` as in `defaults`."""
    name = settings.get("model")
    if name in RECIPES:
        return str(name)
    return resolve_settings(TrainSettings(), "classify", sky=sky).model


def train_settings(settings: dict[str, Value]) -> TrainSettings:
    """The settings of a training, checked.

    Raises:
        SettingError: a setting has a value that it cannot have.
    """
    return TrainSettings(**settings)  # type: ignore[arg-type]


def reading_settings(reading: dict[str, Value]) -> dict[str, Value | tuple[str, ...]]:
    """How the source is read, as `api.load` takes it.

    Raises:
        SettingError: a setting has a value that it cannot have.
    """
    given: dict[str, Any] = dict(reading)
    for name in LISTS & given.keys():
        given[name] = tuple(word.strip() for word in str(given[name]).split(","))
    DataSettings(**given)
    return given


def as_values(reading: dict[str, Any]) -> dict[str, Value]:
    """How a source was read, as the document would say it; what is open is left out."""
    joined = {
        name: ", ".join(reading[name]) if name in LISTS else reading[name] for name in READING
    }
    return {name: value for name, value in joined.items() if value not in (None, "")}
