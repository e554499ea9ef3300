"""What the verbs share: a run's data read again, its network, the network's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.options import dataset_of, divided
from firstlight.core.dataset import Dataset, Images
from firstlight.core.errors import RunError
from firstlight.core.reports import Predictions, Report
from firstlight.core.run_folder import RunFolder
from firstlight.core.settings import DataSettings

if TYPE_CHECKING:
    from firstlight.training import Machine, Network


def own_dataset(folder: RunFolder) -> Dataset:
    """The data that a run was trained on, read again and checked to be the same.

    Raises:
        RunError: the data have changed since.
    """
    information = folder.information()
    known = information["data"]
    settings = DataSettings(**_tuples(information["data_settings"]))
    dataset = dataset_of(known["source"], settings, information["seed"])
    if dataset.fingerprint != known["fingerprint"]:
        raise RunError(
            f"the images in {known['source']} have changed since run {folder.name} was trained: "
            "bring the old ones back, or train anew under another --name."
        )
    return dataset


def trained_network(folder: RunFolder) -> tuple[Network, Machine]:
    """The network of a run's trained model, and what to run it on.

    Raises:
        RunError: the run has no model yet.
    """
    from firstlight.models import import_keras, load_model
    from firstlight.training import choose_machine, lower

    if not folder.model.exists():
        raise RunError(
            f"run {folder.name} has no trained model yet: go on with --resume {folder.name}."
        )
    import_keras()
    settings, _ = divided({"precision": folder.information()["machine"]["precision"]})
    model = load_model(folder.model, source=folder.information()["settings"]["model"])
    return lower(model), choose_machine(settings)


def answers_for(
    network: Network,
    machine: Machine,
    images: NDArray[Any],
    names: NDArray[np.str_],
    known: dict[str, Any],
) -> Predictions:
    """The network's answers; `known` is the `data` part of `run.json`."""
    from firstlight.training import predict as ask

    values = ask(network, images, machine)
    if known["task"] == "classify" and values.shape[1] == 1:
        # One sigmoid for two classes: the probability of the second.
        values = np.concatenate([1.0 - values, values], axis=1)
    return Predictions(
        names,
        values,
        known["task"],
        tuple(known["classes"]),
        tuple(known["target_names"]),
        tuple(known["target_units"]),
    )


def report_on(
    network: Network, machine: Machine, images: Images, known: dict[str, Any], title: str
) -> Report:
    """The report of a network on images with targets."""
    from firstlight.evaluation import evaluate as judge

    answers = answers_for(network, machine, images.images, images.names, known)
    return judge(answers, images.targets, title, images.groups)


def _tuples(settings: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples that settings are made of."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
