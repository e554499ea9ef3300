"""Runs inside of a run: the other networks of an ensemble, and trainings for comparison.

Each is a run folder of its own below the outer one, so it has checkpoints and can be killed and
resumed like any other.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from firstlight.api.options import Listener, dataset_of
from firstlight.api.run import Run
from firstlight.core.cross_validation import CrossValidation
from firstlight.core.dataset import Dataset
from firstlight.core.errors import DataError
from firstlight.core.events import Event
from firstlight.core.run_folder import RunFolder
from firstlight.core.scores import Score
from firstlight.core.settings import TrainSettings

SHOWN = ("step", "epoch")
TORN = "random-split"


def train_members(
    folder: RunFolder, dataset: Dataset, settings: TrainSettings, progress: Listener | None
) -> None:
    """Train the other networks of an ensemble: on the same images, from other seeds."""
    count = settings.ensemble or 1
    for number in range(2, count + 1):
        own = replace(settings, seed=(settings.seed + number - 1) % 2**32)
        _say(progress, f"network {number} of {count}")
        train_inside(folder, f"network-{number}", dataset, own, progress)


def train_inside(
    folder: RunFolder,
    name: str,
    dataset: Dataset,
    settings: TrainSettings,
    progress: Listener | None,
) -> Run:
    """Train a run inside of another, go on with it, or take it as it is if it is finished."""
    from firstlight.api.training import resume, train

    def shown(event: Event) -> None:
        """Its steps and epochs; that it begins and ends is the outer run's to say."""
        if progress is not None and event["kind"] in SHOWN:
            progress(event)

    if (folder.inside / name / "run.json").is_file():
        return resume(folder.inside / name, progress=shown)
    own = replace(settings, name=name, ensemble=None, folds=None, leak_check=False)
    return train(dataset, runs=folder.inside, progress=shown, **asdict(own))


def train_torn(
    folder: RunFolder, dataset: Dataset, settings: TrainSettings, progress: Listener | None
) -> None:
    """Train once more, if that is asked for, on a split that tears groups apart.

    Raises:
        DataError: the images have no groups.
    """
    if not settings.leak_check:
        return
    if dataset.train.groups is None:
        raise DataError(
            f"Groups were expected in {dataset.name}, since --leak-check shows what tearing them "
            "apart would do, but there are none: name their column with --group-column, or leave "
            "--leak-check out."
        )
    _say(progress, "once more, on a split at random: what would leak")
    reading = replace(dataset.settings, split="random")
    torn = dataset_of(dataset.source, reading, dataset.split.seed, progress)
    train_inside(folder, TORN, torn, settings, progress)


def train_folds(
    folder: RunFolder, dataset: Dataset, settings: TrainSettings, progress: Listener | None
) -> None:
    """Train a network for each fold, if that is asked for."""
    count = settings.folds or 0
    for number in range(1, count + 1):
        _say(progress, f"fold {number} of {count}")
        reading = replace(dataset.settings, fold=f"{number}/{count}")
        own = dataset_of(dataset.source, reading, dataset.split.seed, progress)
        train_inside(folder, f"fold-{number}", own, settings, progress)


def cross_validation(folder: RunFolder) -> CrossValidation | None:
    """What the folds of a run say together; None where it has none."""
    from firstlight.evaluation import cross_validated, load_report

    count = folder.information()["settings"].get("folds") or 0
    places = [folder.inside / f"fold-{number}" for number in range(1, count + 1)]
    if not places or not all(RunFolder(place).report.exists() for place in places):
        return None
    return cross_validated([load_report(place) for place in places])


def torn_scores(folder: RunFolder) -> dict[str, Score]:
    """The scores on a split that tears groups apart, by name; none where nobody asked for them."""
    from firstlight.evaluation import load_report

    inner = RunFolder(folder.inside / TORN)
    return load_report(inner.path).scores if inner.report.exists() else {}


def _say(progress: Listener | None, words: str) -> None:
    if progress is not None:
        progress({"kind": "state", "state": "inside", "message": words})
