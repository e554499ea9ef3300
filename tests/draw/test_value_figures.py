"""Figures of measured values and of their trust, read back from the artists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from scipy import stats

from firstlight.core.reports import Predictions, Report
from firstlight.core.scores import Score
from firstlight.core.trust import Coverage, ReliabilityBin, Trust
from firstlight.draw import (
    calibration_figure,
    predicted_against_true,
    reliability_figure,
    report_figures,
    residuals_figure,
    to_pngs,
)
from firstlight.draw.calibration import even_band
from firstlight.draw.style import NEGATIVE, POSITIVE
from firstlight.evaluation import evaluate


def dots(axes: Axes, name: str) -> np.ndarray:
    """The (n, 2) points of a series."""
    line = next(line for line in axes.lines if line.get_label() == name)
    return np.stack(line.get_data(), axis=1)


def bars(axes: Axes, k: int = 0) -> np.ndarray:
    """The (n, 3) of x, low and high of vertical lines."""
    segments = np.array(axes.collections[k].get_segments())
    assert np.array_equal(segments[:, 0, 0], segments[:, 1, 0])
    return np.stack([segments[:, 0, 0], segments[:, 0, 1], segments[:, 1, 1]], axis=1)


def plain_report() -> Report:
    random = np.random.default_rng(0)
    targets = random.normal(size=(20, 2)).astype(np.float32)
    predictions = Predictions(
        np.array([str(k) for k in range(20)]),
        targets + np.float32(0.1),
        "measure",
        target_names=("x", "y"),
        target_units=("K", ""),
    )
    return evaluate(predictions, targets, "sky, test")


def test_values_without_intervals_are_all_shown_without_bars():
    report = plain_report()
    true, value = report.targets[:, 0], report.predictions.values[:, 0]
    figure = predicted_against_true(report)
    above, below = figure.axes
    assert (below.get_xlabel(), above.get_ylabel()) == ("true x (K)", "predicted x (K)")
    assert predicted_against_true(report, 1).axes[1].get_xlabel() == "true y"
    assert above.get_title("left").startswith("rmse 0.1 K, r2 0.9")
    assert np.array_equal(dots(above, "images"), np.stack([true, value], axis=1))
    difference = value.astype(np.float64) - true.astype(np.float64)
    assert np.array_equal(dots(below, "images")[:, 1], difference)
    assert above.get_xlim() == above.get_ylim() == below.get_xlim()
    assert len(above.collections) == 0
    assert figure.texts[0].get_text() == ""


def test_two_hundred_of_many_images_are_drawn_with_their_intervals(sky_report):
    report = sky_report(1)
    figure = predicted_against_true(report)
    above, below = figure.axes
    assert figure.texts[0].get_text().split("\n") == [
        "Error bars: 68 % intervals. 200 of 360 images, drawn at random.",
        "Orange: images unlike the training images.",
    ]
    lines, differences = bars(above), bars(below)
    assert len(lines) == 200
    true = report.targets[:, 0].astype(np.float64)
    place = [int(np.flatnonzero(true == x)[0]) for x in lines[:, 0]]
    assert len(set(place)) == 200
    level = report.predictions.levels.index(0.68)
    assert np.array_equal(lines[:, 1:], report.predictions.intervals[place, 0, level])
    assert differences[:, 1:] == pytest.approx(lines[:, 1:] - lines[:, :1])
    again = bars(predicted_against_true(report).axes[0])
    assert np.array_equal(again, lines)


def test_odd_images_are_orange(sky_report):
    report = sky_report(1)
    above = predicted_against_true(report).axes[0]
    usual, odd = dots(above, "images"), dots(above, "unlike the training images")
    assert len(usual) + len(odd) == 200
    unlike = set(report.targets[report.predictions.unlike, 0].tolist())
    assert set(odd[:, 0]) <= unlike
    assert not set(usual[:, 0]) & unlike
    line = next(line for line in above.lines if line.get_label().startswith("unlike"))
    assert to_hex(line.get_color()) == NEGATIVE.lower()


def test_a_spread_takes_the_place_of_intervals(sky_report):
    report = sky_report(1)
    answers = replace(report.predictions, intervals=None, levels=())
    report = replace(report, predictions=answers)
    figure = predicted_against_true(report)
    assert figure.texts[0].get_text().startswith("Error bars: the spread it gives.")
    lines = bars(figure.axes[0])
    true = report.targets[:, 0].astype(np.float64)
    place = [int(np.flatnonzero(true == x)[0]) for x in lines[:, 0]]
    assert lines[:, 2] - lines[:, 1] == pytest.approx(2 * answers.spread[place, 0], rel=1e-5)


def test_one_image_can_be_drawn(sky_report):
    report = sky_report(1)
    answers = Predictions(
        np.array(["a"]), np.array([[0.5]], np.float32), "measure", target_names=("xHI",),
        target_units=("",),
    )  # fmt: skip
    report = Report("measure", "x", 1, {}, answers, np.array([[0.5]], np.float32))
    pngs = to_pngs(report_figures(report, []))
    assert list(pngs) == ["predicted-against-true"]
    assert pngs["predicted-against-true"].startswith(b"\x89PNG")


def test_residuals_have_a_panel_for_each_column(sky_report):
    (trust,) = sky_report(1).trust
    target, z = residuals_figure(trust, "kK").axes
    assert (target.get_xlabel(), z.get_xlabel()) == ("xHI (kK)", "z")
    assert target.get_ylabel() == "predicted minus true (kK)"
    bins = [row for row in trust.bins if row.column == "z"]
    bias, rmse = dots(z, "bias with its interval"), dots(z, "rmse")
    assert bias[:, 0].tolist() == rmse[:, 0].tolist() == [7, 8, 9, 10]
    assert bias[:, 1].tolist() == [row.bias.value for row in bins]
    assert rmse[:, 1].tolist() == [row.rmse for row in bins]
    assert bars(z)[:, 1:].tolist() == [[row.bias.low, row.bias.high] for row in bins]
    assert [tick.get_text() for tick in z.get_xticklabels()] == ["7", "8", "9", "10"]
    assert len(bars(target)) == 8
    assert target.get_ylim() == z.get_ylim()
    low, high = z.get_ylim()
    assert all(low < end < high for row in trust.bins for end in (row.bias.low, row.rmse))


def test_bins_without_intervals_are_drawn(sky_report):
    (trust,) = sky_report(1).trust
    bare = tuple(replace(row, bias=Score(row.bias.value)) for row in trust.bins)
    axes = residuals_figure(replace(trust, bins=bare)).axes[0]
    assert np.array_equal(bars(axes)[:, 1], bars(axes)[:, 2])


def test_coverage_stands_beside_the_diagonal(sky_report):
    (trust,) = sky_report(1).trust
    coverage, _ = calibration_figure(trust).axes
    points = dots(coverage, "measured")
    assert points[:, 0].tolist() == [0.5, 0.68, 0.9, 0.95]
    assert points[:, 1].tolist() == [row.covered.value for row in trust.coverage]
    ends = [[row.covered.low, row.covered.high] for row in trust.coverage]
    assert bars(coverage)[:, 1:].tolist() == ends
    assert dots(coverage, "as promised").tolist() == [[0, 0], [1, 1]]


def test_ranks_lie_over_the_band_of_an_even_histogram(sky_report):
    (trust,) = sky_report(1).trust
    _, ranks = calibration_figure(trust).axes
    steps, band = ranks.patches[0], ranks.patches[1]
    assert steps.get_data().values.tolist() == list(trust.ranks)
    assert steps.get_data().edges == pytest.approx(np.linspace(0, 1, 11))
    low, high = stats.binom.ppf([0.025, 0.975], 360, 0.1)
    assert (band.get_y(), band.get_y() + band.get_height()) == (low, high)


@pytest.mark.parametrize(("count", "bins"), [(1000, 10), (360, 10), (7, 3), (3, 10), (1, 1)])
def test_the_band_is_the_binomials(count, bins):
    assert even_band(count, bins) == tuple(stats.binom.ppf([0.025, 0.975], count, 1 / bins))


def test_what_is_not_known_has_no_panel():
    ranks = calibration_figure(Trust("x", ranks=(3, 4)))
    coverage = calibration_figure(Trust("x", coverage=(Coverage(0.9, Score(0.8), 1.0),)))
    assert [axes.get_title("left") for axes in ranks.axes] == ["where true values fell"]
    assert [axes.get_title("left") for axes in coverage.axes] == ["coverage"]
    assert len(coverage.axes[0].collections) == 0


def test_reliability_shows_how_often_and_how_many():
    bins = (
        ReliabilityBin(0.5, 0.75, 40, 0.66, Score(0.6, 0.5, 0.7)),
        ReliabilityBin(0.75, 1.0, 160, 0.9, Score(0.95)),
    )
    above, below = reliability_figure(bins).axes
    assert dots(above, "measured").tolist() == [[0.66, 0.6], [0.9, 0.95]]
    assert bars(above).tolist() == [[0.66, 0.5, 0.7]]
    bars_below = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in below.patches]
    assert bars_below == [(0.5, 0.25, 40), (0.75, 0.25, 160)]
    assert above.get_xlim() == below.get_xlim()
    line = next(line for line in above.lines if line.get_label() == "measured")
    assert to_hex(line.get_color()) == POSITIVE.lower()


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (1, ["predicted-against-true", "residuals", "calibration"]),
        (2, ["predicted-against-true-1", "residuals-1", "calibration-1",
             "predicted-against-true-2", "residuals-2", "calibration-2"]),
    ],
)  # fmt: skip
def test_each_target_has_its_figures(targets, names, sky_report):
    report = sky_report(targets)
    assert list(report_figures(report, [])) == names
    bare = report_figures(replace(report, trust=()), [])
    assert list(bare) == [name for name in names if name.startswith("predicted")]


def test_hostile_names_can_be_drawn(sky_report):
    report = sky_report(1)
    name = "$\\frac{$ 猫\n<script>"
    answers = replace(report.predictions, target_names=(name,), target_units=("$_{",))
    bins = tuple(replace(row, column=f"{row.column}$\\frac{{$") for row in report.trust[0].bins)
    trust = replace(report.trust[0], target=name, bins=bins)
    hostile = replace(report, predictions=answers, trust=(trust,))
    assert len(to_pngs(report_figures(hostile, []))) == 3
