"""The verb that looks for a learning rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from firstlight.api.information import command_line
from firstlight.api.options import Source, dataset_of, divided
from firstlight.api.ready import Ready, changes, make_ready, plan, plan_event
from firstlight.core.dataset import Dataset
from firstlight.core.errors import SettingError
from firstlight.core.events import Event
from firstlight.core.files import write_bytes
from firstlight.core.range_test import RangeTest


def lr(
    data: Source,
    *,
    save: str | Path | None = None,
    progress: Callable[[Event], None] | None = None,
    **settings: Any,
) -> RangeTest:
    """Look for a learning rate: train for a few hundred batches while it grows.

    The network is trained from its start, its weights are forgotten, and no run folder is
    written. Source: Smith 2017, arXiv:1506.01186.

    Args:
        data: as in `load`, or a data set that `load` returned.
        save: a PNG file for the figure, or None.
        progress: called with each event as a dictionary: `reading` (while images are brought to
            disk), `plan`, then `step`.
        **settings: as in `train` (`model`, `batch_size`, `optimizer`, ...) and `load`.

    Returns:
        The learning rates tried, the loss at each, and the suggestion with its rule.

    Raises:
        DataError: the data cannot be read.
        ModelError: the shape doctor found an error; the message says how to mend it.
        TrainingError: no learning rate made the loss fall.
        SettingError: a setting is unknown, or `save` is no PNG file.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> test = fl.lr(f"{place}/halves.npz", model="intermediate")
        >>> test.rates[0] < test.suggestion < test.rates[-1]
        True
    """
    from firstlight.training import range_test, training_step

    if save is not None and Path(save).suffix.lower() != ".png":
        raise SettingError(f"the figure is a PNG file, but {save} came: write for example lr.png.")
    asked, reading = divided(settings)
    dataset = dataset_of(data, reading, asked.seed, progress)
    ready = make_ready(dataset, asked)
    if progress is not None:
        progress(plan_event(dataset, ready, _plan(dataset, ready)))
    started = time.monotonic()

    def watch(number: int, of: int, rate: float, loss: float) -> None:
        if progress is not None:
            each = (time.monotonic() - started) / number
            progress(
                {
                    "kind": "step",
                    "step": number,
                    "steps_total": of,
                    "learning_rate": rate,
                    "loss": loss,
                    "images_per_second": int(ready.settings.batch_size or 1) / each,
                    "seconds_left": (of - number) * each,
                }
            )

    step = training_step(
        ready.network, dataset.train, ready.settings, ready.machine, dataset.settings.sky
    )
    test = range_test(step, watch)
    command = command_line(
        dataset.source, replace(asked, learning_rate=test.suggestion), dataset.settings
    )
    test = replace(test, command=command)
    if save is not None:
        from firstlight.draw import range_test_figure, to_png

        Path(save).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(Path(save), to_png(range_test_figure(test)))
    return test


def _plan(dataset: Dataset, ready: Ready) -> list[str]:
    """As before a training, but for the last line."""
    settings = ready.settings
    test = f"batches of {settings.batch_size}, {settings.optimizer}, {settings.loss}"
    return [*plan(dataset, ready)[:2], f"test    {test}{changes(settings)}"]
