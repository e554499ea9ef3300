"""The verbs that train."""

from __future__ import annotations

import platform
import shlex
import time
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.api.asking import own_dataset, report_on
from firstlight.api.options import Source, dataset_of, divided
from firstlight.api.run import Run
from firstlight.core.dataset import Dataset
from firstlight.core.errors import ModelError
from firstlight.core.events import Event, EventLog
from firstlight.core.files import write_arrays, write_bytes, write_text
from firstlight.core.run_folder import RunFolder, create_run, find_run, require_new_run
from firstlight.core.settings import DataSettings, TrainSettings

if TYPE_CHECKING:
    import keras

    from firstlight.training import Machine, Network

RUNS = Path("runs")
Listener = Callable[[Event], None]
PACKAGES = ("firstlight", "keras", "torch", "numpy")


def train(
    data: Source, *, runs: str | Path = RUNS, progress: Listener | None = None, **settings: Any
) -> Run:
    """Train a network, then test it once on images that it has not seen.

    Args:
        data: as in `load`, or a data set that `load` returned.
        runs: the folder of runs; the run becomes a folder in it.
        progress: called with each event as a dictionary: `plan`, `start`, `step`, `epoch`,
            `state`, `end`.
        **settings: what to train and how, as in `TrainSettings` (`model`, `epochs`, ...), and how
            to read the data, as in `DataSettings`.

    Returns:
        The run: `.folder`, `.model`, `.history`, `.report`.

    Raises:
        DataError: the data cannot be read.
        ModelError: the shape doctor found an error; the message says how to mend it.
        TrainingError: the loss is not finite, or disk or memory ran out.

    Example:
        >>> import firstlight as fl
        >>> run = fl.train("mnist", model="simple", epochs=1)  # doctest: +SKIP
    """
    asked, reading = divided(settings)
    if asked.name is not None:
        require_new_run(Path(runs), asked.name)
    dataset = dataset_of(data, reading, asked.seed)
    model, resolved = _ready(dataset, asked)

    from firstlight.training import choose_machine, lower

    machine = choose_machine(resolved)
    network = lower(model)
    for line in network.in_keras:
        _tell(progress, "state", state="slower", message=f"{line}: Keras runs it, slower")
    _tell(progress, "plan", lines=plan(dataset, model, resolved, machine))
    information = _information(dataset, asked, resolved, machine, network, model)
    default = f"{dataset.name}-{Path(asked.model.partition(':')[0]).stem}"
    folder = create_run(Path(runs), asked.name, default, information)
    with folder.lock():
        split = dataset.split
        write_arrays(folder.split, train=split.train, validation=split.validation, test=split.test)
        return _finish(folder, dataset, model, network, machine, resolved, progress, {})


def resume(run: str | Path, *, runs: str | Path = RUNS, progress: Listener | None = None) -> Run:
    """Go on with a run that was stopped or killed, as if nothing had happened.

    Args:
        run: a run's name, or its folder.
        runs: the folder of runs.
        progress: as in `train`.

    Returns:
        The run, finished; its weights are bit for bit those of a run that was never stopped, on
        the same machine with the same versions.

    Raises:
        RunError: there is no such run, another process writes it, its data have changed, or none
            of its checkpoints is whole.

    Example:
        >>> import firstlight as fl
        >>> fl.resume("mnist-compact")  # doctest: +SKIP
    """
    folder = find_run(run, Path(runs))
    with folder.lock():
        information = folder.information()
        settings = TrainSettings(**information["settings"])
        dataset = own_dataset(folder)
        model, _ = _ready(dataset, settings)

        from firstlight.training import choose_machine, load_newest, lower

        # The same number of threads as before: another one gives other last digits.
        kept = {key: information["machine"][key] for key in ("threads", "precision")}
        machine = choose_machine(replace(settings, **kept))
        network = lower(model)
        state, damaged = load_newest(folder.checkpoints)
        for line in damaged:
            _tell(progress, "state", state="damaged", message=line)
        return _finish(folder, dataset, model, network, machine, settings, progress, state)


def plan(
    dataset: Dataset, model: keras.Model, settings: TrainSettings, machine: Machine
) -> list[str]:
    """What is about to be done, in three lines: data, model, recipe."""
    parts = ", ".join(f"{len(images):,} {part}" for part, images in dataset.parts())
    shape = "x".join(str(size) for size in dataset.image_shape)
    answers = (
        f"{len(dataset.classes)} classes"
        if dataset.task == "classify"
        else ", ".join(dataset.target_names)
    )
    epochs = f"{settings.epochs} epoch{'s' if settings.epochs != 1 else ''}"
    augment = "" if settings.augment in (None, "none") else f", {settings.augment}"
    device = "a GPU" if machine.device.type == "cuda" else f"{machine.threads} threads"
    return [
        f"data    {dataset.name}: {parts}; {shape}, {answers}",
        f"model   {settings.model}: {model.count_params():,} parameters; {machine.precision} on "
        f"{device}, seed {settings.seed}",
        f"recipe  {epochs}, batches of {settings.batch_size}, {settings.optimizer}, "
        f"{settings.learning_rate:g} {settings.schedule}, {settings.loss}{augment}",
    ]


def _ready(dataset: Dataset, asked: TrainSettings) -> tuple[keras.Model, TrainSettings]:
    """The checked, built and prepared model, and the settings with every field filled in."""
    from firstlight.models import (
        build_model,
        check_model,
        default_preparation,
        import_keras,
        prepare_model,
        resolve_settings,
    )
    from firstlight.training import Augmentation

    keras = import_keras()
    settings = resolve_settings(asked, dataset.task, len(dataset.train))
    pixels = dataset.train.images.dtype
    settings = replace(settings, prepare=settings.prepare or default_preparation(pixels))
    Augmentation.parse(settings.augment)
    what = (dataset.image_shape, dataset.outputs, dataset.task)
    checkup = check_model(settings.model, *what, settings)
    if checkup.errors:
        raise ModelError(_explained(checkup.errors, dataset, settings))
    keras.utils.set_random_seed(settings.seed)
    model = build_model(settings.model, *what)
    return prepare_model(model, str(settings.prepare), dataset.train.images), settings


def _explained(errors: Any, dataset: Dataset, settings: TrainSettings) -> str:
    first = errors[0]
    where = f"layer {first.layer}: " if first.layer else ""
    words = [f"{settings.model} does not fit {dataset.name}: {where}{first.message.rstrip('.')}"]
    if first.fix is not None:
        words.append("To mend it, " + first.fix.sentence.rstrip("."))
    if len(errors) > 1:
        words.append(f"That is one of {len(errors)} errors")
    command = f"firstlight check {dataset.source} --model {settings.model}"
    return ". ".join([*words, f"See it all with: {command}"])


def _finish(
    folder: RunFolder,
    dataset: Dataset,
    model: keras.Model,
    network: Network,
    machine: Machine,
    settings: TrainSettings,
    progress: Listener | None,
    state: dict[str, Any],
) -> Run:
    """Train from `state` (empty: from the beginning) to the end, save, test, report."""
    from firstlight.models import save_model
    from firstlight.training import Training, validator

    started = time.monotonic()
    with folder.log(progress) as log:
        validate = validator(dataset.validation, settings)
        training = Training(network, dataset.train, settings, folder, log, validate, machine)
        if state:
            training.restore(state)
            _log_resumed(log, training)
        else:
            log.add("start", epochs=training.epochs, steps=training.steps)
        try:
            training.run()
        except Exception as error:
            log.add("end", state="stopped", message=str(error))
            raise
        network.write_back()
        save_model(model, folder.model)
        _report(folder, dataset, model, network, machine, time.monotonic() - started)
        log.add("end", state="finished", seconds=time.monotonic() - started)
    return Run(folder)


def _log_resumed(log: EventLog, training: Any) -> None:
    at = training.progress
    message = f"goes on from epoch {at.epoch + 1}, step {at.step} of {training.steps}"
    log.add("start", epochs=training.epochs, steps=training.steps)
    log.add("state", state="resumed", message=message)


def _report(
    folder: RunFolder,
    dataset: Dataset,
    model: keras.Model,
    network: Network,
    machine: Machine,
    seconds: float,
) -> None:
    """The test, its report, its figures and its page."""
    from firstlight.draw import report_figures, report_page, to_pngs
    from firstlight.evaluation import save_report
    from firstlight.models import walk

    information = folder.information()
    title = f"{dataset.name}, test"
    report = report_on(network, machine, dataset.test, information["data"], title)
    save_report(folder.path, report)
    epochs = folder.epochs()
    folder.figures.mkdir(exist_ok=True)
    figures = to_pngs(report_figures(report, epochs, dataset.test.images))
    for name, png in figures.items():
        write_bytes(folder.figures / f"{name}.png", png)
    layers = walk(model, dataset.image_shape)
    shown = information | information["machine"] | {"seconds": seconds}
    write_text(
        folder.page,
        report_page(shown, report, epochs, layers, figures, dataset.test.images),
    )


def _information(
    dataset: Dataset,
    asked: TrainSettings,
    settings: TrainSettings,
    machine: Machine,
    network: Network,
    model: keras.Model,
) -> dict[str, Any]:
    """What `run.json` holds beside the name."""
    source = Path(dataset.source)
    place = str(source.resolve()) if source.exists() else dataset.source
    return {
        "format": 1,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": command_line(place, asked, dataset.settings),
        "seed": settings.seed,
        "settings": asdict(replace(settings, model=_absolute(settings.model))),
        "data_settings": asdict(dataset.settings),
        "data": {
            "name": dataset.name,
            "source": place,
            "task": dataset.task,
            "classes": list(dataset.classes),
            "target_names": list(dataset.target_names),
            "target_units": list(dataset.target_units),
            "image_shape": list(dataset.image_shape),
            "dtype": dataset.train.images.dtype.name,
            "images": {part: len(images) for part, images in dataset.parts()},
            "fingerprint": dataset.fingerprint,
            "split": dataset.split.rule,
            "notes": list(dataset.notes),
            "refused": [asdict(item) for item in dataset.refused],
        },
        "model": {
            "parameters": model.count_params(),
            "in_keras": network.in_keras,
        },
        "machine": {
            "device": machine.device.type,
            "precision": machine.precision,
            "threads": machine.threads,
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
    }


def command_line(source: str, train: TrainSettings, reading: DataSettings) -> str:
    """The command that does the same again.

    Example:
        >>> command_line("mnist", TrainSettings(epochs=2), DataSettings())
        'firstlight train mnist --epochs 2'
    """
    words = ["firstlight", "train", source]
    for settings in (train, reading):
        for item in fields(settings):
            value = getattr(settings, item.name)
            if value == item.default:
                continue
            for one in value if isinstance(value, tuple) else (value,):
                words += ["--" + item.name.replace("_", "-"), str(one)]
    return shlex.join(words)


def _absolute(model: str) -> str:
    """The model's name with a file in it as an absolute path, so that it is found again."""
    file, colon, function = model.partition(":")
    return str(Path(file).resolve()) + colon + function if Path(file).is_file() else model


def _tell(progress: Listener | None, kind: str, **values: Any) -> None:
    """Hand an event to the listener that belongs to no run folder (yet)."""
    if progress is not None:
        progress({"kind": kind, **values})
