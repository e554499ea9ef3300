"""What the verbs share: a run's data read again, and as its network is tested on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from firstlight.api.options import Listener, dataset_of
from firstlight.api.run import Run
from firstlight.core.dataset import PARTS, Dataset, Images, Part
from firstlight.core.errors import RunError
from firstlight.core.run_folder import RunFolder, find_run
from firstlight.core.seeds import mixed_seed
from firstlight.core.settings import DataSettings


def found_run(
    run: str | Path | Run, runs: str | Path, trust_code: str | Path | None
) -> tuple[RunFolder, str | Path | None]:
    """The folder of a run; a run that was trained in this process trusts its own code."""
    if isinstance(run, Run):
        return run.files, trust_code or run.trust_code
    return find_run(run, Path(runs)), trust_code


def own_dataset(folder: RunFolder, progress: Listener | None = None) -> Dataset:
    """The data that a run was trained on, read again and checked to be the same.

    Raises:
        RunError: the data have changed since.
    """
    information = folder.information()
    known = information["data"]
    settings = DataSettings(**_tuples(information["data_settings"]))
    dataset = dataset_of(known["source"], settings, known["split_seed"], progress)
    if dataset.fingerprint != known["fingerprint"] or not _same_split(folder, dataset):
        raise RunError(
            f"the images in {known['source']} have changed since run {folder.name} was trained: "
            "bring the old ones back, or train anew under another --name."
        )
    return dataset


def as_tested(dataset: Dataset, part: Part) -> Images:
    """A part of the data as a network is tested on it: through the telescope, if there is one.

    The noise is fixed by the seed of the split, another for each part.
    """
    images: Images = getattr(dataset, part)
    if dataset.settings.sky is None:
        return images
    from firstlight.training import as_seen

    return as_seen(images, dataset.settings.sky, mixed_seed(dataset.split.seed, PARTS.index(part)))


def _same_split(folder: RunFolder, dataset: Dataset) -> bool:
    """Whether the parts are those that the run has stored (it stores them before it trains)."""
    if not folder.split.exists():
        return True
    try:
        with np.load(folder.split, allow_pickle=False) as stored:
            return all(
                np.array_equal(stored[part], getattr(dataset.split, part))
                for part, _ in dataset.parts()
            )
    except (BadZipFile, EOFError, KeyError, OSError, ValueError):
        # Damaged: the fingerprint covers the split too, and the file is written anew.
        return True


def _tuples(settings: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that settings are made of."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
