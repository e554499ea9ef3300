"""Errors by bin, held against pandas, SciPy and numbers by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from firstlight.evaluation.bins import error_bins


@pytest.fixture
def sky():
    """400 images of 20 boxes; the error differs by box and redshift, and grows with the truth."""
    random = np.random.default_rng(0)
    truth = random.uniform(size=400)
    redshift = np.tile([7.0, 8.0, 9.0, 10.0], 100)
    values = truth + 0.1 * (redshift - 8) + truth * random.normal(scale=0.1, size=400)
    values += np.repeat(random.normal(scale=0.2, size=20), 20)
    return truth, values, redshift, np.repeat(np.arange(20), 20).astype(str)


def test_few_values_have_a_bin_each(sky):
    truth, values, redshift, groups = sky
    bins = error_bins(truth, values, {"z": redshift}, groups)
    table = pd.DataFrame({"z": redshift, "error": values - truth}).groupby("z")["error"]
    assert [(b.column, b.low, b.high) for b in bins] == [("z", z, z) for z in (7, 8, 9, 10)]
    assert [b.count for b in bins] == table.count().tolist()
    assert [b.bias.value for b in bins] == pytest.approx(table.mean().tolist())
    rmse = table.apply(lambda error: (error**2).mean() ** 0.5)
    assert [b.rmse for b in bins] == pytest.approx(rmse.tolist())


def test_a_rare_value_among_few_has_its_own_bin():
    column = np.repeat([7.0, 8.0, 9.0], [97, 1, 2])
    bins = error_bins(np.zeros(100), np.ones(100), {"z": column})
    assert [(b.low, b.high, b.count) for b in bins] == [(7, 7, 97), (8, 8, 1), (9, 9, 2)]


def test_many_values_have_ten_bins_of_equal_count(sky):
    truth, values, *_ = sky
    bins = error_bins(truth, values, {"xHI": truth})
    tenth = pd.qcut(truth, 10, labels=False)
    assert [b.count for b in bins] == [40] * 10
    for k, found in enumerate(bins):
        assert (found.low, found.high) == (truth[tenth == k].min(), truth[tenth == k].max())
        assert found.bias.value == pytest.approx((values - truth)[tenth == k].mean())


def test_equal_values_stay_together():
    column = np.concatenate([np.zeros(80), np.arange(1.0, 21)])
    bins = error_bins(np.zeros(100), np.ones(100), {"x": column})
    assert (bins[0].low, bins[0].high, bins[0].count) == (0, 0, 80)
    assert sum(b.count for b in bins) == 100
    assert all(one.high < two.low for one, two in pairwise(bins))


def test_the_interval_of_a_bias_is_scipy_s_bootstrap(sky):
    truth, values, redshift, groups = sky
    error = values - truth
    [first, *_] = error_bins(truth, values, {"z": redshift}, groups)
    own = error[redshift == 7].reshape(20, 5).mean(axis=1)  # five images of each box
    oracle = stats.bootstrap(
        (own,), np.mean, method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    width = oracle.high - oracle.low
    assert first.bias.low == pytest.approx(oracle.low, abs=0.15 * width)
    assert first.bias.high == pytest.approx(oracle.high, abs=0.15 * width)


def test_one_group_in_a_bin_has_no_interval(sky):
    truth, values, redshift, groups = sky
    bins = error_bins(truth, values, {"box": groups.astype(float) // 10, "z": redshift}, groups)
    assert all(b.bias.low is not None for b in bins)
    alone = error_bins(truth, values, {"first": (groups == "3").astype(float)}, groups)
    assert alone[0].bias.low is not None
    assert alone[1].bias.low is None


def test_numbers_that_are_missing_are_in_no_bin(sky):
    truth, values, redshift, _ = sky
    redshift[:100] = np.nan
    bins = error_bins(truth, values, {"z": redshift})
    assert [b.low for b in bins] == [7, 8, 9, 10]
    assert sum(b.count for b in bins) == 300
    assert error_bins(truth, values, {"z": np.full(400, np.nan)}) == ()
