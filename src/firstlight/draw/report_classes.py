"""What a report's page says of classes: each class, how sure it was, the worst mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from firstlight.core.picking import worst_mistakes
from firstlight.core.reports import Report
from firstlight.core.stored import ImageArray
from firstlight.core.verdicts import about_coverage, about_probabilities
from firstlight.draw.answers import MISTAKES_SHOWN
from firstlight.draw.gallery import gallery
from firstlight.draw.html import beside, chart, listed, paragraph, section, table
from firstlight.draw.report_scores import ends, number
from firstlight.draw.report_unlike import unlike_section


def class_sections(
    report: Report, figures: Mapping[str, bytes], images: ImageArray | None, unit: str = ""
) -> list[str]:
    """The sections of a report of `classify`, as HTML.

    Args:
        report: the test report.
        figures: `confusion`, and `reliability` where the report has it, as PNG files.
        images: `(N, H, W, C)` in the report's order, or None.
        unit: that of the pixels.
    """
    return [
        _classes(report, figures),
        _reliability(report, figures),
        _mistakes(report, images, unit),
        unlike_section(report, _right, _words(report), images, unit),
    ]


def _classes(report: Report, figures: Mapping[str, bytes]) -> str:
    rows = [
        (
            row.name,
            number(row.precision, percent=True),
            number(row.recall, percent=True),
            f"{row.f1:.4f}",
            f"{row.count:,}",
        )
        for row in report.per_class
    ]
    explained = (
        "Precision: of the images called so, the share that is. Recall: of the images that are, "
        "the share that was found. F1: both in one number."
    )
    pairs = [(pair.true, pair.predicted, f"{pair.count:,}") for pair in report.confused]
    scores = table(("class", "precision", "recall", "F1", "images"), rows, "Scores of each class")
    confused = table(("true", "predicted", "images"), pairs, "Most confused pairs", words=2)
    alt = "Confusion matrix, rows true, columns predicted; the tables hold its numbers."
    matrix = chart(figures["confusion"], alt, "chart narrow")
    tables = f"{paragraph(explained)}{scores}{confused if pairs else ''}"
    return section("Class by class", beside(tables, matrix))


def _reliability(report: Report, figures: Mapping[str, bytes]) -> str:
    """How often it was right when it was how sure, and what its sets of classes held."""
    trust = report.class_trust
    if trust is None:
        return ""
    rows = [
        (
            f"{100 * row.low:.3g} to {100 * row.high:.3g}",
            f"{row.count:,}",
            f"{100 * row.confidence:.1f}",
            f"{100 * row.accuracy.value:.1f}",
            ends(row.accuracy, percent=True),
        )
        for row in trust.bins
    ]
    explained = (
        "Of the images on which it is 80 % sure, 80 % should be right. Where points lie below "
        "the dashed line, it is surer than it should be."
    )
    heads = ("probability (%)", "images", "mean (%)", "right (%)", "95 % interval")
    words = (
        paragraph(about_probabilities(trust))
        + listed(about_coverage(row, of_classes=True) for row in trust.coverage)
        + paragraph(explained, "quiet")
        + table(heads, rows, "How sure it was, and how often right", words=0)
    )
    alt = "Share that was right against the probability that it gave; the table holds its numbers."
    diagram = chart(figures["reliability"], alt, "chart narrow")
    return section("Can its probabilities be trusted?", beside(words, diagram))


def _mistakes(report: Report, images: ImageArray | None, unit: str) -> str:
    """A gallery of the images where it was most certain of a wrong class."""
    if images is None:
        return ""
    worst = worst_mistakes(report)[:MISTAKES_SHOWN]
    if len(worst) == 0:
        return section("Worst mistakes", paragraph("There are none."))
    explained = "The images on which it was most certain of a wrong class."
    shown = gallery(images, worst, _words(report), unit)
    return section("Worst mistakes", paragraph(explained), shown)


def _words(report: Report) -> Callable[[int], tuple[str, ...]]:
    """Below an image: what was said of it, what is true, and how sure that was."""

    def words(position: int) -> tuple[str, ...]:
        values = report.predictions.values[position]
        true, said = int(report.targets[position]), int(values.argmax())
        name = str(report.predictions.names[position])
        right = "" if said == true else f", not {report.classes[true]}"
        sure = f"{100 * values.max():.1f} % sure"
        return f"{name}, truly {report.classes[true]}", report.classes[said] + right, sure, name

    return words


def _right(report: Report, unlike: NDArray[np.bool_]) -> list[str]:
    """The share that is right of images that look odd, and of all others."""
    right = report.predictions.values.argmax(axis=1) == report.targets
    odd, usual = (number(float(right[chosen].mean()), True) for chosen in (unlike, ~unlike))
    return [f"Of them it names {odd} right, of all others {usual}."]
