"""Several runs side by side on one page: what differs, and whether it is more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from firstlight.core.comparison import Comparison
from firstlight.draw.curves import comparison_figure
from firstlight.draw.html import as_words, chart, page, paragraph, section, table
from firstlight.draw.style import to_png


def comparison_page(
    comparison: Comparison,
    epochs: Mapping[str, list[dict[str, Any]]],
) -> str:
    """The comparison of runs as one HTML file that loads nothing.

    Args:
        comparison: the runs held against the first one.
        epochs: one dictionary an epoch, by run name (see `training_curves`).

    Returns:
        The page; every text in it is escaped.

    Example:
        >>> page = comparison_page(Comparison("classify", 10, ("a", "b"), ()), {})
        >>> "compared on the same 10 images" in page
        True
    """
    names = ", ".join(comparison.runs)
    sentences = [paragraph(d.sentence + ".", "result") for d in comparison.differences]
    trained = {run: list(history) for run, history in epochs.items() if history}
    curves = chart(to_png(comparison_figure(trained)), f"Curves of {names}.") if trained else ""
    note = (
        "The test is about these trained networks. Another seed moves a result too: to say that "
        "one recipe is better, train each with several seeds."
    )
    body = [
        paragraph(f"compared on the same {comparison.count:,} images", "over"),
        f"<h1>{escape(names)}</h1>",
        *sentences,
        paragraph(note, "quiet"),
        section("Scores", _scores(comparison)),
        section("Training", curves),
        section("Settings that differ", _differing(comparison)),
    ]
    return page(f"{names}: firstlight comparison", "\n".join(part for part in body if part))


def _scores(comparison: Comparison) -> str:
    if not comparison.differences:
        return ""
    first, *_ = comparison.differences
    form = ".2%" if first.score == "accuracy" else ".4f"
    rows = [(first.first, _score(first.first_value, form), "–", "–", "–")]
    for d in comparison.differences:
        low, high = d.change.low or 0.0, d.change.high or 0.0
        interval = f"{_score(low, '+' + form)} to {_score(high, '+' + form)}"
        rows.append(
            (
                d.second,
                _score(d.second_value, form),
                _score(d.change.value, "+" + form),
                interval,
                f"{d.adjusted_p_value:.3g}",
            )
        )
    heads = ("run", first.score, "difference", "95 % interval", "p")
    return table(heads, rows, f"Each run against {first.first}")


def _score(value: float, form: str) -> str:
    return format(value, form).replace("%", "\N{NO-BREAK SPACE}%")


def _differing(comparison: Comparison) -> str:
    """One row a setting that is not the same in all runs."""
    if not comparison.settings:
        return paragraph("None.")
    rows = [
        (name.replace("_", " "), *(as_words(values[run]) for run in comparison.runs))
        for name, values in comparison.settings.items()
    ]
    return table(("setting", *comparison.runs), rows, words=1 + len(comparison.runs))
