"""Shares and means of images in groups: closed forms, and how often an interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from firstlight.evaluation.intervals import effective_count, mean_score, share_score

GROUPS = np.repeat([f"box {k:02}" for k in range(15)], 36)


def test_images_that_are_independent_count_one_each():
    right = np.random.default_rng(0).random(540) < 0.7
    alone = np.arange(540).astype(str)
    assert effective_count(right, None) == effective_count(right, alone) == 540


def test_groups_that_do_not_differ_count_no_more_than_their_images():
    right = np.arange(540) % 4 > 0  # 27 of 36 in every group
    assert effective_count(right, GROUPS) == 540


def test_groups_that_agree_as_a_whole_count_one_each():
    """Half of many groups are right, as a whole: the variance is that of tossing groups."""
    right = np.repeat(np.arange(400) % 2 == 0, 9)
    groups = np.repeat(np.arange(400).astype(str), 9)
    assert effective_count(right, groups) == pytest.approx(400, rel=0.01)


def test_the_effective_count_is_the_share_s_variance_turned_round():
    """Held against the ratio estimator's textbook variance, for groups of unequal sizes."""
    random = np.random.default_rng(1)
    sizes = random.integers(5, 60, 25)
    groups = np.repeat(np.arange(25).astype(str), sizes)
    right = random.random(len(groups)) < np.repeat(random.beta(4, 2, 25), sizes)
    share = right.mean()
    totals = np.array([right[groups == str(k)].sum() for k in range(25)])
    variance = 25 / 24 * ((totals - share * sizes) ** 2).sum() / sizes.sum() ** 2
    expected = share * (1 - share) / variance
    assert 25 < expected < len(groups)
    assert effective_count(right, groups) == pytest.approx(expected)


def test_images_that_all_agree_are_worth_as_many_as_there_are_largest_groups():
    groups = np.array(["a"] * 6 + ["b"] * 3 + ["c"] * 3)
    assert effective_count(np.ones(12, bool), groups) == 2
    assert share_score(np.ones(12, bool), groups).high == 1
    assert share_score(np.zeros(12, bool), groups).low == 0


def test_without_groups_the_share_has_scipy_s_wilson_interval():
    score = share_score(np.arange(50) < 42, None)
    oracle = stats.binomtest(42, 50).proportion_ci(method="wilson")
    assert (score.value, score.low, score.high) == pytest.approx((0.84, *oracle))


def test_with_groups_the_quantile_is_student_s():
    """At a share of one half Wilson's interval has a short closed form."""
    right = np.repeat(np.arange(20) % 2 == 0, 5)
    score = share_score(right, np.repeat(np.arange(20).astype(str), 5))
    # 20 tosses; their variance is estimated with one degree of freedom less, and never below 20.
    student = stats.t.ppf(0.975, 19)
    half = 0.5 * student / np.sqrt(20 + student**2)
    assert (score.low, score.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_one_group_says_nothing_about_others():
    one = np.repeat("a", 10)
    assert share_score(np.arange(10) < 5, one).low is None
    assert mean_score(np.arange(10.0), one, seed=0).low is None


def test_a_share_s_interval_holds_the_truth_about_as_often_as_it_says():
    """15 groups whose images share part of their error: 95 % where counting images gives 73 %."""
    random = np.random.default_rng(2)
    edge, repeats = stats.norm.ppf(0.95), 1000
    hits = {"groups": 0, "images": 0}
    for _ in range(repeats):
        shared = random.standard_normal((15, 1))
        error = np.sqrt(0.3) * shared + np.sqrt(0.7) * random.standard_normal((15, 36))
        held = (np.abs(error) < edge).ravel()
        for name, groups in (("groups", GROUPS), ("images", None)):
            score = share_score(held, groups)
            hits[name] += score.low <= 0.9 <= score.high
    assert hits["groups"] / repeats == pytest.approx(0.935, abs=3 * np.sqrt(0.06 / repeats))
    assert hits["images"] / repeats < 0.8


def test_the_mean_s_interval_agrees_with_scipy_s_bootstrap():
    values = np.random.default_rng(3).exponential(size=200)
    score = mean_score(values, None, seed=0)
    oracle = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1)
    width = np.diff(oracle.confidence_interval).item()
    assert score.value == pytest.approx(values.mean())
    assert score.low == pytest.approx(oracle.confidence_interval.low, abs=0.1 * width)
    assert score.high == pytest.approx(oracle.confidence_interval.high, abs=0.1 * width)


def test_the_error_of_a_calibration_counts_too():
    """On as many independent images as are judged: the variance of the difference is twice one."""
    right = np.arange(400) < 320
    score = share_score(right, None, calibrated_on=400)
    oracle = stats.binomtest(160, 200).proportion_ci(method="wilson")
    assert (score.low, score.high) == pytest.approx(tuple(oracle))
    # With groups, Student's t widens both parts.
    groups = np.repeat(np.arange(20).astype(str), 20)
    whole = np.repeat(np.arange(20) % 2 == 0, 20)
    student = stats.t.ppf(0.975, 19)
    half = 0.5 * student / np.sqrt(10 + student**2)
    score = share_score(whole, groups, calibrated_on=20)
    assert (score.low, score.high) == pytest.approx((0.5 - half, 0.5 + half))
