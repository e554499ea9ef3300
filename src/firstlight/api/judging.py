"""Verbs that ask a trained network and judge its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.asking import found_run, own_dataset
from firstlight.api.incoming import incoming_images
from firstlight.api.networks import Networks, networks_of
from firstlight.api.options import reading_settings, refuse_reading
from firstlight.api.reporting import report_on_test
from firstlight.api.run import Run
from firstlight.core.comparison import Comparison
from firstlight.core.dataset import Collection, Dataset, Images
from firstlight.core.errors import DataError, RunError
from firstlight.core.files import write_bytes, write_text
from firstlight.core.reports import Predictions, Report
from firstlight.core.run_folder import RunFolder
from firstlight.core.stored import ImageArray, StoredImages

if TYPE_CHECKING:
    from firstlight.data.incoming import Incoming

RUNS = Path("runs")


def evaluate(
    run: str | Path | Run,
    data: str | Path | Dataset | None = None,
    *,
    runs: str | Path = RUNS,
    trust_code: str | Path | None = None,
    **settings: Any,
) -> Report:
    """Test a trained network, on the run's own test images or on others.

    Args:
        run: a run's name, its folder, or what `train` returned.
        data: other images as in `load`: their test part where they have one, else all of them;
            or a data set that `load` returned. None: the run's own test images.
        runs: the folder of runs.
        trust_code: a Python file whose layer classes the model may have; it is run. Without it,
            evaluating runs no code from the run.
        **settings: how to read `data`, as in `load`. Images of another size are brought to that of
            the training, as there; with `resize="none"` they keep theirs, which takes a network
            that ends in a mean over the image.

    Returns:
        The report, with 95 % intervals; its `notes` say what was done to the images, and where
        they were trained on.

    Raises:
        RunError: there is no such run, it has no model yet, or its data have changed.
        DataError: the other images do not fit the network.
        ModelError: the network does not take images of their size, which they are to keep.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> fl.evaluate("first", runs=place).scores == run.report.scores
        True
    """
    folder, trust_code = found_run(run, runs, trust_code)
    information = folder.information()
    if data is None:
        if settings:
            raise RunError(
                f"settings for reading ({', '.join(settings)}) need DATA to read: give it, or "
                "leave them out."
            )
        dataset = own_dataset(folder)
        return report_on_test(networks_of(folder, trust_code), folder, dataset)
    images, title, notes = _other_images(folder, data, settings)
    size = images.images.shape[1:3]
    report = networks_of(folder, trust_code, size).report(images, title)
    return replace(report, notes=(*report.notes, *notes, *_other_size(information, size)))


def predict(
    run: str | Path | Run,
    files: str | Path | Sequence[str | Path],
    *,
    side: Mapping[str, float] | None = None,
    resize: str | None = None,
    runs: str | Path = RUNS,
    trust_code: str | Path | None = None,
) -> Predictions:
    """Ask a trained network about images.

    Args:
        run: a run's name, its folder, or what `train` returned.
        files: image files, folders of them, or files of many images (`.npy`, `.npz`, FITS, HDF5,
            TIFF). They are read as the training images were, and brought to their size.
        side: the numbers beside the images, by name, for a network that takes them, the same for
            all images. What is not named comes from array files that hold such a column.
        resize: how images of another size are fitted; None: as in training. `none`: they keep
            theirs, as maps whose pixels have a length should; it takes a network that ends in a
            mean over the image.
        runs: the folder of runs.
        trust_code: as in `evaluate`.

    Returns:
        Probabilities of each class, or values, for each image; files that could not be read
        are in `.refused`, and what was done to the others in `.notes`.

    Raises:
        RunError: there is no such run, or it has no model yet.
        DataError: no image could be read.
        ModelError: the network does not take images of their size, which they are to keep.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> fl.predict("first", f"{place}/halves.npz", runs=place).values.shape
        (60, 2)
    """
    folder, trust_code = found_run(run, runs, trust_code)
    sources = [files] if isinstance(files, str | Path) else list(files)
    information = folder.information()
    came, beside = incoming_images(information, sources, side or {}, resize)
    return answers_to(networks_of(folder, trust_code, came.images.shape[1:3]), came, beside)


def answers_to(
    networks: Networks, came: Incoming, beside: NDArray[np.float32] | None
) -> Predictions:
    """What networks say of images from files, with what was left out and what to know.

    Args:
        networks: for images of that size.
        came: as `incoming_images` returns them.
        beside: the numbers beside each, or None.
    """
    answers = networks.ask(came.images, came.names, beside)
    notes = (*came.notes, *_other_size(networks.information, came.images.shape[1:3]))
    return replace(answers, refused=came.refused, notes=notes)


def compare(
    runs_list: Sequence[str | Path | Run],
    *,
    runs: str | Path = RUNS,
    save: str | Path | None = None,
) -> Comparison:
    """Hold runs against the first of them, on the same test images.

    Args:
        runs_list: two or more runs' names or folders, or what `train` returned.
        runs: the folder of runs.
        save: a folder for the curves (`curves.png`) and a page (`index.html`), or None.

    Returns:
        Which settings differ, and for each run whether its difference from the first is more
        than chance.

    Raises:
        RunError: fewer than two runs, one is not finished, or they were tested on different
            images.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> other = fl.train(f"{place}/halves.npz", runs=place, name="other", epochs=1)
        >>> fl.compare(["first", "other"], runs=place).settings
        {'epochs': {'first': 2, 'other': 1}}
    """
    from firstlight.evaluation import compare as compare_reports
    from firstlight.evaluation import load_report

    if isinstance(runs_list, str | Path) or len(runs_list) < 2:
        raise RunError("one run alone cannot be compared: name two or more, in a list.")
    folders = [found_run(run, runs, None)[0] for run in runs_list]
    comparison = compare_reports({folder.name: load_report(folder.path) for folder in folders})
    information = {folder.name: folder.information() for folder in folders}
    comparison = replace(comparison, settings=_differing(information))
    if save is not None:
        from firstlight.draw import comparison_figure, comparison_page, to_png

        place = Path(save)
        place.mkdir(parents=True, exist_ok=True)
        epochs = {folder.name: folder.epochs() for folder in folders}
        write_bytes(place / "curves.png", to_png(comparison_figure(epochs)))
        write_text(place / "index.html", comparison_page(comparison, epochs))
    return comparison


def _seen_before(folder: RunFolder, images: Images) -> tuple[str, ...]:
    """A warning where a run was trained or validated on some of these very images."""
    from firstlight.data import image_digests

    with np.load(folder.split, allow_pickle=False) as stored:
        seen = int(np.isin(image_digests(images.images), stored["seen"]).sum())
    if not seen:
        return ()
    return (
        f"{seen:,} of these {len(images):,} images were used to train or validate this network: "
        "the scores say little about images that it has never seen.",
    )


def _other_size(information: dict[str, Any], size: tuple[int, int]) -> tuple[str, ...]:
    """What to know where images keep a size that the network was not trained on."""
    height, width, _ = information["data"]["image_shape"]
    if size == (height, width):
        return ()
    return (
        f"The images have {size[0]} x {size[1]} pixels, and the network was trained on {height} x "
        f"{width}: how far off it may be was learnt there. Whether that holds at this size, only "
        "known images show (firstlight evaluate RUN DATA --resize none).",
    )


def _other_images(
    folder: RunFolder, data: str | Path | Dataset, given: dict[str, Any]
) -> tuple[Images, str, tuple[str, ...]]:
    """Images from elsewhere as a run's networks see them, what they are called, and notes on them.

    They have the shape and the class numbers of the run.
    """
    from firstlight.data import FILLED, found, read_collection, refuse_report_by
    from firstlight.training import as_seen

    information = folder.information()
    known, as_there = information["data"], information["data_settings"]["resize"]
    if isinstance(data, Dataset):
        refuse_reading(given)
        collection: Collection | Dataset = data
        settings = data.settings
        images, part, data = data.test, "test", data.name
        resize = "none" if settings.resize == "none" else as_there
    else:
        resize = given.get("resize") or as_there
        asked = reading_settings(given | {"resize": resize})
        data, settings = found(data, asked)
        if known["task"] == "measure":
            # The columns of the run, where the user names none.
            trained = information["data_settings"]
            target = settings.target or tuple(trained["target"])
            side = settings.side or tuple(trained.get("side", ()))
            settings = replace(settings, target=target, side=side)
        collection = read_collection(data, settings)
        refuse_report_by(asked, collection)
        tested = collection.parts == "test"
        part = "test" if tested.any() else "all images"
        images = collection.everything.select(tested) if tested.any() else collection.everything
    stored = images.images.dtype.name
    if stored != known["dtype"]:
        raise DataError(
            f"the network was trained on {known['dtype']} images, but those in {data} are "
            f"{stored}: convert them to the same type."
        )
    fitted, notes = _fitted(images.images, tuple(known["image_shape"]), resize, str(data))
    targets = _matched_targets(collection, images, known, str(data))
    images = replace(images, images=fitted, targets=targets)
    filled = [note for note in collection.notes if FILLED in note]
    notes = (*_seen_before(folder, images), *filled, *notes)
    images = as_seen(images, settings.sky, known["split_seed"])
    return images, f"{collection.name}, {part}", notes


def _fitted(
    images: ImageArray, shape: tuple[int, int, int], resize: str, data: str
) -> tuple[ImageArray, tuple[str, ...]]:
    """Images as large as those of the training, or as large as they are, and a note on that."""
    from firstlight.data import AS_IN_TRAINING, fit_all, size_note

    came = images.shape[1:3]
    if resize == "none":
        shape = (*came, shape[2])
    if isinstance(images, StoredImages):
        if images.image_shape != shape:
            raise DataError(
                f"images of {' x '.join(map(str, shape))} were expected, but those in {data} are "
                f"{' x '.join(map(str, images.image_shape))}, and images on disk are not brought "
                "to another size: leave --memory out, or give them the right --size."
            )
        return images, ()
    size = shape[:2]
    notes = () if came == size else (size_note([came], size, AS_IN_TRAINING, resize),)
    return fit_all(images, shape, resize), notes


def _matched_targets(
    collection: Collection | Dataset, images: Images, known: dict[str, Any], data: str
) -> NDArray[Any]:
    """Targets as the run counts them: classes by name, values by column."""
    if collection.task != known["task"]:
        raise DataError(
            f"the network learned to {known['task']}, but {data} is for a network that learns to "
            f"{collection.task}: give data with the same kind of targets."
        )
    ours = known["classes"] if collection.task == "classify" else known["target_names"]
    theirs = collection.classes if collection.task == "classify" else collection.target_names
    unknown = sorted(set(theirs) - set(ours))
    if unknown or (collection.task == "measure" and set(theirs) != set(ours)):
        raise DataError(
            f"{data} has {', '.join(theirs)}, but the network knows {', '.join(ours)}: rename "
            "them, or leave out the others."
        )
    if collection.task == "measure":
        return images.targets[:, [theirs.index(name) for name in ours]]
    places = np.array([ours.index(name) for name in theirs], dtype=np.int64)
    return places[images.targets]


def _differing(information: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings that are not the same in all runs: by setting, then by run."""
    every = {name: one["settings"] | one["data_settings"] for name, one in information.items()}
    keys = dict.fromkeys(key for settings in every.values() for key in settings)
    rows = {key: {name: settings.get(key) for name, settings in every.items()} for key in keys}
    return {
        key: row
        for key, row in rows.items()
        if key != "name" and any(value != next(iter(row.values())) for value in row.values())
    }
