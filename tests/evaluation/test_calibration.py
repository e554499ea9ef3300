"""Temperature and calibration error, held against SciPy, scikit-learn and MAPIE."""

from __future__ import annotations

import numpy as np
import pytest
from mapie.metrics.calibration import expected_calibration_error
from scipy import optimize, stats
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from firstlight.core.errors import DataError
from firstlight.evaluation.calibration import class_trust, fit_temperature, tempered
from firstlight.evaluation.intervals import share_score


@pytest.fixture(scope="module")
def honest():
    """Logits of which the softmax is how probable each of five classes truly is."""
    random = np.random.default_rng(0)
    logits = random.normal(scale=2, size=(6000, 5))
    drawn = random.random((6000, 1)) > softmax(logits, axis=1).cumsum(axis=1)
    return logits, drawn.sum(axis=1)


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_temperature_undoes_what_logits_were_multiplied_by(honest, factor):
    logits, targets = honest
    found = fit_temperature(factor * logits, targets)
    # The error of a maximum-likelihood estimate, from the curvature of the likelihood.
    mean = (softmax(logits, axis=1) * logits).sum(axis=1)
    information = ((softmax(logits, axis=1) * logits**2).sum(axis=1) - mean**2).sum()
    assert found / factor == pytest.approx(1, abs=3 / np.sqrt(information))
    assert tempered(factor * logits, factor) == pytest.approx(softmax(logits, axis=1))


def test_the_temperature_is_the_one_with_the_least_cross_entropy(honest):
    logits, targets = (part[:300] for part in honest)

    def loss(temperature):
        return log_loss(targets, softmax(2 * logits / temperature, axis=1))

    oracle = optimize.minimize(lambda t: loss(t[0]), [1.5], method="Nelder-Mead").x[0]
    found = fit_temperature(2 * logits, targets)
    assert found == pytest.approx(oracle, rel=1e-3)
    # Logarithms of probabilities are logits too.
    assert fit_temperature(log_softmax(2 * logits, axis=1), targets) == pytest.approx(found)


def test_perfect_answers_are_not_made_surer():
    logits = np.array([[3.0, 0.0], [0.0, 0.1]])
    assert fit_temperature(logits, np.array([0, 1])) == 1
    assert fit_temperature(np.repeat(logits, 5, axis=0), np.array([0] * 4 + [1] * 6)) != 1


def test_hopeless_answers_reach_the_end_of_the_range():
    """Always wrong, and sure of it: the most even probabilities fit best."""
    found = fit_temperature(np.array([[5.0, 0.0]] * 4), np.ones(4, int))
    assert found == pytest.approx(100, rel=1e-3)


@pytest.mark.parametrize("logits", [np.zeros((0, 3)), np.array([[0.0, np.inf]])])
def test_logits_that_are_not_there_are_refused(logits):
    with pytest.raises(DataError, match="finite logits of one image or more"):
        fit_temperature(logits, np.zeros(len(logits), int))


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_calibration_error_is_mapie_s_and_bins_scikit_learn_s(honest, factor):
    logits, targets = honest
    probabilities = softmax(factor * logits, axis=1)
    trust = class_trust(probabilities, targets)
    right, confidence = probabilities.argmax(axis=1) == targets, probabilities.max(axis=1)
    # MAPIE counts the edges.
    oracle = expected_calibration_error(right, confidence, num_bins=16, split_strategy="uniform")
    assert trust.calibration_error == pytest.approx(oracle)
    accuracy, mean = calibration_curve(right, confidence, n_bins=15)
    assert [each.accuracy.value for each in trust.bins] == pytest.approx(accuracy)
    assert [each.confidence for each in trust.bins] == pytest.approx(mean)
    assert [each.count for each in trust.bins] == [
        ((confidence > each.low) & (confidence <= each.high)).sum() for each in trust.bins
    ]


def test_honest_probabilities_err_as_chance_does(honest):
    logits, targets = honest
    trust = class_trust(softmax(logits, axis=1), targets)
    assert trust.by_chance.low < trust.calibration_error < trust.by_chance.high
    sure = class_trust(softmax(3 * logits, axis=1), targets)
    assert sure.calibration_error > 3 * sure.by_chance.high
    few = class_trust(softmax(logits[:60], axis=1), targets[:60])
    assert few.by_chance.value > 4 * trust.by_chance.value


def test_chance_in_one_bin_has_a_closed_form():
    """400 images of probability 0.7: the mean distance of a binomial share from its mean."""
    trust = class_trust(np.full((400, 2), [0.7, 0.3]), np.zeros(400, int))
    expected = stats.binom(400, 0.7).expect(lambda k: np.abs(k / 400 - 0.7))
    assert trust.by_chance.value == pytest.approx(expected, rel=0.1)
    assert trust.by_chance.high == pytest.approx(1.96 * np.sqrt(0.21 / 400) * 1.14, rel=0.1)


def test_groups_widen_the_bins_intervals():
    probabilities = np.full((60, 2), [0.95, 0.05])
    targets = (np.arange(60) < 6).astype(int)
    groups = np.repeat(np.arange(10).astype(str), 6)
    [alone], [whole] = (class_trust(probabilities, targets, each).bins for each in (None, groups))
    assert whole.accuracy == share_score(targets == 0, groups)
    assert whole.accuracy.low < alone.accuracy.low
