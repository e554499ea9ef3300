"""Cross-validation: the reports of several folds as one judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from firstlight.core.cross_validation import CrossValidation
from firstlight.core.reports import Report
from firstlight.evaluation.evaluate import evaluate

OF_TRAINING = "loss"  # a score that belongs to one training, not to all together


def cross_validated(reports: Sequence[Report]) -> CrossValidation:
    """The scores over all folds.

    The interval of a score over all images counts images, or groups, as if they had been judged
    by one network; that the networks share most of their training images makes it a little too
    narrow (Bengio & Grandvalet 2004, Journal of Machine Learning Research 5, 1089).

    Args:
        reports: of the test part of each fold.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> def fold(truth, answer):
        ...     answers = Predictions(np.array([str(truth)]), np.array([[answer]], np.float32),
        ...         "measure", target_names=("x",))
        ...     return evaluate(answers, np.array([[truth]], np.float32), "fold")
        >>> found = cross_validated([fold(1.0, 2.0), fold(4.0, 4.0)])
        >>> found.count, round(found.scores["rmse"].value, 3), [f["rmse"] for f in found.folds]
        (2, 0.707, [1.0, 0.0])
    """
    first = reports[0]
    answers = replace(
        first.predictions,
        names=np.concatenate([report.predictions.names for report in reports]),
        values=np.concatenate([report.predictions.values for report in reports]),
        spread=None,
        intervals=None,
        levels=(),
        unlike=None,
    )
    groups = None
    if first.groups is not None:
        groups = np.concatenate([report.groups for report in reports if report.groups is not None])
    targets = np.concatenate([report.targets for report in reports])
    together = evaluate(answers, targets, "all folds", groups)
    return CrossValidation(
        together.count,
        tuple(
            {name: score.value for name, score in report.scores.items() if name != OF_TRAINING}
            for report in reports
        ),
        {name: score for name, score in together.scores.items() if name != OF_TRAINING},
    )
