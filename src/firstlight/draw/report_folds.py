"""Cross-validation on the page of a report."""

from __future__ import annotations

from firstlight.core.reports import Report
from firstlight.core.verdicts import about_folds
from firstlight.draw.html import paragraph, section, table
from firstlight.draw.report_scores import SHARES, ends, number


def folds_section(report: Report) -> str:
    """What networks say that were tested on other parts; "" where there are none.

    Example:
        >>> import numpy as np
        >>> from firstlight.core.cross_validation import CrossValidation
        >>> from firstlight.core.reports import Predictions
        >>> from firstlight.core.scores import Score
        >>> folds = CrossValidation(9, ({"rmse": 1.0}, {"rmse": 3.0}), {"rmse": Score(2.2, 2, 3)})
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure")
        >>> report = Report("measure", "x", 1, {}, answers, np.ones((1, 1)), cross_validation=folds)
        >>> "all folds" in folds_section(report)
        True
    """
    found = report.cross_validation
    if found is None:
        return ""
    titles = [title for title in found.scores if title in report.joint_scores()]
    shares = {title: title in SHARES for title in titles}
    rows = [
        (
            f"fold {k}",
            *(number(scores.get(title), share) for title, share in shares.items()),
        )
        for k, scores in enumerate(found.folds, 1)
    ]
    every = [number(found.scores[title].value, share) for title, share in shares.items()]
    within = [ends(found.scores[title], share) for title, share in shares.items()]
    rows += [("all folds", *every), ("95 % interval", *within)]
    return section(
        "Cross-validation",
        paragraph(about_folds(report)),
        table(("tested on", *(title.replace("_", " ") for title in titles)), rows),
    )
