"""What the user left open in the settings, filled in from preset, recipe, task and data."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

from firstlight.core.dataset import Task
from firstlight.core.settings import AUTO, TrainSettings
from firstlight.models.presets import PRESETS
from firstlight.models.recipes import RECIPES

# For networks of the user's own, and whatever a recipe does not say.
DEFAULTS: dict[str, Any] = {
    "epochs": 5,
    "batch_size": 128,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "schedule": "constant",
    "augment": "none",
}
TASKS: dict[Task, dict[str, Any]] = {
    "classify": {"loss": "categorical_crossentropy", "metric": "accuracy"},
    "measure": {"loss": "mean_squared_error", "metric": "rmse"},
}

# What a small data set gets beyond its recipe: at least so many batches in an epoch, at least so
# many steps in all, but never more than so many epochs for their sake.
LEAST_BATCHES, LEAST_STEPS, MOST_EPOCHS = 8, 400, 40
SMALLEST_BATCH = 8


def resolve_settings(
    settings: TrainSettings, task: Task, images: int | None = None, *, sky: bool = False
) -> TrainSettings:
    """The settings with each None filled in: from the preset, else from the model's recipe.

    What no recipe has an opinion on stays None (`name`, `patience`, ...), and so do `prepare` and
    `threads`: what they become depends on the images and the machine. Recipes are made for
    thousands of images: for fewer, batches become smaller and epochs more.

    Args:
        settings: what the user said.
        task: what the data set asks for.
        images: how many training images there are, or None: many.
        sky: whether the images are maps that are seen through a telescope.

    Example:
        >>> resolve_settings(TrainSettings(model="vgg"), "measure").learning_rate
        0.01
        >>> small = resolve_settings(TrainSettings(model="simple"), "classify", images=500)
        >>> small.batch_size, small.epochs
        (32, 25)
        >>> resolve_settings(TrainSettings(preset="good"), "classify").augment
        'shift:1'
        >>> resolve_settings(TrainSettings(), "measure", sky=True).model
        'maps'
    """
    if settings.model == AUTO:
        settings = replace(settings, model="maps" if sky else "compact")
    preset = PRESETS[settings.preset].settings(task) if settings.preset is not None else {}
    recipe = RECIPES[settings.model].settings(task) if settings.model in RECIPES else {}
    known: dict[str, Any] = DEFAULTS | TASKS[task] | recipe | preset
    unsaid = {item.name for item in fields(settings) if getattr(settings, item.name) is None}
    if images is not None and "batch_size" in unsaid:
        while known["batch_size"] > SMALLEST_BATCH and images < LEAST_BATCHES * known["batch_size"]:
            known["batch_size"] //= 2
    if images is not None and "epochs" in unsaid:
        batches = math.ceil(images / (settings.batch_size or known["batch_size"]))
        wanted = math.ceil(LEAST_STEPS / max(1, batches))
        known["epochs"] = max(known["epochs"], min(MOST_EPOCHS, wanted))
    filled: dict[str, Any] = {name: known[name] for name in known if name in unsaid}
    return replace(settings, **filled)
