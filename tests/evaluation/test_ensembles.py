"""Ensembles beside samples of the mixture that they stand for, and folds beside sums by hand."""

import numpy as np
import pytest

from firstlight.core.reports import Predictions
from firstlight.evaluation import combined, cross_validated, evaluate

RNG = np.random.default_rng(4)


def measured(values, spread=None, first=0):
    names = np.array([str(k) for k in range(first, first + len(values))])
    return Predictions(
        names, values.astype(np.float32), "measure", target_names=("x",), target_units=("",),
        spread=None if spread is None else spread.astype(np.float32),
    )  # fmt: skip


def test_an_ensemble_has_the_mean_and_spread_of_the_mixture():
    values, spreads = RNG.normal(0, 2, (3, 1, 1)), RNG.uniform(0.5, 2, (3, 1, 1))
    both = combined([measured(*pair) for pair in zip(values, spreads, strict=True)])
    which = RNG.integers(0, 3, 400_000)
    sample = RNG.normal(values[which, 0, 0], spreads[which, 0, 0])
    assert both.values.item() == pytest.approx(sample.mean(), abs=0.01)
    assert both.spread.item() == pytest.approx(sample.std(), rel=0.01)


def test_networks_without_a_spread_have_that_of_their_values():
    values = RNG.normal(0, 2, (4, 6, 1))
    both = combined([measured(one) for one in values])
    np.testing.assert_allclose(both.values, values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(both.spread, values.std(0), rtol=1e-5)


def test_probabilities_are_averaged():
    values = RNG.dirichlet([1, 1, 1], (2, 5)).astype(np.float32)
    answers = [
        Predictions(np.array(["?"] * 5), one, "classify", classes=("a", "b", "c")) for one in values
    ]
    both = combined(answers)
    np.testing.assert_allclose(both.values, values.mean(0), rtol=1e-6)
    assert both.spread is None
    assert combined(answers[:1]) is answers[0]


def test_folds_are_judged_together():
    truth, answer = RNG.normal(size=(2, 60, 1)).astype(np.float32)
    groups = np.array([f"box {k // 6}" for k in range(60)])
    parts = np.array_split(np.arange(60), 3)
    reports = [
        evaluate(measured(answer[part], first=part[0]), truth[part], "fold", groups[part])
        for part in parts
    ]
    found = cross_validated(reports)
    whole = evaluate(measured(answer), truth, "all", groups)
    assert found.count == 60
    assert found.scores == whole.scores
    for part, scores in zip(parts, found.folds, strict=True):
        error = answer[part] - truth[part]
        assert scores["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
        assert "loss" not in scores
