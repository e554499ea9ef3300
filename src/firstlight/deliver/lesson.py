"""What an ejected program has to say and do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firstlight.core.dataset import Task
from firstlight.core.settings import TrainSettings
from firstlight.deliver.training_code import targets_code
from firstlight.training.augmenting import Augmentation


@dataclass(frozen=True)
class Lesson:
    """What a program has to say and do.

    Attributes:
        run: the run's name.
        settings: how the network was trained, every field filled in.
        task, source, image_shape, classes, target_names: of the data set.
        side: names of the numbers beside an image.
        outputs: how many numbers the network answers with.
        network: the code that builds it.
        scores: of the run on its test images, by name.
        noise_unit: what the noise of the augmentation is a share of.
        data_file: where the images lie, beside the program.
        model_file: where the trained network goes.
        precision: the number format of the run's arithmetic.
        telescope: whether the images are seen through one.
    """

    run: str
    settings: TrainSettings
    task: Task
    source: str
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    target_names: tuple[str, ...]
    side: tuple[str, ...]
    outputs: int
    network: str
    scores: Mapping[str, float]
    noise_unit: float | list[float]
    data_file: str
    model_file: str
    precision: str = "float32"
    telescope: bool = False

    @property
    def classify(self) -> bool:
        """Whether it tells classes apart; else it measures."""
        return self.task == "classify"

    @property
    def what(self) -> str:
        """What the targets are called in the program."""
        return "labels" if self.classify else "values"

    @property
    def trained(self) -> str:
        """The variable that is trained: with changes to images before it where there are any."""
        return "trainer" if Augmentation.parse(self.settings.augment) else "network"

    @property
    def as_stored(self) -> bool:
        """Whether the loss takes the targets as they lie in the file."""
        return not targets_code(self.settings, self.outputs, self.classify)

    def inputs(self, part: str) -> str:
        """What the network is asked about, of one part."""
        return f"[{part}_images, {part}_side]" if self.side else f"{part}_images"

    def differences(self) -> list[str]:
        """What is not as in the run, a sentence each."""
        settings = self.settings
        notes = [
            "Weights begin at, and batches come in, other random numbers than in the run.",
        ]
        if settings.model.endswith(".keras"):
            notes.append(
                "The run went on from the weights of a .keras file; this program begins anew."
            )
        if self.precision != "float32":
            notes.append(f"All arithmetic is in float32; that of the run was in {self.precision}.")
        if settings.ensemble:
            notes.append(
                f"The run trained {settings.ensemble} networks from different seeds and answered "
                "with their mean; this program trains one."
            )
        if settings.average is not None:
            notes.append(
                "Keras's running average takes in the weights alone, not the statistics of "
                "BatchNormalization, and keeps the same share from the first step on."
            )
        if settings.folds or settings.leak_check:
            notes.append("Cross-validation and the check for leaks are left out.")
        if self.telescope:
            notes.append(
                "The images are maps as the telescope saw them once; the run drew new noise in "
                "every epoch."
            )
        if settings.metric in ("precision", "recall", "f1"):
            notes.append(
                f"Keras has no {settings.metric} over all classes; accuracy is shown instead."
            )
        notes.append(
            "firstlight also says how sure to be of each answer (calibrated probabilities, "
            "intervals) and how far the scores may be off."
        )
        return notes


def quiet(text: str) -> str:
    """A name from a file as part of a sentence: one line, nothing that a notebook would render."""
    return "".join(c if c.isalnum() or c in " -_.,:" else " " for c in text)[:80]
