"""A report with its trust: what each part is made from."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.core.dataset import Images
from firstlight.core.reports import Predictions
from firstlight.evaluation import evaluate, learn_confidence, with_trust
from firstlight.evaluation.coverage import coverage, set_coverage


@pytest.fixture
def groups():
    return np.repeat(np.arange(10).astype(str), 12)


def features(random):
    return random.normal(size=(120, 3)), random.normal(size=(120, 3))


def test_coverage_counts_the_error_of_its_calibration(groups):
    random = np.random.default_rng(0)
    names = np.array([f"{k}.npy" for k in range(120)])
    truth = random.normal(size=(120, 2)).astype(np.float32)
    own = np.repeat(random.normal(size=(10, 2)), 12, axis=0)
    answers = Predictions(
        names,
        (truth + own + random.normal(size=(120, 2))).astype(np.float32),
        "measure",
        target_names=("mass", "age"),
        target_units=("kg", "yr"),
        spread=np.ones((120, 2), np.float32),
    )
    confidence, _ = learn_confidence(answers, truth, groups, features(random), groups)
    report = evaluate(confidence.applied(answers), truth, "x", groups)
    images = Images(np.zeros((120, 4, 4, 1)), truth, names, groups)
    found = with_trust(report, images, confidence)
    for number, trust in enumerate(found.trust):
        expected = coverage(
            truth[:, number],
            report.predictions.intervals[:, number],
            confidence.intervals.levels,
            groups,
            confidence.intervals.effective[number],
        )
        assert trust.coverage == expected


def test_coverage_of_sets_counts_the_error_of_its_calibration(groups):
    random = np.random.default_rng(1)
    names = np.array([f"{k}.npy" for k in range(120)])
    truth = random.integers(0, 3, 120)
    values = random.dirichlet(np.ones(3), 120).astype(np.float32)
    answers = Predictions(names, values, "classify", classes=("ant", "bee", "cat"))
    confidence, _ = learn_confidence(answers, truth, groups, features(random), groups)
    report = evaluate(confidence.applied(answers), truth, "x", groups)
    images = Images(np.zeros((120, 4, 4, 1)), truth, names, groups)
    sets = confidence.sets
    assert with_trust(report, images, confidence).class_trust.coverage == set_coverage(
        truth, sets.sets(report.predictions.values), sets.levels, groups, sets.effective
    )
