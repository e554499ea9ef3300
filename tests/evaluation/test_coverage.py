"""Coverage, CRPS and ranks: integrals by SciPy, and answers whose uncertainty is exactly right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from firstlight.core.errors import DataError
from firstlight.evaluation.coverage import coverage, gaussian_crps, mean_crps, ranks
from firstlight.evaluation.intervals import share_score

LEVELS = (0.5, 0.68, 0.9, 0.95)


@pytest.fixture(scope="module")
def posterior():
    """Truths from a standard normal, seen with known noise: mean and spread of each posterior."""
    random = np.random.default_rng(0)
    truth = random.standard_normal(20_000)
    noise = random.uniform(0.2, 2, 20_000)
    seen = truth + noise * random.standard_normal(20_000)
    return truth, seen / (1 + noise**2), noise / np.sqrt(1 + noise**2)


def test_an_exact_posterior_covers_what_it_says(posterior):
    truth, mean, spread = posterior
    reach = stats.norm.ppf((1 + np.array(LEVELS)) / 2) * spread[:, None]
    found = coverage(truth, np.stack([mean[:, None] - reach, mean[:, None] + reach], 2), LEVELS)
    for level, record, width in zip(LEVELS, found, 2 * reach.mean(axis=0), strict=True):
        error = np.sqrt(level * (1 - level) / len(truth))
        assert record.level == level
        assert record.covered.value == pytest.approx(level, abs=3 * error)
        assert record.covered.high - record.covered.low == pytest.approx(3.92 * error, rel=0.05)
        assert record.width == pytest.approx(width)


def test_ends_belong_to_the_interval_and_groups_to_the_error():
    truth = np.array([0.0, 1.0, 1.5, -0.5])
    ends = np.tile([[[0.0, 1.0]]], (4, 1, 1))
    groups = np.array(["a", "a", "b", "c"])
    [record] = coverage(truth, ends, [0.9], groups)
    assert record.covered.value == 0.5
    held = np.array([True, True, False, False])
    assert record.covered == share_score(held, groups)
    [record] = coverage(truth, ends, [0.9], groups, [7.0])
    assert record.covered == share_score(held, groups, 7.0)


def test_intervals_of_other_images_are_refused():
    with pytest.raises(DataError, match=r"each of 3 images and 1 levels, but shape \(2, 1, 2\)"):
        coverage(np.zeros(3), np.zeros((2, 1, 2)), [0.9])


@pytest.mark.parametrize(("truth", "mean", "spread"), [(0.3, 0.5, 0.1), (-4, 2, 1.5), (7, 7, 3)])
def test_crps_is_the_integral_that_defines_it(truth, mean, spread):
    def squared(x):
        return (stats.norm.cdf(x, mean, spread) - (x >= truth)) ** 2

    far = 12 * spread
    below, _ = integrate.quad(squared, min(truth, mean) - far, truth)
    above, _ = integrate.quad(squared, truth, max(truth, mean) + far)
    [found] = gaussian_crps(np.array([truth]), np.array([mean]), np.array([spread]))
    assert found == pytest.approx(below + above, rel=1e-6)


def test_crps_of_an_exact_posterior_is_its_expectation(posterior):
    """The mean of a calibrated normal distribution's CRPS is spread / sqrt(pi)."""
    truth, mean, spread = posterior
    each = gaussian_crps(truth, mean, spread)
    expected = spread.mean() / np.sqrt(np.pi)
    assert each.mean() == pytest.approx(expected, abs=3 * each.std() / np.sqrt(len(each)))
    score = mean_crps(truth[:500], mean[:500], spread[:500])
    assert score.value == pytest.approx(each[:500].mean())
    assert score.high - score.low == pytest.approx(3.92 * each[:500].std() / np.sqrt(500), rel=0.1)


def test_groups_widen_the_interval_of_the_crps(posterior):
    """Ten copies of each image say no more than one."""
    truth, mean, spread = (np.repeat(part[:50], 10) for part in posterior)
    groups = np.repeat(np.arange(50).astype(str), 10)
    alone, whole = (mean_crps(truth, mean, spread, each) for each in (None, groups))
    assert (whole.high - whole.low) / (alone.high - alone.low) == pytest.approx(10**0.5, rel=0.15)


def test_ranks_of_an_exact_posterior_are_even(posterior):
    truth, mean, spread = posterior
    assert stats.chisquare(ranks(truth, mean, spread)).pvalue > 0.01
    narrow, wide = ranks(truth, mean, spread / 2), ranks(truth, mean, spread * 2)
    assert narrow[0] + narrow[9] > 2 * 4000 * 0.9
    assert wide[4] + wide[5] > 1.5 * 4000
    shifted = ranks(truth, mean - 2 * spread, spread)
    assert shifted[9] > 0.6 * len(truth)


def test_ranks_count_every_image_in_its_tenth():
    tenths = np.array([0.05, 0.15, 0.15, 0.95, 0.999999, 1.0])
    truth = np.append(stats.norm.ppf(tenths[:-1]), 50.0)  # far out: rounded to a whole 1
    assert ranks(truth, np.zeros(6), np.ones(6)) == (1, 2, 0, 0, 0, 0, 0, 0, 0, 3)


@pytest.mark.parametrize("function", [gaussian_crps, ranks])
def test_no_spread_is_refused(function):
    with pytest.raises(DataError, match="spreads above 0"):
        function(np.zeros(2), np.zeros(2), np.array([1.0, 0.0]))
