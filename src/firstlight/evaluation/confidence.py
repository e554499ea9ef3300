"""How sure to be of a network's answers: learnt once, from images that it was not trained on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError, RunError
from firstlight.core.files import write_arrays, write_json
from firstlight.core.reports import Predictions
from firstlight.evaluation.calibration import fit_temperature, tempered
from firstlight.evaluation.class_sets import SetCalibration, calibrate_sets
from firstlight.evaluation.conformal import Bounds, IntervalCalibration, calibrate_intervals
from firstlight.evaluation.likeness import Likeness, learn_likeness

LEAST_PROBABILITY = 1e-7  # as Keras clips them


@dataclass(frozen=True, eq=False)
class Confidence:
    """What the validation images taught about a network's answers.

    Attributes:
        intervals: makes intervals of measured values; None where there were too few images.
        temperature: what logarithms of probabilities are divided by.
        sets: makes sets of classes; None where there were too few images, or nothing to classify.
        likeness: flags images unlike those of the training; None where there were too few.
        bounds: the least and the greatest possible value of each target; () where there are none.
    """

    intervals: IntervalCalibration | None = None
    temperature: float = 1.0
    sets: SetCalibration | None = None
    likeness: Likeness | None = None
    bounds: tuple[Bounds, ...] = ()

    def applied(
        self, answers: Predictions, features: NDArray[np.floating] | None = None
    ) -> Predictions:
        """The answers with intervals or tempered probabilities, and a flag for each image.

        Args:
            answers: as the network gives them.
            features: `(N, F)` of the images, as `simple_features` gives them, or None: no flags.
        """
        if answers.task == "classify":
            values = tempered(_logarithms(answers.values), self.temperature)
            answers = replace(answers, values=values.astype(np.float32))
        if self.intervals is not None:
            ends = self.intervals.intervals(answers.values, answers.spread)
            answers = replace(answers, intervals=ends, levels=self.intervals.levels)
        if self.bounds:
            low, high = np.array(
                [
                    (-np.inf if low is None else low, np.inf if high is None else high)
                    for low, high in self.bounds
                ]
            ).T
            answers = replace(answers, values=np.clip(answers.values, low, high).astype(np.float32))
        if self.likeness is not None and features is not None:
            answers = replace(answers, unlike=self.likeness.unlike(features))
        return answers

    def save(self, folder: Path) -> None:
        """Write it into a run's folder; `confidence.json` comes last."""
        if self.likeness is not None:
            write_arrays(folder / "likeness.npz", **self.likeness.as_arrays())
        document = {
            "temperature": self.temperature,
            "intervals": None if self.intervals is None else self.intervals.as_dict(),
            "sets": None if self.sets is None else self.sets.as_dict(),
            "likeness": self.likeness is not None,
            "bounds": self.bounds,
        }
        write_json(folder / "confidence.json", document)

    @classmethod
    def load(cls, folder: Path) -> Confidence:
        """What `save` wrote; nothing is known of a run that has no such file.

        Raises:
            RunError: the file is damaged.
        """
        file = folder / "confidence.json"
        if not file.exists():
            return cls()
        try:
            document: dict[str, Any] = json.loads(file.read_text("utf-8"))
            likeness = None
            if document["likeness"]:
                with np.load(folder / "likeness.npz", allow_pickle=False) as arrays:
                    likeness = Likeness.from_arrays(dict(arrays))
            sets = document["sets"]
            intervals = None
            if document["intervals"] is not None:
                intervals = IntervalCalibration.from_dict(document["intervals"])
            # Runs of the first days hold bounds with their intervals alone.
            bounds = document.get("bounds", intervals.bounds if intervals is not None else ())
            return cls(
                intervals,
                float(document["temperature"]),
                None if sets is None else SetCalibration.from_dict(sets),
                likeness,
                tuple((low, high) for low, high in bounds),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"A calibration was expected in {file}, but it is damaged ({error!r}): train again."
            ) from error


def learn_confidence(
    answers: Predictions,
    targets: NDArray[Any],
    groups: NDArray[np.str_] | None,
    features: tuple[NDArray[np.floating], NDArray[np.floating]],
    feature_groups: NDArray[np.str_] | None = None,
    bounds: Sequence[Bounds] | None = None,
) -> tuple[Confidence, list[str]]:
    """Learn from the answers to images that the network was not trained on.

    Args:
        answers: to those images.
        targets: what is true of them.
        groups: `(N,)` group labels, or None.
        features: of some training images and of some of those images, as `simple_features` gives
            them.
        feature_groups: the group labels of the latter, or None.
        bounds: least and greatest possible value of each target, or None.

    Returns:
        What was learnt, and a sentence for each part that these images are too few for.

    Example:
        >>> random = np.random.default_rng(0)
        >>> truth = random.normal(size=(200, 1)).astype(np.float32)
        >>> answers = Predictions(np.array(["?"] * 200), truth + 0.5, "measure",
        ...     target_names=("mass",))
        >>> features = (random.normal(size=(200, 3)), random.normal(size=(200, 3)))
        >>> confidence, notes = learn_confidence(answers, truth, None, features)
        >>> confidence.applied(answers).intervals.shape, notes
        ((200, 1, 4, 2), [])
    """
    confidence, notes = Confidence(bounds=tuple(bounds or ())), []
    try:
        confidence = replace(confidence, likeness=learn_likeness(*features, feature_groups))
    except DataError as error:
        notes.append(f"Images unlike those of the training are not flagged: {error}")
    try:
        if answers.task == "measure":
            learnt = calibrate_intervals(
                targets, answers.values, answers.spread, groups, bounds=bounds
            )
            return replace(confidence, intervals=learnt), notes
        temperature = fit_temperature(_logarithms(answers.values), targets)
        confidence = replace(confidence, temperature=temperature)
        sets = calibrate_sets(confidence.applied(answers).values, targets, groups)
        return replace(confidence, sets=sets), notes
    except DataError as error:
        what = "There are no intervals" if answers.task == "measure" else "There are no sets"
        return confidence, [*notes, f"{what}: {error}"]


def _logarithms(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.log(np.maximum(probabilities, LEAST_PROBABILITY, dtype=np.float64))
