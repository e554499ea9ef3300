"""Verbs that look at data, networks and machines, and change nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from firstlight.api.asking import as_tested
from firstlight.api.options import Listener, Source, dataset_of, divided, reading_settings
from firstlight.api.ready import examined, resolved
from firstlight.core.dataset import Dataset
from firstlight.core.environment import Environment
from firstlight.core.exploration import Exploration
from firstlight.core.files import write_bytes, write_text
from firstlight.core.findings import Checkup

# The shape that `models` counts for where no data are given: MNIST's.
COUNTED_FOR = ((28, 28, 1), 10)


def load(
    data: Source, *, seed: int = 0, progress: Listener | None = None, **settings: Any
) -> Dataset:
    """Read images and targets, and split them into three parts.

    Args:
        data: `mnist`; a folder of class folders (also below train, validation and test); a CSV
            or Parquet table; an `.npz` file; a folder of IDX files.
        seed: seed of the split.
        progress: called with how far a long reading has come, as `{"kind": "reading", "what",
            "done", "total"}`.
        **settings: how to read, as in `DataSettings` (`target`, `size`, `group_column`, ...).

    Returns:
        The data set: `.train`, `.validation` and `.test`, each with `.images` `(N, H, W, C)` as
        stored and `.targets` (class numbers, or values).

    Raises:
        DataError: nothing can be read, or it does not fit together.
        SettingError: a setting is unknown or has a value that it cannot have.

    Example:
        >>> import firstlight as fl
        >>> data = fl.load("mnist")
        >>> data.train.images.shape, data.test.targets[:3]
        ((55000, 28, 28, 1), array([7, 2, 1]))
    """
    reading = reading_settings(settings)
    return dataset_of(data, reading, divided({"seed": seed})[0].seed, progress)


def explore(
    data: Source, *, seed: int = 0, save: str | Path | None = None, **settings: Any
) -> Exploration:
    """A first look at data: shapes, values, labels, balance, duplicates, refused files.

    Args:
        data: as in `load`.
        seed: as in `load`.
        **settings: as in `load`.
        save: a folder for the figures (PNG) and a page (`index.html`), or None.

    Returns:
        The numbers, in units of the stored pixels.

    Raises:
        DataError: nothing can be read.

    Example:
        >>> import firstlight as fl
        >>> look = fl.explore("mnist")
        >>> look.parts[0].minimum, look.parts[0].maximum
        (0.0, 255.0)
    """
    from firstlight.data import explore_dataset

    dataset = load(data, seed=seed, **settings)
    if dataset.settings.sky is not None:
        dataset = replace(
            dataset,
            train=as_tested(dataset, "train"),
            validation=as_tested(dataset, "validation"),
            test=as_tested(dataset, "test"),
        )
    exploration = explore_dataset(dataset)
    if save is not None:
        from firstlight.draw import exploration_figures, exploration_page, to_pngs

        folder = Path(save)
        folder.mkdir(parents=True, exist_ok=True)
        figures = to_pngs(exploration_figures(exploration, dataset))
        for name, png in figures.items():
            write_bytes(folder / f"{name}.png", png)
        write_text(folder / "index.html", exploration_page(exploration, figures))
    return exploration


def check(data: Source, *, fix: str | Path | None = None, **settings: Any) -> Checkup:
    """Ask the shape doctor about a network on these data, before anything trains.

    Args:
        data: as in `load`.
        fix: where to write the mended network as a YAML list of layers, or None.
        **settings: as in `train` (`model`, `loss`, ...) and `load`.

    Returns:
        The walk through the layers, and the findings with their fixes.

    Raises:
        DataError: nothing can be read.
        ModelError: there is no such model.

    Example:
        >>> import firstlight as fl
        >>> fl.check("mnist", model="compact").errors
        ()
    """
    from firstlight.models import write_layers

    asked, reading = divided(settings)
    dataset = dataset_of(data, reading, asked.seed)
    checkup = examined(dataset, asked, resolved(asked, dataset))
    if fix is not None and checkup.mended is not None:
        write_layers(checkup.mended, Path(fix))
    return checkup


def list_models(data: Source | None = None, **settings: Any) -> list[dict[str, Any]]:
    """The networks that firstlight brings along, and what each costs.

    Args:
        data: count for these images; None: for 28 x 28 grey images of ten classes.
        **settings: as in `load`.

    Returns:
        A dictionary each: `name`, `summary`, `parameters`, `flops` (for one image).

    Example:
        >>> import firstlight as fl
        >>> [row["parameters"] for row in fl.list_models() if row["name"] == "simple"]
        [15586]
    """
    from firstlight.models import describe_models

    if data is None:
        return describe_models(*COUNTED_FOR)
    dataset = load(data, **settings)
    return describe_models(dataset.image_shape, dataset.outputs, dataset.task)


def doctor() -> Environment:
    """What firstlight runs on here: versions, devices, threads, number formats, backends.

    Example:
        >>> import firstlight as fl
        >>> fl.doctor().devices[0].kind
        'cpu'
    """
    from firstlight.training.environment import inspect_environment

    return inspect_environment()
