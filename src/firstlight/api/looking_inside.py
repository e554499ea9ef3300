"""The verbs that look inside a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.asking import as_tested, found_run, own_dataset
from firstlight.api.incoming import incoming_images
from firstlight.api.networks import as_predictions, model_files, trained_model
from firstlight.api.run import Run
from firstlight.core.errors import DataError, RunError, SettingError
from firstlight.core.files import write_bytes, write_text
from firstlight.core.insight import Filters, Look, Saliency
from firstlight.core.opened_numbers import OpenedNumber
from firstlight.core.run_folder import RunFolder

if TYPE_CHECKING:
    from firstlight.explain import OpenModel

RUNS = Path("runs")


def inside(
    run: str | Path | Run,
    *,
    epoch: int | None = None,
    runs: str | Path = RUNS,
    trust_code: str | Path | None = None,
) -> OpenModel:
    """A run's trained network, open to be looked into with the functions of `firstlight.explain`.

    Args:
        run: a run's name, its folder, or what `train` returned. Of an ensemble, its first network.
        epoch: as it was after so many epochs (0: before training); None: when it was finished.
        runs: the folder of runs.
        trust_code: as in `evaluate`.

    Raises:
        RunError: there is no such run, it has no model yet, or nothing is kept of that epoch.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> from firstlight.explain import layer_answers
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8, 1), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> before = fl.inside("first", runs=place, epoch=0)
        >>> layer_answers(before, images[0])[-1].shape
        (2,)
    """
    from firstlight.explain import open_model
    from firstlight.models import find_snapshots, put_snapshot

    folder, trust_code = found_run(run, runs, trust_code)
    model = trained_model(model_files(folder)[0], trust_code)
    if epoch is not None:
        kept = find_snapshots(folder.snapshots)
        if epoch not in kept:
            there = f"of {', '.join(map(str, kept))}" if kept else "of none"
            raise RunError(
                f"run {folder.name} keeps the weights {there}, but epoch {epoch} came: choose one "
                "of these, or leave it out for the finished network."
            )
        put_snapshot(model, kept[epoch])
    return open_model(model, folder.information()["data"]["task"])


def look(
    run: str | Path | Run,
    image: int | str | Path = 0,
    *,
    of: str | None = None,
    layer: str | None = None,
    filter: int | None = None,
    position: tuple[int, int] | None = None,
    side: Mapping[str, float] | None = None,
    save: str | Path | None = None,
    runs: str | Path = RUNS,
    trust_code: str | Path | None = None,
) -> Look:
    """Look inside a trained network while it answers for one image.

    Args:
        run: a run's name, its folder, or what `train` returned. Of an ensemble, its first network.
        image: the number of one of the run's own test images, or a file.
        of: the class or the measured number whose saliency is shown; None: what the network
            answers, or the first of the numbers.
        layer: the convolution whose kernel is shown at work; None: the first.
        filter: which of its filters; None: the one with the largest answer.
        position: (row, column) in the filter's answer; None: where that is largest.
        side: the numbers beside an image from a file, by name.
        save: a folder for the figures (PNG) and a page (`index.html`), or None.
        runs: the folder of runs.
        trust_code: as in `evaluate`.

    Returns:
        What each layer answers, the filters, a kernel at work, saliency with its sanity check, and
        loss, score and parameters step by step.

    Raises:
        RunError: there is no such run, or it has no model yet.
        DataError: the image cannot be read, or there are not so many.
        ModelError: there is no such layer.
        SettingError: there is no such class, filter or position.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> look = fl.look("first", runs=place)
        >>> look.layers[0].shape, [number.name for number in look.numbers]
        ((8, 8, 1), ['loss', 'accuracy'])
    """
    from firstlight.explain import (
        filters_of,
        kernel_at_work,
        layer_answers,
        open_parameters,
        open_softmax,
    )

    folder, trust_code = found_run(run, runs, trust_code)
    information = folder.information()
    opened = inside(folder.path, trust_code=trust_code)
    chosen = _chosen(folder, information, image, side or {})
    pixels, beside = chosen.pixels, chosen.side
    answers = _answers(opened.answers(pixels, beside), information["data"])
    layers = layer_answers(opened, pixels, beside)
    output = _output(of, answers, information["data"])
    filters = filters_of(opened)
    kernel = None
    if filters or layer is not None:
        kernel = kernel_at_work(opened, pixels, layer, filter, position, beside)
    is_softmax = opened.task == "classify" and opened.network.head == "softmax"
    units = information["data"]["target_units"]
    found = Look(
        run=folder.name,
        image=pixels,
        image_name=chosen.name,
        true=_true(chosen, information["data"]),
        answers=answers,
        units=dict(zip(answers, units, strict=False)),
        of=list(answers)[output],
        layers=layers,
        filters=filters,
        kernel=kernel,
        saliency=_saliency(opened, chosen, output, any(one.has_places for one in layers)),
        softmax=open_softmax(opened.scores(pixels, beside)) if is_softmax else None,
        numbers=_numbers(folder, information, opened, chosen),
        parameters=open_parameters(opened),
        evolution=_evolution(folder, trust_code) if filters else (),
        notes=_notes(folder),
    )
    if save is not None:
        from firstlight.draw import look_figures, look_page, to_pngs

        place = Path(save)
        place.mkdir(parents=True, exist_ok=True)
        figures = to_pngs(look_figures(found))
        for name, png in figures.items():
            write_bytes(place / f"{name}.png", png)
        write_text(place / "index.html", look_page(found, figures))
    return found


@dataclass(frozen=True)
class _Chosen:
    """An image `(H, W, C)`, the numbers `(S,)` beside it, and its target where that is known."""

    pixels: NDArray[Any]
    name: str
    side: NDArray[np.float32] | None = None
    target: Any = None


def _chosen(
    folder: RunFolder,
    information: dict[str, Any],
    image: int | str | Path,
    side: Mapping[str, float],
) -> _Chosen:
    """The test image of that number, or the image in that file."""
    if not isinstance(image, int | np.integer):
        incoming, beside = incoming_images(information, [image], side)
        if incoming.refused:
            raise DataError(f"{incoming.refused[0].file} {incoming.refused[0].reason}")
        own = None if beside is None else beside[0]
        return _Chosen(incoming.images[0], str(incoming.names[0]), own)
    if side:
        raise RunError("the numbers beside a test image are known: leave --side out.")
    test = as_tested(own_dataset(folder), "test")
    if not 0 <= image < len(test):
        raise DataError(
            f"the test images are 0 to {len(test) - 1}, but {image} came: choose one of them."
        )
    one = test.select(np.array([image]))
    own = None if one.side is None else one.side[0]
    return _Chosen(one.images[:][0], str(one.names[0]), own, one.targets[0])


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


def _true(chosen: _Chosen, known: dict[str, Any]) -> str | dict[str, float] | None:
    if chosen.target is None:
        return None
    if known["task"] == "classify":
        return str(known["classes"][int(chosen.target)])
    return dict(zip(known["target_names"], chosen.target.tolist(), strict=True))


def _saliency(
    opened: OpenModel, chosen: _Chosen, output: int, has_maps: bool
) -> tuple[Saliency, ...]:
    """Both maps with their checks; Grad-CAM where there are feature maps."""
    from firstlight.explain import checked, grad_cam, integrated_gradients

    pixels, beside, signed = chosen.pixels, chosen.side, opened.task == "measure"
    maps = [checked(opened, lambda: integrated_gradients(opened, pixels, output, side=beside))]
    if has_maps:
        cam = checked(opened, lambda: grad_cam(opened, pixels, output, None, beside, signed))
        maps.insert(0, cam)
    return tuple(maps)


def _numbers(
    folder: RunFolder,
    information: dict[str, Any],
    opened: OpenModel,
    chosen: _Chosen,
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


def _evolution(folder: RunFolder, trust_code: str | Path | None) -> tuple[tuple[int, Filters], ...]:
    """The first convolution's filters after each epoch of which the weights are kept."""
    from firstlight.explain import filters_of, open_model
    from firstlight.models import find_snapshots, put_snapshot

    kept = find_snapshots(folder.snapshots)
    if not kept:
        return ()
    # Another model than the one that is looked into: its weights move.
    opened = open_model(trained_model(model_files(folder)[0], trust_code))
    rows = []
    for epoch, file in kept.items():
        put_snapshot(opened.model, file)
        rows.append((epoch, filters_of(opened)[0]))
    return tuple(rows)


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
