"""The scores of a report on its page: the headline, and a card for each."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import isfinite

from firstlight.core.reports import Report, worse_than_mean
from firstlight.core.scores import Score

NO_BREAK = "\N{NO-BREAK SPACE}"
SHARES = ("accuracy", "top_3", "calibration_error")
MEANINGS = {
    "loss": "what the training made small, on these images",
    "accuracy": "share of images whose class was named right",
    "top_3": "true class among the three most probable",
    "calibration_error": "mean distance between how sure it was and how often it was right",
    "rmse": "root of the mean squared error",
    "mae": "mean distance from the true value",
    "bias": "mean of predicted minus true",
    "r2": "share of the targets' variance that is explained; 1 is perfect",
}


def headline(report: Report) -> str:
    """The result in one or two plain sentences.

    Example:
        >>> import numpy as np
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure")
        >>> headline(Report("measure", "sky", 1, {"rmse": Score(0.5)}, answers, np.array([[3.5]])))
        'Its values are off by 0.5 (root mean square) on 1 image that it was not trained on.'
    """
    if report.task == "classify":
        accuracy = report.scores["accuracy"]
        right = round(accuracy.value * report.count)
        return (
            f"It names {number(accuracy.value, percent=True)} right: {right:,} of "
            f"{_images(report.count)} that it was not trained on.{_likely(accuracy, percent=True)}"
        )
    fit = "".join(f"{sentence} " for sentence in worse_than_mean(report))
    tested = f"(root mean square) on {_images(report.count)} that it was not trained on."
    each = {name: report.scores.get(f"rmse of {name}") for name in report.predictions.target_names}
    off = [f"in {name} by {_off(report, f'rmse of {name}')}" for name, rmse in each.items() if rmse]
    if len(off) > 1:
        return f"{fit}Its values are off {', '.join(off)} {tested}"
    likely = _likely(report.scores["rmse"], unit=report.unit_of("rmse"))
    return f"{fit}Its values are off by {_off(report, 'rmse')} {tested}{likely}"


def score_cards(report: Report, titles: Iterable[str]) -> str:
    """One card a score: value, interval, meaning."""
    cards = []
    for title in titles:
        score, unit = report.scores[title], report.unit_of(title)
        kind, of, target = title.partition(" of ")
        shown = kind.replace("_", " ") + of + target
        percent = kind in SHARES
        note = MEANINGS.get(kind, "")
        if score.low is not None and score.high is not None:
            note = f"{interval(score, percent, unit)}. {note[:1].upper()}{note[1:]}"
        cards.append(
            f"<div><dt>{escape(shown)}</dt>"
            f'<dd class="value">{escape(number(score.value, percent, unit))}</dd>'
            f'<dd class="note">{escape(note)}</dd></div>'
        )
    return f'<dl class="scores">{"".join(cards)}</dl>' if cards else ""


def number(value: float | None, percent: bool = False, unit: str = "") -> str:
    """A score in percent or in its unit, a dash where it is not finite.

    Example:
        >>> number(0.25, percent=True).replace(NO_BREAK, " "), number(0.25), number(None)
        ('25.00 %', '0.25', '–')
    """
    if value is None or not isfinite(value):
        return "–"
    if percent:
        return f"{100 * value:.2f}{NO_BREAK}%"
    return f"{value:.4g}{NO_BREAK}{unit}" if unit else f"{value:.4g}"


def interval(score: Score, percent: bool = False, unit: str = "") -> str:
    """The interval of a score in words; "" where it has none.

    Example:
        >>> interval(Score(0.5, 0.4, 0.6), unit="kg").replace(NO_BREAK, " ")
        '0.4 to 0.6 kg (95 % interval)'
    """
    if score.low is None or score.high is None:
        return ""
    low, high = f"{score.low:.3g}", f"{score.high:.3g}{NO_BREAK}{unit}".rstrip(NO_BREAK)
    if percent:
        low, high = number(score.low, percent), number(score.high, percent)
    return f"{low} to {high} ({100 * score.level:.0f}{NO_BREAK}% interval)"


def ends(score: Score, percent: bool = False, form: str = "{:.3g}") -> str:
    """The same as a cell of a table, whose head says the level and the unit.

    Example:
        >>> ends(Score(0.5, 0.4123, 0.6)), ends(Score(0.5, 0.4, 0.6), percent=True), ends(Score(0))
        ('0.412 to 0.6', '40.0 to 60.0', '–')
    """
    if score.low is None or score.high is None:
        return "–"
    if percent:
        return f"{100 * score.low:.1f} to {100 * score.high:.1f}"
    return f"{form.format(score.low)} to {form.format(score.high)}"


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _off(report: Report, title: str) -> str:
    return f"{report.scores[title].value:.3g} {report.unit_of(title)}".rstrip()


def _likely(score: Score, percent: bool = False, unit: str = "") -> str:
    words = interval(score, percent, unit)
    return f" Other images of this kind would give {words}." if words else ""
