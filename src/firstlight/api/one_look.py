"""What a look inside a network is made of, once the network is open and the image is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.networks import as_predictions
from firstlight.core.dataset import Images
from firstlight.core.errors import DataError, SettingError
from firstlight.core.insight import Look, Saliency
from firstlight.core.opened_numbers import OpenedNumber
from firstlight.core.run_folder import RunFolder

if TYPE_CHECKING:
    from firstlight.data.incoming import Incoming
    from firstlight.explain import OpenModel


@dataclass(frozen=True)
class ChosenImage:
    """An image that is looked at.

    Attributes:
        pixels: `(H, W, C)` as it is stored.
        name: where it came from.
        side: `(S,)` the numbers beside it, or None.
        target: its class's number, or `(T,)` values; None where that is not known.
    """

    pixels: NDArray[Any]
    name: str
    side: NDArray[np.float32] | None = None
    target: Any = None


def chosen_image(test: Images, number: int) -> ChosenImage:
    """The test image of that number.

    Raises:
        DataError: there are not so many.
    """
    if not 0 <= number < len(test):
        raise DataError(
            f"the test images are 0 to {len(test) - 1}, but {number} came: choose one of them."
        )
    one = test.select(np.array([number]))
    own = None if one.side is None else one.side[0]
    return ChosenImage(one.images[:][0], str(one.names[0]), own, one.targets[0])


def brought_image(
    incoming: Incoming, beside: NDArray[np.float32] | None, place: int
) -> ChosenImage:
    """One of the images that came from files.

    Args:
        incoming: images from files.
        beside: `(N, S)` the numbers beside them, or None.
        place: which of them.

    Raises:
        DataError: there are not so many.
    """
    if not 0 <= place < len(incoming.images):
        raise DataError(
            f"the images that were read are 0 to {len(incoming.images) - 1}, but {place} came: "
            "choose one of them."
        )
    own = None if beside is None else beside[place]
    return ChosenImage(incoming.images[place], str(incoming.names[place]), own)


def look_at(folder: RunFolder, opened: OpenModel, chosen: ChosenImage, of: str | None) -> Look:
    """What a network says of an image, what its layers answer, its filters and its numbers.

    What takes longer, or is asked for by its place, is left out: the kernel at work, saliency and
    evolution.

    Args:
        folder: of the run.
        opened: its network, as it is or as it was after some epoch.
        chosen: the image.
        of: as in `firstlight.look`.

    Raises:
        ModelError: the image does not fit the network.
        SettingError: there is no such class or number.
    """
    from firstlight.explain import filters_of, layer_answers, open_parameters, open_softmax

    information = folder.information()
    known = information["data"]
    pixels, beside = chosen.pixels, chosen.side
    answers = _answers(opened.answers(pixels, beside), known)
    is_softmax = opened.task == "classify" and opened.network.head == "softmax"
    return Look(
        run=folder.name,
        image=pixels,
        image_name=chosen.name,
        true=_true(chosen, known),
        answers=answers,
        units=dict(zip(answers, known["target_units"], strict=False)),
        of=list(answers)[_output(of, answers, known)],
        layers=layer_answers(opened, pixels, beside),
        filters=filters_of(opened),
        kernel=None,
        saliency=(),
        softmax=open_softmax(opened.scores(pixels, beside)) if is_softmax else None,
        numbers=_numbers(folder, information, opened, chosen),
        parameters=open_parameters(opened),
        notes=_notes(folder),
    )


def saliency_of(opened: OpenModel, chosen: ChosenImage, output: int) -> tuple[Saliency, ...]:
    """Both saliency maps with their checks; Grad-CAM where there are feature maps.

    Args:
        opened: the network.
        chosen: the image.
        output: the number of the class, or of the measured number.

    Raises:
        ModelError: there is no such output.
    """
    from firstlight.explain import checked, grad_cam, integrated_gradients, layer_answers

    pixels, beside, signed = chosen.pixels, chosen.side, opened.task == "measure"
    maps = [checked(opened, lambda: integrated_gradients(opened, pixels, output, side=beside))]
    if any(one.has_places for one in layer_answers(opened, pixels, beside)):
        cam = checked(opened, lambda: grad_cam(opened, pixels, output, None, beside, signed))
        maps.insert(0, cam)
    return tuple(maps)


def _answers(values: NDArray[np.float32], known: dict[str, Any]) -> dict[str, float]:
    """The network's own answer by class or by target."""
    predictions = as_predictions(values[None], np.array(["image"]), known)
    names = predictions.classes or predictions.target_names
    return dict(zip(names, predictions.values[0].tolist(), strict=True))


def _output(of: str | None, answers: dict[str, float], known: dict[str, Any]) -> int:
    """The number of the class or target that is asked about."""
    names = list(answers)
    if of is not None and of not in names:
        raise SettingError(f"--of takes one of {', '.join(names)}, but {of} came: choose one.")
    if of is not None:
        return names.index(of)
    return int(np.argmax(list(answers.values()))) if known["task"] == "classify" else 0


def _true(chosen: ChosenImage, known: dict[str, Any]) -> str | dict[str, float] | None:
    if chosen.target is None:
        return None
    if known["task"] == "classify":
        return str(known["classes"][int(chosen.target)])
    return dict(zip(known["target_names"], chosen.target.tolist(), strict=True))


def _numbers(
    folder: RunFolder,
    information: dict[str, Any],
    opened: OpenModel,
    chosen: ChosenImage,
) -> tuple[OpenedNumber, ...]:
    """The image's loss where its target is known, and the run's score."""
    from firstlight.evaluation import load_report
    from firstlight.explain import open_loss, open_score, opens_loss

    settings = information["settings"]
    numbers = []
    if chosen.target is not None and opens_loss(settings["loss"], opened.task, opened.network.head):
        smoothing = settings.get("label_smoothing") or 0.0
        scores = opened.scores(chosen.pixels, chosen.side)
        numbers.append(open_loss(settings["loss"], scores, chosen.target, smoothing))
    if folder.report.exists():
        numbers.append(open_score(load_report(folder.path)))
    return tuple(numbers)


def _notes(folder: RunFolder) -> tuple[str, ...]:
    """What sets this network's answer apart from that of `predict`."""
    from firstlight.evaluation import Confidence

    notes = []
    count = 1 + len(folder.members())
    if count > 1:
        notes.append(
            f"The run has {count} networks that answer together; this is the first of them."
        )
    temperature = Confidence.load(folder.path).temperature
    if temperature != 1:
        notes.append(
            f"Before the softmax, predict and the report divide the logits by "
            f"{temperature:.3f}, which was learned on the validation images so that "
            "probabilities come true as often as they say; here they are the network's own."
        )
    return tuple(notes)
