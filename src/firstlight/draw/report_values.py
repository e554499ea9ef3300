"""What a report's page says of measured values, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import floor, log10

import numpy as np
from numpy.typing import NDArray

from firstlight.core.notebook import short
from firstlight.core.picking import furthest_off
from firstlight.core.reports import Report
from firstlight.core.stored import ImageArray
from firstlight.core.trust import Trust
from firstlight.core.verdicts import (
    about_coverage,
    about_leak,
    about_worst_bin,
    against_baselines,
    bin_ends,
    by_column,
)
from firstlight.draw.gallery import gallery
from firstlight.draw.html import beside, chart, listed, paragraph, section, table
from firstlight.draw.report_scores import ends, interval, number, score_cards
from firstlight.draw.report_unlike import unlike_section
from firstlight.draw.style import with_unit

SHOWN = 12


def value_sections(
    report: Report, figures: Mapping[str, bytes], images: ImageArray | None, unit: str = ""
) -> list[str]:
    """The sections of a report of `measure`, as HTML; several targets get a section each.

    Args:
        report: the test report.
        figures: what `value_figures` returns, as PNG files.
        images: `(N, H, W, C)` in the report's order, or None.
        unit: that of the pixels.
    """
    names = report.predictions.target_names
    words = _words(report, range(len(names)))
    unlike = unlike_section(report, _off_by, words, images, unit)
    if len(names) == 1:
        return [*_target(report, 0, figures, images, unit), unlike]
    blocks = []
    for k, name in enumerate(names):
        cards = score_cards(report, [t for t in report.scores if t.endswith(f" of {name}")])
        title = with_unit(name, report.predictions.target_units[k])
        blocks.append(section(title, cards, *_target(report, k, figures, images, unit)))
    return [*blocks, unlike]


def figure_name(name: str, report: Report, target: int) -> str:
    """The name of a target's figure: numbered from 1 where there are several targets.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a"]), np.ones((1, 2), np.float32), "measure",
        ...     target_names=("mass", "size"))
        >>> figure_name("residuals", Report("measure", "x", 1, {}, answers, np.ones((1, 2))), 1)
        'residuals-2'
    """
    return name if len(report.predictions.target_names) == 1 else f"{name}-{target + 1}"


def _target(
    report: Report,
    target: int,
    figures: Mapping[str, bytes],
    images: ImageArray | None,
    pixel_unit: str,
) -> list[str]:
    """The sections of one target."""
    name = report.predictions.target_names[target]
    unit = report.predictions.target_units[target]
    level = 2 if len(report.predictions.target_names) == 1 else 3
    trust = next((one for one in report.trust if one.target == name), Trust(name))

    def figure(kind: str, words: str, style: str = "chart") -> str:
        png = figures.get(figure_name(kind, report, target))
        return "" if png is None else chart(png, words, style)

    fit = figure(
        "predicted-against-true",
        f"Predicted against true values of {name}, and their differences below.",
        "chart narrow",
    )
    reading = paragraph("Each dot is an image. Perfect answers lie on the dashed line.", "quiet")
    residuals = figure("residuals", f"Errors of {name} in bins; the tables hold the numbers.")
    calibration = figure("calibration", "Coverage and ranks; the table holds the numbers.")
    first = [
        section("Predicted against true", fit, reading, level=level),
        section("Is it better than simpler ways?", *_baselines(report, trust, unit), level=level),
    ]
    others = {
        "Where is it wrong?": _bins(trust, unit, residuals),
        "Can its intervals be trusted?": _coverage(trust, unit, calibration),
        "Worst images": _worst(report, target, images, pixel_unit),
    }
    return [
        beside(*first),
        *(section(title, *parts, level=level) for title, parts in others.items()),
    ]


def _baselines(report: Report, trust: Trust, unit: str) -> list[str]:
    """The network beside simpler ways, and what a split at random would have shown."""
    rmse, r2 = (report.score_of(kind, trust.target) for kind in ("rmse", "r2"))
    parts = []
    if trust.baselines and rmse is not None:
        parts.append(paragraph(against_baselines(rmse, trust.baselines, unit)))
        ways = [(way.name, way.rmse, way.r2) for way in trust.baselines]
        if r2 is not None:
            ways.insert(0, ("this network", rmse, r2))
        rows = [
            (name, f"{error.value:.3g}", ends(error), f"{fit.value:.3f}")
            for name, error, fit in ways
        ]
        heads = ("way", with_unit("rmse", unit), "95 % interval", "r2")
        parts.append(table(heads, rows, "Simpler ways, judged on the same images"))
    if trust.leak is not None and r2 is not None:
        parts.append(paragraph(about_leak(trust.leak, r2)))
    return parts


def _bins(trust: Trust, unit: str, figure: str) -> list[str]:
    """Errors for each bin of the target and of each other column."""
    columns = by_column(trust.bins)
    worst, tables = [], []
    for name, bins in columns.items():
        column_unit = unit if name == trust.target else ""
        worst.append(about_worst_bin(bins, unit, column_unit))
        bias, rmse = (with_unit(kind, unit) for kind in ("bias", "rmse"))
        heads = (with_unit(name, column_unit), "images", bias, "95 % interval", rmse)
        form = _same_digits([row.rmse for row in bins])
        rows = [
            (
                bin_ends(row),
                f"{row.count:,}",
                form.format(row.bias.value),
                ends(row.bias, form=form),
                form.format(row.rmse),
            )
            for row in bins
        ]
        tables.append(table(heads, rows, f"Errors by {name}", words=0))
    words = "Bias is the mean of predicted minus true: above 0 the values come out too large."
    explained = paragraph(words, "quiet") if columns else ""
    return [*map(paragraph, filter(None, worst)), figure, explained, beside(*tables)]


def _same_digits(values: Sequence[float]) -> str:
    """A format with three digits of the largest of these values, and as many decimals for all.

    Example:
        >>> [_same_digits([0.001, 0.05]).format(x) for x in (0.05, -0.0002)]
        ['0.0500', '-0.0002']
    """
    largest = max(values)
    if not 1e-6 < largest < 1e6:
        return "{:.3g}"
    return f"{{:.{max(0, 2 - floor(log10(largest)))}f}}"


def _coverage(trust: Trust, unit: str, figure: str) -> list[str]:
    """What its intervals held, in words and numbers."""
    if not trust.coverage and not trust.ranks:
        return []
    rows = [
        (
            f"{100 * row.level:g}",
            f"{100 * row.covered.value:.1f}",
            ends(row.covered, percent=True),
            f"{row.width:.3g}",
        )
        for row in trust.coverage
    ]
    heads = ("to hold (%)", "held (%)", "95 % interval", with_unit("mean width", unit))
    parts = [listed(about_coverage(row) for row in trust.coverage), figure]
    if trust.ranks:
        words = (
            "Where true values fell in the distribution that was predicted for each: even is "
            "right. A hump in the middle means too much caution, high ends too little, a slope a "
            "bias."
        )
        parts.append(paragraph(words, "quiet"))
    if rows:
        parts.append(table(heads, rows, "Intervals on these images"))
    if trust.crps is not None:
        score = f"{number(trust.crps.value, unit=unit)}, {interval(trust.crps, unit=unit)}"
        words = (
            f"Continuous ranked probability score: {score.removesuffix(', ')}. It is a mean "
            "distance as the mae is, but of all that was predicted, spread included."
        )
        parts.append(paragraph(words))
    return parts


def _worst(report: Report, target: int, images: ImageArray | None, pixel_unit: str) -> list[str]:
    """A gallery of the images on which it is furthest off."""
    if images is None:
        return []
    worst = furthest_off(report, target)[:SHOWN]
    explained = "The images on which its value is furthest from the true one."
    words = _words(report, [target])
    return [paragraph(explained), gallery(images, worst, words, pixel_unit)]


def _off_by(report: Report, unlike: NDArray[np.bool_]) -> list[str]:
    """The rmse of each target on images that look odd, and on all others."""
    predictions = report.predictions
    squared = (predictions.values.astype(np.float64) - report.targets) ** 2
    odd, usual = (np.sqrt(squared[chosen].mean(axis=0)) for chosen in (unlike, ~unlike))
    return [
        f"On them {name} is off by {short(a, unit)} (root mean square), on all others by "
        f"{short(b, unit)}."
        for name, unit, a, b in zip(
            predictions.target_names, predictions.target_units, odd, usual, strict=True
        )
    ]


def _words(report: Report, targets: Sequence[int]) -> Callable[[int], tuple[str, ...]]:
    """Below an image: what was said of it, what is true, and what else is known."""
    predictions = report.predictions

    def words(position: int) -> tuple[str, ...]:
        name = str(predictions.names[position])
        lines = []
        for k in targets:
            unit = predictions.target_units[k]
            said = short(predictions.values[position, k], unit)
            true = short(report.targets[position, k], unit)
            lines.append(f"{predictions.target_names[k]}: {said}, not {true}")
        known = [f"{title} {short(column[position])}" for title, column in report.columns.items()]
        if report.groups is not None:
            known.append(str(report.groups[position]))
        return name, *lines, *known, name

    return words
