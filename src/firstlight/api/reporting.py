"""What a run ends with: how sure to be of its answers, and the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from firstlight.api.asking import as_tested
from firstlight.api.diagnosing import diagnosis
from firstlight.api.inner_runs import cross_validation, torn_scores
from firstlight.api.networks import Networks, as_predictions, networks_of
from firstlight.api.ready import Ready
from firstlight.core.dataset import Dataset
from firstlight.core.files import write_bytes, write_text
from firstlight.core.reports import Report
from firstlight.core.run_folder import RunFolder

DESCRIBED = 2_000  # images that show how images of their kind look


def finish_report(
    folder: RunFolder,
    dataset: Dataset,
    ready: Ready,
    trust_code: str | None,
    seconds: float,
    validated: NDArray[np.float32] | None = None,
) -> None:
    """Learn from the validation images how sure to be, test once, and write the report.

    Args:
        folder: of a run whose networks are trained.
        dataset: what they were trained on.
        ready: how.
        trust_code: the Python file that made the model, if there is one.
        seconds: how long training took.
        validated: `(N, K)` what the networks answer for the validation images; None: ask them.
    """
    from firstlight.draw import report_figures, report_page, to_pngs
    from firstlight.evaluation import save_report
    from firstlight.models import walk

    if folder.members():
        networks = networks_of(folder, trust_code)
    else:
        networks = Networks((ready.network,), ready.machine, folder.information())
    networks, notes = _sure(networks, folder, dataset, validated)
    report = report_on_test(networks, folder, dataset)
    report = replace(report, notes=(*report.notes, *notes), diagnosis=diagnosis(folder))
    save_report(folder.path, report)
    tested = as_tested(dataset, "test").images
    epochs = folder.epochs()
    figures = to_pngs(report_figures(report, epochs, tested))
    for name, png in figures.items():
        write_bytes(folder.figures / f"{name}.png", png)
    layers = walk(ready.model, dataset.image_shape)
    information = folder.information()
    shown = information | information["machine"] | {"seconds": seconds}
    write_text(folder.page, report_page(shown, report, epochs, layers, figures, tested))


def report_on_test(networks: Networks, folder: RunFolder, dataset: Dataset) -> Report:
    """The report on the test part of a run's own data, with simple baselines beside it."""
    images, title = as_tested(dataset, "test"), f"{dataset.name}, test"
    if dataset.task == "classify":
        # Images of the same source are not unlike each other, and there may be many of them.
        report = networks.report(images, title, flags=False)
    else:
        train = as_tested(dataset, "train")
        report = networks.report(images, title, train, torn_scores(folder))
    return replace(report, cross_validation=cross_validation(folder))


def _sure(
    networks: Networks, folder: RunFolder, dataset: Dataset, validated: NDArray[np.float32] | None
) -> tuple[Networks, list[str]]:
    """The networks with what the validation images say about their answers; it is kept."""
    from firstlight.evaluation import learn_confidence, simple_features

    held_out = as_tested(dataset, "validation")
    if validated is None:
        answers = networks.ask(held_out.images, held_out.names, held_out.side)
    else:
        answers = as_predictions(validated, held_out.names, networks.information["data"])
    few = held_out.select(_spread_over(len(held_out)))
    train = replace(dataset, train=dataset.train.select(_spread_over(len(dataset.train))))
    confidence, notes = learn_confidence(
        answers,
        held_out.targets,
        held_out.groups,
        (simple_features(as_tested(train, "train").images), simple_features(few.images)),
        few.groups,
        dataset.settings.bounds_of(dataset.target_names),
    )
    confidence.save(folder.path)
    return replace(networks, confidence=confidence), notes


def _spread_over(count: int) -> NDArray[np.int64]:
    """Positions of some of so many images."""
    return np.unique(np.linspace(0, count - 1, DESCRIBED).astype(np.int64))
