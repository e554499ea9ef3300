"""Calibrated intervals, held against MAPIE, exact posteriors and the theorems that they rest on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mapie.conformity_scores import ResidualNormalisedScore
from mapie.regression import SplitConformalRegressor
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin

from firstlight.core.errors import DataError, RunError
from firstlight.evaluation.conformal import (
    LEVELS,
    IntervalCalibration,
    calibrate_intervals,
    conformal_thresholds,
    guaranteed_shares,
)
from firstlight.evaluation.coverage import coverage


class Column(RegressorMixin, BaseEstimator):
    """Answers with one column of what it is asked."""

    def __init__(self, column=0):
        self.column = column

    def fit(self, rows, targets=None):
        self.fitted_ = True
        return self

    def predict(self, rows):
        return rows[:, self.column]


def held(targets, intervals):
    """`(L,)` share of the targets `(N, 1)` that lie in `(N, 1, L, 2)`."""
    inside = (intervals[:, 0, :, 0] <= targets) & (targets <= intervals[:, 0, :, 1])
    return inside.mean(axis=0)


@pytest.mark.parametrize("with_spread", [False, True])
def test_without_groups_it_is_mapie_s_split_conformal(with_spread):
    random = np.random.default_rng(0)
    table = np.stack([random.normal(size=200), random.uniform(0.5, 2, 200)], axis=1)
    targets = table[:, 0] + table[:, 1] * random.standard_t(4, 200)
    new = np.stack([random.normal(size=50), random.uniform(0.5, 2, 50)], axis=1)
    score = ResidualNormalisedScore(Column(1).fit(table), prefit=True)
    mapie = SplitConformalRegressor(
        Column().fit(table),
        confidence_level=LEVELS,
        conformity_score=score if with_spread else "absolute",
        prefit=True,
    )
    _, oracle = mapie.conformalize(table, targets).predict_interval(new)
    spreads, asked = (table[:, 1:], new[:, 1:]) if with_spread else (None, None)
    calibration = calibrate_intervals(targets[:, None], table[:, :1], spreads)
    intervals = calibration.intervals(new[:, :1], asked)[:, 0]
    assert intervals == pytest.approx(oracle.transpose(0, 2, 1), rel=1e-5, abs=1e-5)
    assert calibration.guaranteed == LEVELS
    assert calibration.groups is None


def test_factors_of_an_exact_posterior_are_normal_quantiles():
    random = np.random.default_rng(1)
    truth, noise = random.standard_normal((20_000, 1)), random.uniform(0.2, 2, (20_000, 1))
    seen = truth + noise * random.standard_normal(truth.shape)
    mean, spread = seen / (1 + noise**2), noise / np.sqrt(1 + noise**2)
    calibration = calibrate_intervals(truth, mean, spread)
    for level, factor in zip(LEVELS, calibration.factors[0], strict=True):
        quantile = stats.norm.ppf((1 + level) / 2)
        error = np.sqrt(level * (1 - level) / 20_000) / (2 * stats.norm.pdf(quantile))
        assert factor == pytest.approx(quantile, abs=3 * error)


def grouped(random, groups, of_each, shared):
    """Truths of which a share is common to a group, answers with exact posterior, labels."""
    common = np.repeat(random.standard_normal(groups), of_each)
    own = random.standard_normal(groups * of_each)
    truth = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    seen = truth + random.standard_normal(len(truth))
    labels = np.repeat(np.arange(groups).astype(str), of_each)
    return truth[:, None], seen[:, None] / 2, np.full((len(truth), 1), 0.5**0.5), labels


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.95])
def test_new_groups_are_covered_as_often_as_is_said(shared):
    """The mean over 300 calibrations with 15 groups of 20 images, each tried on 20 new groups."""
    random, repeats = np.random.default_rng(2), 300
    shares = np.empty((repeats, len(LEVELS)))
    for row in shares:
        truth, values, spreads, labels = grouped(random, 15, 20, shared)
        calibration = calibrate_intervals(truth, values, spreads, labels)
        truth, values, spreads, _ = grouped(random, 20, 20, shared)
        row[:] = held(truth, calibration.intervals(values, spreads))
    error = shares.std(axis=0) / np.sqrt(repeats)
    assert (shares.mean(axis=0) > np.array(LEVELS) - 3 * error).all()
    assert (shares.mean(axis=0) < np.array(LEVELS) + 3 * error + 0.01).all()
    assert (shares.mean(axis=0) > np.array(calibration.guaranteed)).all()


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_a_sound_calibration_is_not_taken_for_a_bad_one(shared):
    """15 groups to calibrate on, 30 to test: the level lies in nearly every interval.

    In nearly all where images are independent: Student's t then asks for too much.
    """
    random, repeats = np.random.default_rng(8), 200
    hits = {"both": np.zeros(4), "test": np.zeros(4)}
    for _ in range(repeats):
        calibration = calibrate_intervals(*grouped(random, 15, 20, shared))
        truth, values, spreads, labels = grouped(random, 30, 20, shared)
        ends = calibration.intervals(values, spreads)[:, 0]
        for name, worth in (("both", calibration.effective[0]), ("test", None)):
            found = coverage(truth[:, 0], ends, LEVELS, labels, worth)
            hits[name] += [row.covered.low <= row.level <= row.covered.high for row in found]
    error = np.sqrt(0.95 * 0.05 / repeats)
    assert (hits["both"] / repeats > 0.95 - 3 * error).all()
    assert (hits["test"] / repeats < 0.9).all()


def test_groups_that_err_as_a_whole_need_a_correction_by_groups():
    """Then the scores of 15 groups are 15 numbers, and ranks of them the only fair rule."""
    scores = np.repeat(np.arange(1.0, 16.0), 36)
    groups = np.repeat(np.arange(15).astype(str), 36)
    thresholds, worth = conformal_thresholds(scores, LEVELS, groups)
    # 0.95 of 16 is more than there are: the greatest that was seen, and no promise.
    assert thresholds == (8, 11, 15, 15)
    assert worth == (15, 15, 15, 15)
    assert guaranteed_shares([0.95], 540, groups)[0] == pytest.approx(0.95 * 541 / 576, abs=2e-3)


def test_independent_images_need_no_correction_by_groups():
    scores = np.random.default_rng(3).permutation(np.arange(1.0, 541.0))
    groups = np.repeat(np.arange(15).astype(str), 36)
    assert conformal_thresholds(scores, [0.9], None) == ((487,), (540,))  # 0.9 * 541 = 486.9
    (threshold,), (worth,) = conformal_thresholds(scores, [0.9], groups)
    assert 540 * 14 / stats.chi2.ppf(0.999, 14) < worth <= 540  # a variance from 15 numbers
    assert 487 <= threshold <= 489  # by groups it would be 0.9 * 576 = 519


def test_few_images_give_the_greatest_score_and_no_promise():
    assert conformal_thresholds(np.array([3.0, 1.0, 2.0]), [0.9], None) == ((3,), (3,))
    assert guaranteed_shares([0.9], 3, None) == (0.75,)


def test_the_guarantee_is_met_by_the_worst_groups():
    """Groups of very different sizes that are held or missed as a whole, the large ones worse.

    A plain quantile over images is at its weakest here; the theorem has to hold all the same.
    """
    random, repeats = np.random.default_rng(4), 4000
    sizes = random.choice([1, 5, 30], (repeats, 11))
    scores = random.random((repeats, 11)) * np.sqrt(sizes)
    held_images = all_images = promised = 0.0
    for size, score in zip(sizes, scores, strict=True):
        labels = np.repeat(np.arange(10).astype(str), size[:10])
        scores = np.repeat(score[:10], size[:10])
        (threshold,), _ = conformal_thresholds(scores, [0.8], labels)
        held_images += size[10] * (score[10] <= threshold)
        all_images += size[10]
        promised += size[10] * guaranteed_shares([0.8], len(labels), labels)[0]
    assert held_images / all_images > promised / all_images


@pytest.fixture(scope="module")
def fractions():
    """Fractions near 1 seen as 5 hits and misses: posterior mean and spread are those of a beta."""
    random = np.random.default_rng(5)
    truth = random.beta(6, 1, (4000, 1))
    hits = random.binomial(5, truth)
    posterior = stats.beta(6 + hits, 1 + 5 - hits)
    return truth, posterior.mean(), posterior.std()


def test_a_fraction_s_intervals_stay_within_its_bounds_and_hold(fractions):
    truth, values, spreads = (part[:2000] for part in fractions)
    calibration = calibrate_intervals(truth, values, spreads, bounds=[(0.0, 1.0)])
    truth, values, spreads = (part[2000:] for part in fractions)
    intervals = calibration.intervals(values, spreads)
    assert intervals.min() >= 0
    assert intervals.max() == 1
    for level, share in zip(LEVELS, held(truth, intervals), strict=True):
        # Both halves of the data are drawn.
        assert share == pytest.approx(level, abs=3 * np.sqrt(2 * level * (1 - level) / 2000))


def test_a_spread_that_vanishes_near_the_bound_breaks_nothing(fractions):
    """Every tenth answer is too sure of itself by far; without a floor its scores are endless."""
    truth, values, spreads = (part.copy() for part in fractions)
    honest = calibrate_intervals(truth[:2000], values[:2000], spreads[:2000])
    spreads[::10] = 1e-6
    sure = calibrate_intervals(truth[:2000], values[:2000], spreads[:2000], bounds=[(0, 1)])
    shares = held(truth[2000:], sure.intervals(values[2000:], spreads[2000:]))
    for level, share in zip(LEVELS, shares, strict=True):
        assert share == pytest.approx(level, abs=3 * np.sqrt(2 * level * (1 - level) / 2000))
    assert sure.factors[0][2] < 10 * honest.factors[0][2]


def test_a_value_outside_the_bounds_counts_as_at_the_bound():
    targets = np.full((99, 1), 0.5)
    calibration = calibrate_intervals(targets, np.full((99, 1), 0.4), bounds=[(0, 1)])
    [[interval]] = calibration.intervals(np.array([[1.7]]))
    assert interval == pytest.approx(np.tile([0.9, 1.0], (4, 1)))
    far = calibrate_intervals(np.ones((99, 1)), np.full((99, 1), 5.0), bounds=[(0, 1)])
    assert far.factors == ((0, 0, 0, 0),)


def test_intervals_of_rising_levels_lie_within_each_other():
    random = np.random.default_rng(6)
    truth, values, spreads, labels = grouped(random, 8, 5, 0.7)
    for seed in range(50):
        index = np.random.default_rng(seed).permutation(40)
        calibration = calibrate_intervals(truth[index], values, spreads, labels)
        ends = calibration.intervals(values, spreads)
        assert (np.diff(ends[..., 0], axis=2) <= 0).all()
        assert (np.diff(ends[..., 1], axis=2) >= 0).all()


def test_a_higher_level_never_asks_for_less():
    """Between 0.85 and 0.86 these groups come to agree, and the rank falls from 14 to 13."""
    groups = np.array(list("bcacabaaccbcaa"))
    ordered = np.arange(14.0)[:, None]
    calibration = calibrate_intervals(ordered, np.zeros((14, 1)), None, groups, levels=(0.85, 0.86))
    assert calibration.effective[0][0] < calibration.effective[0][1]
    assert calibration.factors == ((13, 13),)


def test_each_target_has_its_own_calibration():
    random = np.random.default_rng(7)
    truth = random.normal(size=(300, 2)) * [1, 10]
    both = calibrate_intervals(truth, np.zeros((300, 2)))
    alone = [calibrate_intervals(truth[:, [k]], np.zeros((300, 1))) for k in (0, 1)]
    assert both.factors == (alone[0].factors[0], alone[1].factors[0])
    assert both.intervals(np.zeros((5, 2))).shape == (5, 2, 4, 2)


def test_a_calibration_goes_to_json_and_back(fractions):
    truth, values, spreads = (part[:100] for part in fractions)
    labels = np.repeat(np.arange(10).astype(str), 10)
    for spread, groups, bounds in ((spreads, labels, [(0.0, None)]), (None, None, None)):
        calibration = calibrate_intervals(truth, values, spread, groups, bounds=bounds)
        text = json.dumps(calibration.as_dict(), allow_nan=False)
        assert IntervalCalibration.from_dict(json.loads(text)) == calibration
    assert (calibration.images, calibration.groups) == (100, None)


@pytest.mark.parametrize("document", [{}, {"levels": [0.5]}, None, {"of": "something else"}])
def test_what_is_no_calibration_is_refused(document):
    with pytest.raises(RunError, match="it is damaged"):
        IntervalCalibration.from_dict(document)


GOOD = {"targets": np.ones((4, 1)), "values": np.ones((4, 1)), "spreads": np.ones((4, 1))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": np.array(["a"] * 4)}, "groups of images to calibrate on, two or more, but 1"),
        ({key: part[:1] for key, part in GOOD.items()}, "images to calibrate on, two or more"),
        ({"groups": np.array(["a", "b"])}, "one group for each of 4 images"),
        ({"targets": np.ones((4, 2))}, r"targets of shape \(4, 2\) and 1 bounds"),
        ({"bounds": [(0, 1), (0, 1)]}, r"and 2 bounds came for values of shape \(4, 1\)"),
        ({"bounds": [(0, 0.5)]}, r"within their bounds \(0 to 0.5\), but 1.0 to 1.0"),
        ({"targets": np.full((4, 1), np.nan)}, "targets within their bounds"),
        ({"values": np.full((4, 1), np.inf)}, "finite values and spreads"),
        ({"spreads": np.full((4, 1), -1.0)}, "spreads of 0 or more"),
        ({"spreads": np.zeros((4, 1))}, "calibrate without spreads"),
        ({"spreads": np.ones((3, 1))}, r"spreads of shape \(3, 1\)"),
    ],
)
def test_what_cannot_be_calibrated_on_is_refused(change, message):
    with pytest.raises(DataError, match=message):
        calibrate_intervals(**(GOOD | change))


def test_answers_of_another_kind_are_refused():
    calibration = calibrate_intervals(**GOOD)
    with pytest.raises(DataError, match=r"with spreads as in calibration, but .* came without"):
        calibration.intervals(np.ones((3, 1)))
    with pytest.raises(DataError, match=r"Expected 1 values for each image"):
        calibration.intervals(np.ones((3, 2)), np.ones((3, 2)))
