"""A report with its trust: what is asked of each part, and in which order."""

from dataclasses import replace

import numpy as np
import pytest

from firstlight.core.dataset import Images
from firstlight.core.reports import Predictions
from firstlight.core.scores import Score
from firstlight.evaluation import Confidence, evaluate, learn_confidence, with_trust

RNG = np.random.default_rng(8)
COUNT = 120
NAMES = np.array([str(k) for k in range(COUNT)])
GROUPS = np.array([f"box {k // 10}" for k in range(COUNT)])
REDSHIFT = np.tile([7.0, 8.0, 9.0], COUNT // 3)
TARGETS = RNG.uniform(0, 1, (COUNT, 2)).astype(np.float32)
PIXELS = (TARGETS[:, :1, None, None] + RNG.normal(0, 0.3, (COUNT, 8, 8, 1))).astype(np.float32)
IMAGES = Images(PIXELS, TARGETS, NAMES, GROUPS, {"z": REDSHIFT})
ANSWERS = Predictions(
    NAMES,
    TARGETS + RNG.normal(0, 0.1, (COUNT, 2)).astype(np.float32),
    "measure",
    target_names=("mass", "size"),
    target_units=("kg", "m"),
    spread=np.full((COUNT, 2), 0.1, np.float32),
)


@pytest.fixture(scope="module")
def trusted():
    features = RNG.normal(size=(2, COUNT, 3))
    confidence, _ = learn_confidence(ANSWERS, TARGETS, GROUPS, tuple(features), GROUPS)
    answers = confidence.applied(ANSWERS)
    report = evaluate(answers, TARGETS, "test", GROUPS, columns=IMAGES.columns)
    torn = {"r2 of mass": Score(0.99), "r2": Score(0.5)}
    return with_trust(report, IMAGES, confidence, IMAGES, torn)


def test_each_target_has_its_own(trusted):
    mass, size = trusted.trust
    assert (mass.target, size.target) == ("mass", "size")
    assert {one.column for one in mass.bins} == {"mass", "z"}
    assert {one.column for one in size.bins} == {"size", "z"}
    for trust, column in ((mass, 0), (size, 1)):
        error = ANSWERS.values[:, column] - TARGETS[:, column]
        at_7 = next(one for one in trust.bins if one.column == "z" and one.low == 7)
        assert at_7.count == COUNT // 3
        assert at_7.rmse == pytest.approx(np.sqrt((error[REDSHIFT == 7] ** 2).mean()), rel=1e-5)
        # Counted on the images that it was calibrated on.
        held = {one.level: one.covered.value for one in trust.coverage}
        assert held[0.9] == pytest.approx(0.9, abs=0.06)
        assert sum(trust.ranks) == COUNT
        assert trust.crps.value == pytest.approx(0.1 * 2 / np.sqrt(np.pi) / 2, rel=0.2)


def test_simple_ways_see_what_the_network_sees(trusted):
    ways = {way.name: way for way in trusted.trust[0].baselines}
    assert ways["training mean"].rmse.value == pytest.approx(TARGETS[:, 0].std(), rel=1e-3)
    # The brightness of these images is their mass; it says nothing of their size.
    assert ways["mean of the pixels"].r2.value > 0.9
    ways = {way.name: way for way in trusted.trust[1].baselines}
    assert ways["mean of the pixels"].r2.value < 0.2


def test_the_leak_is_that_of_the_target(trusted):
    assert [trust.leak and trust.leak.value for trust in trusted.trust] == [0.99, None]


def test_without_training_images_and_calibration_there_is_less():
    report = evaluate(replace(ANSWERS, spread=None), TARGETS, "test")
    trust = with_trust(report, IMAGES, Confidence()).trust[0]
    assert trust.baselines == trust.coverage == trust.ranks == ()
    assert trust.crps is None
    assert {one.column for one in trust.bins} == {"mass"}


def test_probabilities_are_held_against_what_came_true():
    values = RNG.dirichlet([1, 1], COUNT).astype(np.float32)
    targets = (RNG.random(COUNT) > values[:, 0]).astype(np.int64)
    answers = Predictions(NAMES, values, "classify", classes=("a", "b"))
    confidence, _ = learn_confidence(answers, targets, None, tuple(RNG.normal(size=(2, 50, 3))))
    report = evaluate(confidence.applied(answers), targets, "test")
    trusted = with_trust(report, IMAGES, confidence)
    trust = trusted.class_trust
    assert trust.temperature == confidence.temperature
    assert trusted.scores["calibration_error"].value == trust.calibration_error
    assert [one.level for one in trust.coverage] == [0.9, 0.95, 0.99]
    assert trust.coverage[0].covered.value >= 0.88
