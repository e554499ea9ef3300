"""`run.json`: what a run was made from, written once, and held against the present on resume."""

from __future__ import annotations

import hashlib
import platform
import shlex
import time
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from firstlight.api.ready import Ready
from firstlight.core.dataset import Dataset
from firstlight.core.errors import RunError
from firstlight.core.run_folder import RunFolder
from firstlight.core.settings import DataSettings, TrainSettings
from firstlight.models.identity import architecture_digest

PACKAGES = ("firstlight", "keras", "torch", "numpy")


def run_information(dataset: Dataset, asked: TrainSettings, ready: Ready) -> dict[str, Any]:
    """What `run.json` holds beside the name."""
    source = Path(dataset.source)
    place = str(source.resolve()) if source.exists() else dataset.source
    settings, machine = ready.settings, ready.machine
    settings = replace(settings, model=_absolute(settings.model))
    reading = dataset.settings
    if reading.shards is not None:
        reading = replace(reading, shards=str(Path(reading.shards).expanduser().resolve()))
    return {
        "format": 1,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": command_line(place, asked, reading),
        "seed": settings.seed,
        "settings": asdict(settings),
        "data_settings": asdict(reading),
        "data": {
            "name": dataset.name,
            "source": place,
            "task": dataset.task,
            "classes": list(dataset.classes),
            "target_names": list(dataset.target_names),
            "target_units": list(dataset.target_units),
            "pixel_unit": dataset.pixel_unit,
            "image_shape": list(dataset.image_shape),
            "dtype": dataset.train.images.dtype.name,
            "images": {part: len(images) for part, images in dataset.parts()},
            "fingerprint": dataset.fingerprint,
            "split_seed": dataset.split.seed,
            "split": dataset.split.rule,
            "notes": list(dataset.notes),
            "refused": [asdict(item) for item in dataset.refused],
        },
        "constant_answer": _constant_answer(dataset, str(settings.metric)),
        "model": {
            "parameters": ready.model.count_params(),
            "architecture": architecture_digest(ready.model),
            "source": source_digest(settings.model),
            "in_keras": ready.network.in_keras,
        },
        "machine": {
            "device": machine.device.type,
            "precision": machine.precision,
            "threads": machine.threads,
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": _versions(),
    }


def _constant_answer(dataset: Dataset, metric: str) -> float | None:
    """The metric of the validation images where each gets the same answer."""
    from firstlight.training import constant_score

    targets, held_out = dataset.train.targets, dataset.validation.targets
    return constant_score(metric, targets, held_out, len(dataset.classes))


def command_line(source: str, train: TrainSettings, reading: DataSettings) -> str:
    """The command that does the same again.

    Example:
        >>> command_line("mnist", TrainSettings(epochs=2), DataSettings())
        'firstlight train mnist --epochs 2'
    """
    words = ["firstlight", "train", source]
    for settings in (train, reading):
        for item in fields(settings):
            value = getattr(settings, item.name)
            if value == item.default:
                continue
            name = "--" + item.name.replace("_", "-")
            if value is True:
                words.append(name)
                continue
            for one in value if isinstance(value, tuple) else (value,):
                words += [name, str(one)]
    return shlex.join(words)


def check_source(folder: RunFolder, model: str, known: dict[str, Any]) -> None:
    """Refuse to run a Python file for a run that was not trained with it on this machine.

    A run folder may come from a stranger: what lies in it, or has other content than the file
    that the run was trained with, is never run.
    """
    file = Path(model.rpartition(":")[0])
    if file.suffix != ".py":
        return
    inside = file.resolve().is_relative_to(folder.path.parent)
    if inside or source_digest(model) != known["source"]:
        raise RunError(
            f"{file} is not the file that run {folder.name} was trained with (it was changed or "
            "moved, or came with the run): bring it back, or train anew under another --name."
        )


def source_digest(model: str) -> str:
    """SHA-256 of the Python file that makes a model; "" for any other model or a missing file."""
    file = Path(model.rpartition(":")[0])
    if file.suffix != ".py" or not file.is_file():
        return ""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def other_versions(information: dict[str, Any]) -> list[str]:
    """A line for each package that has another version than when the run was started."""
    return [
        f"{name} was {before} when this run was started and is {_versions()[name]} now: the last "
        "digits may differ from those of a run that was never stopped"
        for name, before in information["versions"].items()
        if name in _versions() and before != _versions()[name]
    ]


def _versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}


def _absolute(model: str) -> str:
    """The model's name with a file in it as an absolute path, so that it is found again."""
    file, colon, function = model.partition(":")
    return str(Path(file).resolve()) + colon + function if Path(file).is_file() else model
