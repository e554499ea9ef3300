"""The verbs that train."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.api.asking import as_tested, own_dataset
from firstlight.api.information import check_source, other_versions, run_information
from firstlight.api.inner_runs import train_folds, train_members, train_torn
from firstlight.api.options import Listener, Source, dataset_of, divided
from firstlight.api.ready import Ready, make_ready, plan, plan_event
from firstlight.api.reporting import finish_report
from firstlight.api.run import Run
from firstlight.core.dataset import Dataset, Images
from firstlight.core.errors import NotFiniteError, RunError
from firstlight.core.events import EventLog
from firstlight.core.files import sweep, write_arrays
from firstlight.core.run_folder import RunFolder, create_run, find_run, require_new_run
from firstlight.core.settings import TrainSettings
from firstlight.models.identity import architecture_digest

RUNS = Path("runs")
ASKED = 256  # images that the units of a network are asked about


def train(
    data: Source, *, runs: str | Path = RUNS, progress: Listener | None = None, **settings: Any
) -> Run:
    """Train a network, then test it once on images that it has not seen.

    Args:
        data: as in `load`, or a data set that `load` returned.
        runs: the folder of runs; the run becomes a folder in it.
        progress: called with each event as a dictionary: `reading` (while images are brought to
            disk), `plan`, `start`, `step`, `epoch`, `state`, `end`.
        **settings: what to train and how, as in `TrainSettings` (`model`, `epochs`, ...), and how
            to read the data, as in `DataSettings`.

    Returns:
        The run: `.folder`, `.model`, `.history`, `.report`.

    Raises:
        DataError: the data cannot be read.
        ModelError: the shape doctor found an error; the message says how to mend it.
        TrainingError: the loss is not finite, or memory ran out.
        WriteError: a file cannot be written; the message says which, and how to go on.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> len(run.history), run.report.count
        (2, 9)
    """
    asked, reading = divided(settings)
    if asked.name is not None:
        require_new_run(Path(runs), asked.name)
    dataset = dataset_of(data, reading, asked.seed, progress)
    ready = make_ready(dataset, asked)
    if progress is not None:
        progress(plan_event(dataset, ready, plan(dataset, ready)))
    default = f"{dataset.name}-{Path(ready.settings.model.partition(':')[0]).stem}"
    folder = create_run(Path(runs), asked.name, default, run_information(dataset, asked, ready))
    with folder.lock():
        return _finish(folder, dataset, ready, progress, {})


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
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> fl.resume("first", runs=place).history == run.history
        True
    """
    folder = find_run(run, Path(runs))
    with folder.lock():
        for place in (folder.path, folder.figures, folder.snapshots):
            sweep(place)
        information = folder.information()
        if _is_finished(folder):
            _tell(
                progress, "state", state="warning", message=f"run {folder.name} is finished already"
            )
            return Run(folder)
        settings = TrainSettings(**information["settings"])
        check_source(folder, settings.model, information["model"])
        dataset = own_dataset(folder, progress)
        # The same number of threads as before: another one gives other last digits.
        kept = {key: information["machine"][key] for key in ("threads", "precision")}
        ready = make_ready(dataset, settings, **kept)
        if architecture_digest(ready.model) != information["model"]["architecture"]:
            raise RunError(
                f"the network of run {folder.name} has changed since: bring the old "
                f"{settings.model} back, or train anew under another --name."
            )
        from firstlight.training import load_newest

        state, damaged = load_newest(folder.checkpoints)
        for line in [*damaged, *other_versions(information)]:
            _tell(progress, "state", state="warning", message=line)
        return _finish(folder, dataset, ready, progress, state)


def _finish(
    folder: RunFolder,
    dataset: Dataset,
    ready: Ready,
    progress: Listener | None,
    state: dict[str, Any],
) -> Run:
    """Train from `state` (empty: from the beginning) to the end, save, test, report."""
    from firstlight.data import image_digests
    from firstlight.models import keeps_snapshot, save_model, save_snapshot
    from firstlight.training import Network, Training, Validator

    started = time.monotonic()
    split = dataset.split
    seen = [image_digests(part.images) for part in (dataset.train, dataset.validation)]
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    write_arrays(folder.split, **parts, seen=np.concatenate(seen))
    settings, machine = ready.settings, ready.machine
    with folder.log(progress) as log:
        held_out = as_tested(dataset, "validation")
        validate = Validator(held_out, settings)
        telescope = dataset.settings.sky
        training = Training(
            ready.network, dataset.train, settings, folder, log, validate, machine, telescope
        )

        def keep(epochs: int) -> None:
            if keeps_snapshot(ready.model, epochs):
                ready.network.write_back()
                save_snapshot(folder.snapshots, epochs, ready.model)

        if not folder.is_inside:
            training.after_epoch = keep
        if state:
            training.restore(state)
            _log_resumed(log, training)
        else:
            log.add("start", epochs=training.epochs, steps=training.steps)
        try:
            training.run()
            ready.network.write_back()
            save_model(ready.model, folder.model)
            if isinstance(ready.network, Network):
                log.add("units", layers=_units(ready, held_out))
            train_members(folder, dataset, settings, progress)
            train_folds(folder, dataset, settings, progress)
            train_torn(folder, dataset, settings, progress)
            seconds = time.monotonic() - started
            # With --patience another epoch's network may be the last; an ensemble has several.
            same = settings.patience is None and not settings.ensemble
            answers = validate.answers if same else None
            finish_report(folder, dataset, ready, _own_code(settings), seconds, answers)
        except BaseException as error:
            message = str(error) or type(error).__name__
            diverged = isinstance(error, NotFiniteError)
            log.add("end", state="stopped", message=message, diverged=diverged)
            raise
        log.add("end", state="finished", seconds=time.monotonic() - started)
    return Run(folder, _own_code(settings))


def _units(ready: Ready, held_out: Images) -> list[dict[str, Any]]:
    """How many units of each ReLU layer are dead at the end, as some validation images tell."""
    from firstlight.training import relu_units

    few = held_out.select(np.unique(np.linspace(0, len(held_out) - 1, ASKED).astype(np.int64)))
    return [asdict(layer) for layer in relu_units(ready.model, few.images[:], few.side)]


def _own_code(settings: TrainSettings) -> str | None:
    """The Python file that made the model and has been run for it, if there is one."""
    source = settings.model.rpartition(":")[0]
    return source if source.endswith(".py") else None


def _is_finished(folder: RunFolder) -> bool:
    events = folder.events()
    return bool(events) and events[-1]["kind"] == "end" and events[-1]["state"] == "finished"


def _log_resumed(log: EventLog, training: Any) -> None:
    at = training.progress
    message = f"goes on from epoch {at.epoch + 1}, step {at.step} of {training.steps}"
    log.add("start", epochs=training.epochs, steps=training.steps)
    log.add("state", state="resumed", message=message)


def _tell(progress: Listener | None, kind: str, **values: Any) -> None:
    """Hand an event to the listener that belongs to no run folder (yet)."""
    if progress is not None:
        progress({"kind": kind, **values})
