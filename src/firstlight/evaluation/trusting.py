"""A report with what is known of the trust in its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from firstlight.core.dataset import Images
from firstlight.core.reports import Report
from firstlight.core.scores import Score
from firstlight.core.trust import Coverage, Trust
from firstlight.evaluation.baselines import baselines
from firstlight.evaluation.bins import error_bins
from firstlight.evaluation.calibration import class_trust
from firstlight.evaluation.confidence import Confidence
from firstlight.evaluation.coverage import coverage, mean_crps, ranks, set_coverage


def with_trust(
    report: Report,
    images: Images,
    confidence: Confidence,
    train: Images | None = None,
    torn: Mapping[str, Score] | None = None,
    seed: int = 0,
) -> Report:
    """The report with errors by bin, coverage, baselines; or with how right probabilities are.

    Args:
        report: of answers that `confidence` was applied to.
        images: those that were asked about, as the network saw them.
        confidence: what was learnt from validation images.
        train: the training images, in the same way; simple baselines learn from these. None:
            there are no baselines.
        torn: scores of a split that tears groups apart, by name, or None.
        seed: of every random choice.

    Example:
        >>> import numpy as np
        >>> from firstlight.evaluation import evaluate
        >>> from firstlight.core.reports import Predictions
        >>> names, classes = np.array(list("abcd")), ("cat", "dog")
        >>> values = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]], np.float32)
        >>> images = Images(np.zeros((4, 2, 2, 1), np.uint8), np.array([0, 1, 0, 1]), names)
        >>> answers = Predictions(names, values, "classify", classes=classes)
        >>> report = with_trust(evaluate(answers, images.targets, "pets"), images, Confidence())
        >>> report.trust is not None
        True
    """
    if report.task == "classify":
        probabilities = report.predictions.values
        trust = class_trust(probabilities, report.targets, report.groups, seed)
        held: tuple[Coverage, ...] = ()
        if confidence.sets is not None:
            held = set_coverage(
                report.targets,
                confidence.sets.sets(probabilities),
                confidence.sets.levels,
                report.groups,
                confidence.sets.effective,
            )
        trust = replace(trust, temperature=confidence.temperature, coverage=held)
        error = Score(trust.calibration_error)
        scores = {**report.scores, "calibration_error": error}
        return replace(report, class_trust=trust, scores=scores)
    every = tuple(
        _of_target(number, report, images, confidence, train, torn or {}, seed)
        for number in range(len(report.predictions.target_names))
    )
    return replace(report, trust=every)


def _of_target(
    number: int,
    report: Report,
    images: Images,
    confidence: Confidence,
    train: Images | None,
    torn: Mapping[str, Score],
    seed: int,
) -> Trust:
    answers, groups = report.predictions, report.groups
    name = answers.target_names[number]
    truth, values = report.targets[:, number], answers.values[:, number]
    trust = Trust(
        name, bins=error_bins(truth, values, {name: truth, **report.columns}, groups, seed)
    )
    if train is not None:
        simple = baselines(
            train.images,
            train.targets[:, number],
            images.images,
            truth,
            groups,
            train_columns=train.columns,
            test_columns=report.columns,
            seed=seed,
        )
        trust = replace(trust, baselines=simple)
    if answers.intervals is not None and confidence.intervals is not None:
        worth = confidence.intervals.effective[number]
        held = coverage(truth, answers.intervals[:, number], answers.levels, groups, worth)
        trust = replace(trust, coverage=held)
    if answers.spread is not None and (answers.spread[:, number] > 0).all():
        spread = answers.spread[:, number]
        crps = mean_crps(truth, values, spread, groups, seed)
        trust = replace(trust, crps=crps, ranks=ranks(truth, values, spread))
    one = len(answers.target_names) == 1
    return replace(trust, leak=torn.get("r2" if one else f"r2 of {name}"))
