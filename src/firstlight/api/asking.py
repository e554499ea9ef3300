"""What the verbs share: a run's data read again, its network, the network's answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from firstlight.api.options import Listener, dataset_of, divided
from firstlight.core.dataset import PARTS, Dataset, Images, Part
from firstlight.core.errors import RunError
from firstlight.core.reports import Predictions, Report
from firstlight.core.run_folder import RunFolder
from firstlight.core.scores import Score
from firstlight.core.seeds import mixed_seed
from firstlight.core.settings import DataSettings

if TYPE_CHECKING:
    from firstlight.training import KerasNetwork, Machine, Network


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


def trained_network(
    folder: RunFolder, trust_code: str | Path | None = None
) -> tuple[Network | KerasNetwork, Machine]:
    """The network of a run's trained model, and what to run it on.

    Args:
        folder: the run.
        trust_code: a Python file whose layer classes the model may have; it is run.

    Raises:
        RunError: the run has no model yet.
        ModelError: the model has layers of somebody's own, and no file is trusted.
    """
    from firstlight.models import classes_of_file, import_keras, load_model
    from firstlight.training import choose_machine, network_of

    if not folder.model.exists():
        raise RunError(
            f"run {folder.name} has no trained model yet: go on with --resume {folder.name}."
        )
    import_keras()
    settings, _ = divided({"precision": folder.information()["machine"]["precision"]})
    own = None if trust_code is None else classes_of_file(str(trust_code))
    inputs = 2 if side_names(folder.information()) else 1
    return network_of(load_model(folder.model, own), inputs), choose_machine(settings)


def side_names(information: dict[str, Any]) -> tuple[str, ...]:
    """The numbers beside an image that a run's network takes."""
    return tuple(information["data_settings"].get("side", ()))


def as_predictions(
    values: NDArray[np.float32], names: NDArray[np.str_], known: dict[str, Any]
) -> Predictions:
    """A network's answers as a record; `known` is the `data` part of `run.json`."""
    if known["task"] == "classify" and values.shape[1] == 1:
        # One sigmoid for two classes: the probability of the second.
        values = np.concatenate([1.0 - values, values], axis=1)
    spread = None
    count = len(known["target_names"])
    if known["task"] == "measure" and values.shape[1] == 2 * count:
        values, spread = values[:, :count], np.exp(values[:, count:])
    return Predictions(
        names,
        values,
        known["task"],
        tuple(known["classes"]),
        tuple(known["target_names"]),
        tuple(known["target_units"]),
        spread=spread,
    )


def report_on(
    network: Network | KerasNetwork,
    machine: Machine,
    images: Images,
    information: dict[str, Any],
    title: str,
) -> Report:
    """The report of a network on images with targets; its `loss` is the one that was trained."""
    from firstlight.evaluation import evaluate as judge
    from firstlight.training import predict as ask
    from firstlight.training import validator

    known = information["data"]
    values = ask(network, images.images, machine, images.side)
    report = judge(
        as_predictions(values, images.names, known), images.targets, title, images.groups
    )
    used = ("loss", "label_smoothing", "metric")
    settings, _ = divided({key: information["settings"].get(key) for key in used})
    loss = validator(images, settings)(lambda *_: values)["loss"]
    return replace(report, scores={**report.scores, "loss": Score(loss)})


def _tuples(settings: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that settings are made of."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
