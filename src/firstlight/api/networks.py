"""The trained networks of a run, and what they answer together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.options import divided
from firstlight.core.dataset import Images
from firstlight.core.errors import RunError
from firstlight.core.losses import WITH_SPREAD
from firstlight.core.reports import Predictions, Report
from firstlight.core.run_folder import RunFolder
from firstlight.core.scores import Score
from firstlight.core.stored import ImageArray
from firstlight.evaluation.confidence import Confidence

if TYPE_CHECKING:
    import keras

    from firstlight.training import KerasNetwork, Machine, Network


@dataclass(frozen=True)
class Networks:
    """Networks that answer together.

    Attributes:
        members: one network, or those of an ensemble.
        machine: what they run on.
        information: `run.json` of their run.
        confidence: how sure to be of their answers.
    """

    members: tuple[Network | KerasNetwork, ...]
    machine: Machine
    information: dict[str, Any]
    confidence: Confidence | None = None

    def ask(
        self, images: ImageArray, names: NDArray[np.str_], side: NDArray[np.float32] | None = None
    ) -> Predictions:
        """What they answer for images, `(N, H, W, C)`, called `names`, with numbers beside them."""
        answers = self._plainly(images, names, side)
        if self.confidence is None:
            return answers
        return self.confidence.applied(answers, self._features(images))

    def report(
        self,
        images: Images,
        title: str,
        train: Images | None = None,
        torn: Mapping[str, Score] | None = None,
        flags: bool = True,
    ) -> Report:
        """How good their answers are; the `loss` is the one that they were trained with.

        Args:
            images: with their targets, as the networks see them.
            title: what they are called.
            train: the training images, for simple baselines; None: without these.
            torn: scores of a split that tears groups apart, by name.
            flags: whether to look for images unlike those of the training.
        """
        from firstlight.evaluation import evaluate, with_trust

        plain = self._plainly(images.images, images.names, images.side)
        confidence = self.confidence or Confidence()
        answers = confidence.applied(plain, self._features(images.images) if flags else None)
        report = evaluate(answers, images.targets, title, images.groups, columns=images.columns)
        scores = {**report.scores, "loss": Score(self._loss(plain, images))}
        report = replace(report, scores=scores)
        return with_trust(report, images, confidence, train, torn)

    def _features(self, images: ImageArray) -> NDArray[np.float64]:
        """What images are held against those of the training by."""
        from firstlight.evaluation import simple_features

        height, width, _ = self.information["data"]["image_shape"]
        return simple_features(images, size=(height, width))

    def _plainly(
        self, images: ImageArray, names: NDArray[np.str_], side: NDArray[np.float32] | None
    ) -> Predictions:
        """What the networks themselves answer."""
        from firstlight.evaluation import combined
        from firstlight.training import predict

        answers = [predict(network, images, self.machine, side) for network in self.members]
        known = self.information["data"]
        return combined([as_predictions(values, names, known) for values in answers])

    def _loss(self, answers: Predictions, images: Images) -> float:
        from firstlight.training import Validator

        used = ("loss", "label_smoothing", "metric")
        settings, _ = divided({key: self.information["settings"].get(key) for key in used})
        values = answers.values
        if settings.loss == WITH_SPREAD and answers.spread is not None:
            values = np.concatenate([values, np.log(answers.spread)], axis=1)
        return Validator(images, settings)(lambda *_: values)["loss"]


def networks_of(
    folder: RunFolder,
    trust_code: str | Path | None = None,
    size: tuple[int, int] | None = None,
) -> Networks:
    """The networks of a finished run.

    Args:
        folder: the run.
        trust_code: a Python file whose layer classes the models may have; it is run.
        size: height and width of the images to ask about; None: those of the training.

    Raises:
        RunError: the run has no model yet.
        ModelError: a model has layers of somebody's own, and no file is trusted; or it does not
            take images of that size.
    """
    from firstlight.models import for_size
    from firstlight.training import choose_machine, network_of

    models = [trained_model(file, trust_code) for file in model_files(folder)]
    information = folder.information()
    settings, _ = divided({"precision": information["machine"]["precision"]})
    inputs = 2 if side_names(information) else 1
    members = tuple(
        network_of(model if size is None else for_size(model, *size), inputs) for model in models
    )
    confidence = Confidence.load(folder.path)
    return Networks(members, choose_machine(settings), information, confidence)


def trained_model(file: Path, trust_code: str | Path | None = None) -> keras.Model:
    """The Keras model in one of a run's `model_files`.

    Args:
        file: which.
        trust_code: as in `networks_of`.

    Raises:
        ModelError: as in `networks_of`.
    """
    from firstlight.models import classes_of_file, import_keras, load_model

    import_keras()
    return load_model(file, None if trust_code is None else classes_of_file(str(trust_code)))


def model_files(folder: RunFolder) -> list[Path]:
    """The trained model of a run, then those of the other networks of its ensemble.

    Raises:
        RunError: the run has no model yet.
    """
    files = [folder.model, *(member.model for member in folder.members())]
    if not all(file.exists() for file in files):
        raise RunError(
            f"run {folder.name} has no trained model yet: go on with --resume {folder.name}."
        )
    return files


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
