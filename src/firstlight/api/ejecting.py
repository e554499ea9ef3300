"""The verb that writes a run as a Keras program without firstlight in it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.asking import as_tested, found_run, own_dataset
from firstlight.api.delivering import new_file, require_equal, some_tested
from firstlight.api.networks import model_files, side_names, trained_model
from firstlight.api.run import Run
from firstlight.core.dataset import Dataset, Images
from firstlight.core.delivery import Delivery
from firstlight.core.errors import DataError
from firstlight.core.files import write_arrays, write_error, write_text
from firstlight.core.run_folder import RunFolder
from firstlight.core.settings import TrainSettings

if TYPE_CHECKING:
    import keras

    from firstlight.deliver import Lesson

RUNS = Path("runs")


def eject(
    run: str | Path | Run,
    to: str | Path,
    *,
    executed: bool = True,
    runs: str | Path = RUNS,
    trust_code: str | Path | None = None,
) -> Delivery:
    """Write a run as a plain Keras program: a script, or a notebook that has been run.

    It reads the run's images, divided as they were, from an `.npz` file that is written beside it;
    builds the network layer by layer, trains it in the same way, and tests it with the same
    scores. It needs Keras and NumPy, and no firstlight.

    The network that its code builds is given the run's weights and asked about 200 test images
    first: it has to answer as the run does. A notebook is then run from beginning to end, so it
    takes as long as Keras needs to train the network.

    Args:
        run: a run's name, its folder, or what `train` returned.
        to: a `.py` or `.ipynb` file; `NAME-data.npz` is written beside it, and by a program that
            runs, `NAME.keras`.
        executed: whether a notebook is run; a script never is.
        runs: the folder of runs.
        trust_code: as in `evaluate`; a layer of the user's own is refused all the same.

    Returns:
        The files, what is not as in the run, and the scores of a notebook that was run.

    Raises:
        SettingError: a file has another ending, or exists already.
        MissingExtraError: the packages for notebooks are not installed.
        ModelError: a layer cannot be written as code; the message names it.
        RunError: there is no such run, or its data have changed.
        DataError: the images are more than the memory takes.
        WriteError: a file cannot be written.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> made = fl.eject("first", f"{place}/program.py", runs=place)
        >>> [Path(file).name for file in made.files], made.difference < 1e-5
        (['program.py', 'program-data.npz'], True)
    """
    from firstlight.deliver import (
        notebook_of,
        printed_scores,
        program_of,
        run_notebook,
        script_text,
    )

    folder, trust_code = found_run(run, runs, trust_code)
    path = new_file(to, ".py", ".ipynb")
    beside = [path.with_name(f"{path.stem}-data.npz"), path.with_name(f"{path.stem}.keras")]
    for file in beside:
        new_file(file, file.suffix)
    trained, *_ = model_files(folder)
    dataset = own_dataset(folder)
    if dataset.settings.memory is not None:
        raise DataError(
            f"A program that reads all images at once was asked for, but those of {dataset.name} "
            "are more than the memory takes (--memory): train on a part of them to take that out."
        )
    model = trained_model(trained, trust_code)
    lesson = _lesson(folder, dataset, model, path)
    difference, compared = _compared(model, lesson.network, some_tested(dataset), path)
    title, about, sections, notes = program_of(lesson)
    notebook = notebook_of(title, about, sections) if path.suffix == ".ipynb" else None
    printed = ""
    try:
        # Made in a folder of its own: what fails leaves nothing behind.
        with tempfile.TemporaryDirectory(prefix=".eject-", dir=path.parent) as place:
            work = Path(place)
            write_arrays(work / beside[0].name, **_arrays(dataset, lesson))
            if notebook is None:
                write_text(work / path.name, script_text(title, about, sections))
            else:
                if executed:
                    printed = run_notebook(notebook, work)
                import nbformat

                write_text(work / path.name, nbformat.writes(notebook) + "\n")
            files = [file for file in (path, *beside) if (work / file.name).exists()]
            for file in files:
                (work / file.name).rename(file)
    except OSError as error:
        raise write_error(path, error) from error
    return Delivery(
        folder.name,
        tuple(map(str, files)),
        compared,
        difference,
        notes,
        printed_scores(printed),
    )


def _lesson(folder: RunFolder, dataset: Dataset, model: keras.Model, path: Path) -> Lesson:
    """What the program has to say and do."""
    from firstlight.deliver import Lesson, write_network
    from firstlight.evaluation import load_report
    from firstlight.models import walk
    from firstlight.training import Augmentation
    from firstlight.training.augmenting import noise_unit

    information = folder.information()
    settings = TrainSettings(**information["settings"])
    unit: Any = 1.0
    if Augmentation.parse(settings.augment).noise:
        unit = noise_unit(dataset.train.images)
    shapes = [row.makes for row in walk(model, dataset.image_shape)]
    return Lesson(
        run=folder.name,
        settings=settings,
        task=dataset.task,
        source=dataset.source,
        image_shape=dataset.image_shape,
        classes=dataset.classes,
        target_names=dataset.target_names,
        side=side_names(information),
        outputs=int(model.output_shape[-1]),
        network=write_network(model, shapes),
        scores={name: score.value for name, score in load_report(folder.path).scores.items()},
        noise_unit=np.asarray(unit).tolist(),
        data_file=f"{path.stem}-data.npz",
        model_file=f"{path.stem}.keras",
        precision=information["machine"]["precision"],
        telescope=dataset.settings.sky is not None,
    )


def _arrays(dataset: Dataset, lesson: Lesson) -> dict[str, NDArray[Any]]:
    """The images as the network got them, and what belongs to them, part by part."""
    arrays: dict[str, NDArray[Any]] = {}
    for part, _ in dataset.parts():
        images: Images = as_tested(dataset, part)
        arrays[f"{part}_images"] = np.asarray(images.images)
        arrays[f"{part}_{lesson.what}"] = images.targets
        if images.side is not None:
            arrays[f"{part}_side"] = images.side
    return arrays


def _compared(model: keras.Model, code: str, tested: Images, path: Path) -> tuple[float, int]:
    """How far the network that the code builds, with the run's weights, answers otherwise."""
    from firstlight.deliver import calls_in_order
    from firstlight.models import import_keras
    from firstlight.models.graph import graph_of
    from firstlight.training import choose_machine, network_of, predict

    keras = import_keras()
    namespace: dict[str, Any] = {"keras": keras, "layers": keras.layers}
    # Made of the names of Keras's own classes and of literals alone, see `write_network`.
    exec(compile(code, path.name, "exec"), namespace)
    built = namespace["network"]
    layers = []
    for graph in (graph_of(model), graph_of(built)):
        calls = [graph.calls[number].layer for number in calls_in_order(graph)]
        layers.append([layer for layer in calls if hasattr(layer, "get_weights")])
    for ours, theirs in zip(*layers, strict=True):
        theirs.set_weights(ours.get_weights())
    machine = choose_machine(TrainSettings(precision="float32"))
    inputs = 1 if tested.side is None else 2
    answers = [
        predict(network_of(one, inputs), tested.images, machine, tested.side)
        for one in (built, model)
    ]
    return require_equal(answers[:1], answers[1:], path), len(tested)
