"""The verbs that look inside a trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.api.asking import as_tested, found_run, own_dataset
from firstlight.api.incoming import incoming_images
from firstlight.api.networks import model_files, trained_model
from firstlight.api.one_look import ChosenImage, brought_image, chosen_image, look_at, saliency_of
from firstlight.api.run import Run
from firstlight.core.errors import DataError, RunError
from firstlight.core.files import write_bytes, write_text
from firstlight.core.insight import Filters, Look
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
    from firstlight.explain import kernel_at_work

    folder, trust_code = found_run(run, runs, trust_code)
    information = folder.information()
    opened = inside(folder.path, trust_code=trust_code)
    chosen = _chosen(folder, information, image, side or {})
    found = look_at(folder, opened, chosen, of)
    kernel = None
    if found.filters or layer is not None:
        kernel = kernel_at_work(opened, chosen.pixels, layer, filter, position, chosen.side)
    found = replace(
        found,
        kernel=kernel,
        saliency=saliency_of(opened, chosen, list(found.answers).index(found.of)),
        evolution=_evolution(folder, trust_code) if found.filters else (),
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


def _chosen(
    folder: RunFolder,
    information: dict[str, Any],
    image: int | str | Path,
    side: Mapping[str, float],
) -> ChosenImage:
    """The test image of that number, or the image in that file."""
    if not isinstance(image, int | np.integer):
        incoming, beside = incoming_images(information, [image], side)
        if incoming.refused:
            raise DataError(f"{incoming.refused[0].file} {incoming.refused[0].reason}")
        return brought_image(incoming, beside, 0)
    if side:
        raise RunError("the numbers beside a test image are known: leave --side out.")
    return chosen_image(as_tested(own_dataset(folder), "test"), int(image))


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
