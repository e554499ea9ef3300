"""Keyword arguments of the verbs, sorted into the two records of settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from firstlight.core.dataset import Dataset
from firstlight.core.errors import SettingError
from firstlight.core.events import Event
from firstlight.core.settings import DataSettings, TrainSettings

DATA_FIELDS = {item.name for item in fields(DataSettings)}
TRAIN_FIELDS = {item.name for item in fields(TrainSettings)}
Source = str | Path | Dataset
Listener = Callable[[Event], None]


def divided(settings: dict[str, Any]) -> tuple[TrainSettings, DataSettings]:
    """The settings of training and of reading data that the keyword arguments say.

    Raises:
        SettingError: an argument is neither, or has a value that it cannot have.
    """
    known = DATA_FIELDS | TRAIN_FIELDS
    for name in settings:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}."
            raise SettingError(f"there is no setting called {name}: {hint}")
    if isinstance(settings.get("target"), str):
        settings = settings | {"target": (settings["target"],)}
    return (
        TrainSettings(**{key: value for key, value in settings.items() if key in TRAIN_FIELDS}),
        DataSettings(**{key: value for key, value in settings.items() if key in DATA_FIELDS}),
    )


def reading_settings(settings: dict[str, Any]) -> DataSettings:
    """The settings of reading data that the keyword arguments say.

    Raises:
        SettingError: an argument is none, or has a value that it cannot have.
    """
    for name in settings:
        if name in TRAIN_FIELDS:
            raise SettingError(f"{name} is for training, and nothing is trained: leave it out.")
    return divided(settings)[1]


def refuse_reading(settings: dict[str, Any] | DataSettings) -> None:
    """Refuse settings for reading where there is nothing left to read.

    Raises:
        SettingError: there are any.
    """
    if settings not in ({}, DataSettings()):
        raise SettingError(
            "this data set is already loaded: give settings for reading it to load() instead."
        )


def dataset_of(
    data: Source, settings: DataSettings, seed: int, progress: Listener | None = None
) -> Dataset:
    """The data set itself, or the one that is read from where `data` says.

    `progress` is told how far images have come that are brought to disk.

    Raises:
        SettingError: a loaded data set comes with settings for reading it.
    """
    if isinstance(data, Dataset):
        refuse_reading(settings)
        return data
    from firstlight.data import load_dataset

    return load_dataset(data, settings, seed, progress)
