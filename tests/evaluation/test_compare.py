"""Comparing runs on the same test images: SciPy and published examples are the oracles."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from firstlight.core.errors import RunError
from firstlight.core.reports import Predictions, Report
from firstlight.evaluation import compare, evaluate
from firstlight.evaluation.compare import bonett_price_interval, holm, mcnemar_mid_p


def classified(right: NDArray[np.bool_], data: str = "pets, test") -> Report:
    """A report on images of class 0 that is right exactly where `right` says."""
    names = np.array([f"{k}.png" for k in range(len(right))])
    values = np.where(right[:, None], [[0.9, 0.1]], [[0.2, 0.8]]).astype(np.float32)
    predictions = Predictions(names, values, "classify", classes=("cat", "dog"))
    return evaluate(predictions, np.zeros(len(right), np.int64), data)


def measured(predicted: NDArray[np.floating], targets: NDArray[np.floating]) -> Report:
    names = np.array([f"{k}.png" for k in range(len(targets))])
    predictions = Predictions(
        names, predicted.astype(np.float32), "measure", target_names=("x",), target_units=("K",)
    )
    return evaluate(predictions, targets.astype(np.float32), "sky, test")


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mid_p_agrees_with_scipy(only_first, only_second):
    count = only_first + only_second
    smaller = min(only_first, only_second)
    expected = 1.0
    if only_first != only_second:
        exact = stats.binomtest(smaller, count).pvalue
        expected = exact - stats.binom.pmf(smaller, count, 0.5)
    # SciPy's own digits are lost near the smallest floats: 2 % off at 1e-300.
    assert mcnemar_mid_p(only_first, only_second) == pytest.approx(expected, rel=1e-7, abs=1e-250)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mid_p_is_exact(only_first, only_second):
    count, smaller = only_first + only_second, min(only_first, only_second)
    ways = 2 * sum(comb(count, k) for k in range(smaller)) + comb(count, smaller)
    assert mcnemar_mid_p(only_first, only_second) == float(Fraction(ways, 2**count))


def test_paired_example_as_published():
    """Fagerland, Lydersen & Laake, Statistics in Medicine 33 (2014), table V: 1 and 7 of 21."""
    assert mcnemar_mid_p(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert bonett_price_interval(7, 1, 21) == pytest.approx((-0.508, -0.013), abs=5e-4)


@given(st.data(), st.integers(1, 5000))
def test_interval_stays_in_range_and_turns_round(data, count):
    only_first = data.draw(st.integers(0, count))
    only_second = data.draw(st.integers(0, count - only_first))
    low, high = bonett_price_interval(only_first, only_second, count)
    assert -1 <= low < high <= 1
    assert bonett_price_interval(only_second, only_first, count) == pytest.approx((-high, -low))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_agrees_with_its_definition(p_values):
    adjusted = holm(p_values)
    order = np.argsort(p_values, kind="stable")
    for rank, index in enumerate(order):
        steps = [(len(p_values) - j) * p_values[order[j]] for j in range(rank + 1)]
        assert adjusted[index] == min(1.0, max(steps))


def test_holm_by_hand():
    """Sorted: 4 * 0.0025, 3 * 0.02, then 2 * 0.025 raised to the one before it, 1 * 0.20."""
    assert holm([0.20, 0.02, 0.0025, 0.025]) == pytest.approx([0.20, 0.06, 0.01, 0.06])


def test_better_run_is_named_with_its_difference():
    first = np.arange(1000) >= 60
    second = np.arange(1000) >= 20
    (difference,) = compare({"A": classified(first), "B": classified(second)}).differences
    low, high = bonett_price_interval(0, 40, 1000)
    assert (difference.first_value, difference.second_value) == (0.94, 0.98)
    assert (difference.only_first_right, difference.only_second_right) == (0, 40)
    assert difference.change.value == pytest.approx(0.04)
    assert (difference.change.low, difference.change.high) == (low, high)
    assert difference.more_than_chance
    assert difference.sentence == (
        f"B is better than A by 4.00 points (95 % interval {100 * low:.2f} to {100 * high:.2f}, "
        "p < 0.001): more than chance"
    )


def test_worse_run_has_its_interval_turned():
    first = np.arange(1000) >= 20
    second = np.arange(1000) >= 60
    (difference,) = compare({"A": classified(first), "B": classified(second)}).differences
    assert difference.change.value == pytest.approx(-0.04)
    low, high = bonett_price_interval(0, 40, 1000)
    turned = f"B is worse than A by 4.00 points (95 % interval {100 * low:.2f} to {100 * high:.2f},"
    assert difference.sentence.startswith(turned)


def test_small_difference_is_chance():
    first, second = np.arange(200) >= 5, (np.arange(200) < 197)
    (difference,) = compare({"A": classified(first), "B": classified(second)}).differences
    assert not difference.more_than_chance
    assert difference.sentence.endswith("no more than chance would give")


def test_equal_runs_are_equally_good():
    right = np.arange(50) >= 5
    (difference,) = compare({"A": classified(right), "B": classified(right)}).differences
    assert difference.sentence.startswith("B and A are equally good")
    assert difference.p_value == 1


def test_more_runs_are_corrected_for_their_number():
    right = np.arange(100) >= 20
    one_better = np.arange(100) >= 14  # 6 to 0: p = 2 * 0.5**7 = 0.0156
    comparison = compare(
        {"A": classified(right)} | {name: classified(one_better) for name in "BCDE"}
    )
    assert comparison.runs == ("A", "B", "C", "D", "E")
    for difference in comparison.differences:
        assert difference.first == "A"
        assert difference.p_value == pytest.approx(2 * 0.5**7)
        assert difference.adjusted_p_value == pytest.approx(4 * 2 * 0.5**7)
        assert not difference.more_than_chance
        assert difference.sentence.endswith("counting that 4 runs were held against A")


def test_rmse_is_compared_by_a_paired_bootstrap():
    random = np.random.default_rng(2)
    targets = random.normal(size=(400, 1))
    noise = random.normal(size=(400, 1))
    reports = {
        "A": measured(targets + noise, targets),
        "B": measured(targets + 0.95 * noise, targets),
    }
    (difference,) = compare(reports).differences
    assert difference.score == "rmse"
    assert difference.change.value == pytest.approx(
        reports["B"].scores["rmse"].value - reports["A"].scores["rmse"].value
    )
    errors = [(r.predictions.values - r.targets).astype(np.float64)[:, 0] for r in reports.values()]
    oracle = stats.bootstrap(
        tuple(errors),
        lambda a, b, axis: np.sqrt((b**2).mean(axis=axis)) - np.sqrt((a**2).mean(axis=axis)),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=4000,
        rng=1,
    ).confidence_interval
    width = oracle.high - oracle.low
    assert difference.change.low == pytest.approx(oracle.low, abs=0.1 * width)
    assert difference.change.high == pytest.approx(oracle.high, abs=0.1 * width)
    # Unpaired, a change of 5 % would drown in the noise of 400 images.
    assert difference.more_than_chance
    assert difference.sentence.startswith("B is better than A by 0.0")


def test_rmse_of_equal_noise_is_chance():
    random = np.random.default_rng(4)
    targets = random.normal(size=(100, 1))
    runs = {name: measured(targets + random.normal(size=(100, 1)), targets) for name in "AB"}
    (difference,) = compare(runs).differences
    assert not difference.more_than_chance
    assert difference.change.low < 0 < difference.change.high


def test_groups_widen_the_interval():
    random = np.random.default_rng(9)
    group = np.repeat(np.arange(10), 30)
    targets = random.normal(size=(300, 1))
    shared = [random.normal(size=10)[group][:, None] for _ in "AB"]
    runs = {
        name: measured(targets + error, targets) for name, error in zip("AB", shared, strict=True)
    }
    alone = compare(runs).differences[0].change
    whole = (
        compare({name: replace(run, groups=group.astype(str)) for name, run in runs.items()})
        .differences[0]
        .change
    )
    assert whole.high - whole.low > 3 * (alone.high - alone.low)


def test_other_test_images_are_refused():
    one = classified(np.ones(5, bool))
    other = classified(np.ones(6, bool), "pets again, test")
    with pytest.raises(RunError, match=r"A was tested on pets, test \(5 images\) and B on pets ag"):
        compare({"A": one, "B": other})
    renamed = replace(one.predictions, names=np.array(list("abcde")))
    with pytest.raises(RunError, match="tested on the same images"):
        compare({"A": one, "B": replace(one, predictions=renamed)})
    with pytest.raises(RunError, match="tested on the same images"):
        compare({"A": one, "B": replace(one, targets=np.array([0, 0, 0, 0, 1]))})


def test_one_run_cannot_be_compared():
    with pytest.raises(RunError, match="two or more runs to compare, but 1 came"):
        compare({"A": classified(np.ones(5, bool))})


def test_accuracies_of_grouped_images_are_compared_by_groups():
    """Ten groups of ten, each right as a whole or wrong as a whole: ten draws, not a hundred."""
    groups = np.repeat([f"patient {k}" for k in range(10)], 10)
    names, targets = np.array([f"{k}.png" for k in range(100)]), np.zeros(100, np.int64)

    def run(right_groups):
        right = np.repeat(np.isin(np.arange(10), right_groups), 10)
        values = np.where(right[:, None], [[0.9, 0.1]], [[0.2, 0.8]]).astype(np.float32)
        predictions = Predictions(names, values, "classify", classes=("cat", "dog"))
        return evaluate(predictions, targets, "pets", groups=groups)

    runs = {"one": run([0, 1, 2, 3, 4]), "two": run([0, 1, 2, 3, 4, 5, 6])}
    grouped = compare(runs).differences[0]
    alone = compare({name: replace(r, groups=None) for name, r in runs.items()}).differences[0]
    assert grouped.change.value == pytest.approx(0.2)
    assert alone.more_than_chance
    assert not grouped.more_than_chance
    # Ten draws with a share of 0.2: the normal interval's half width, 1.96 * sqrt(.2 * .8 / 10).
    width = grouped.change.high - grouped.change.low
    assert width / 2 == pytest.approx(1.96 * np.sqrt(0.2 * 0.8 / 10), rel=0.25)
    accuracy = runs["one"].scores["accuracy"]
    half = (accuracy.high - accuracy.low) / 2
    assert half == pytest.approx(1.96 * np.sqrt(0.5 * 0.5 / 10), rel=0.15)
