"""Runs inside of a run: the other networks of an ensemble, and trainings for comparison.

Each is a run folder of its own below the outer one, so it has checkpoints and can be killed and
resumed like any other.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from firstlight.api.options import Listener, dataset_of
from firstlight.api.run import Run
from firstlight.core.dataset import Dataset
from firstlight.core.errors import DataError
from firstlight.core.events import Event
from firstlight.core.run_folder import RunFolder
from firstlight.core.scores import Score
from firstlight.core.settings import TrainSettings

SHOWN = ("step", "epoch")


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
    own = replace(settings, name=name, ensemble=None, leak_check=False)
    return train(dataset, runs=folder.inside, progress=shown, **asdict(own))


def check_leak(
    folder: RunFolder, dataset: Dataset, settings: TrainSettings, progress: Listener | None
) -> dict[str, Score]:
    """The scores that a split at random would show, where images of a group lie on both sides.

    The same network is trained again, on images drawn without regard to their groups.

    Returns:
        The scores on its test images by name; none where that was not asked for.

    Raises:
        DataError: the images have no groups.
    """
    if not settings.leak_check:
        return {}
    if dataset.train.groups is None:
        raise DataError(
            f"Groups were expected in {dataset.name}, since --leak-check shows what tearing them "
            "apart would do, but there are none: name their column with --group-column, or leave "
            "--leak-check out."
        )
    _say(progress, "once more, on a split at random: what would leak")
    reading = replace(dataset.settings, split="random")
    torn = dataset_of(dataset.source, reading, dataset.split.seed, progress)
    return train_inside(folder, "random-split", torn, settings, progress).report.scores


def _say(progress: Listener | None, words: str) -> None:
    if progress is not None:
        progress({"kind": "state", "state": "inside", "message": words})
