"""Sets of classes, held against MAPIE and probabilities that are exactly right."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin

from firstlight.core.errors import DataError, RunError
from firstlight.evaluation.class_sets import LEVELS, SetCalibration, calibrate_sets
from firstlight.evaluation.coverage import set_coverage
from firstlight.evaluation.intervals import share_score


class Told(ClassifierMixin, BaseEstimator):
    """Answers with the probabilities that it is asked with."""

    def fit(self, rows, targets=None):
        self.classes_ = np.arange(rows.shape[1])
        return self

    def predict_proba(self, rows):
        return rows

    def predict(self, rows):
        return rows.argmax(axis=1)


def drawn(random, count, sureness=1.0):
    """Probabilities that are right, and targets drawn from them."""
    probabilities = random.dirichlet(np.full(6, 1 / sureness), count)
    return probabilities, (random.random((count, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)


def test_without_groups_the_sets_are_mapie_s():
    random = np.random.default_rng(0)
    probabilities, targets = drawn(random, 500)
    new, _ = drawn(random, 200)
    mapie = SplitConformalClassifier(
        Told().fit(probabilities), confidence_level=LEVELS, conformity_score="lac", prefit=True
    )
    _, oracle = mapie.conformalize(probabilities, targets).predict_set(new)
    calibration = calibrate_sets(probabilities, targets)
    assert np.array_equal(calibration.sets(new), oracle.transpose(0, 2, 1))
    assert calibration.guaranteed == LEVELS
    assert calibration.effective == (500, 500, 500)


def test_new_images_are_covered_as_often_as_is_said():
    """200 calibrations on 20 groups, in each of which one class is common."""
    random, repeats = np.random.default_rng(1), 200
    shares = np.empty((repeats, 2))
    for row in shares:
        probabilities, targets, groups = [], [], np.repeat(np.arange(40).astype(str), 15)
        for _ in range(40):
            some, true = drawn(random, 15)
            lost = random.random() < 0.2  # a group that the network does not know
            probabilities.append(some)
            targets.append(random.integers(0, 6, 15) if lost else true)
        probabilities, targets = np.concatenate(probabilities), np.concatenate(targets)
        calibration = calibrate_sets(
            probabilities[:300], targets[:300], groups[:300], levels=(0.8, 0.9)
        )
        sets = calibration.sets(probabilities[300:])
        row[:] = [
            held.covered.value
            for held in set_coverage(targets[300:], sets, (0.8, 0.9), groups[300:])
        ]
    assert max(calibration.effective) < 250  # of 300 images
    error = shares.std(axis=0) / np.sqrt(repeats)
    assert (np.abs(shares.mean(axis=0) - [0.8, 0.9]) < 3 * error + 0.006).all()


def test_the_most_probable_class_is_always_in_the_set():
    """Right far more often than the level: without it, a tenth of the sets would be empty."""
    random = np.random.default_rng(2)
    probabilities, targets = drawn(random, 1000, sureness=100)
    calibration = calibrate_sets(probabilities, targets, levels=(0.5, 0.9))
    sets = calibration.sets(probabilities)
    assert sets[np.arange(1000), :, probabilities.argmax(axis=1)].all()
    assert set_coverage(targets, sets, (0.5, 0.9))[0].covered.value > 0.9
    assert (sets[:, 0] <= sets[:, 1]).all()


def test_coverage_of_sets_counts_by_hand():
    sets = np.array([[[1, 0, 0], [1, 1, 0]], [[0, 1, 0], [0, 1, 1]], [[0, 1, 0], [1, 1, 1]]], bool)
    groups = np.array(["a", "a", "b"])
    low, high = set_coverage(np.array([0, 2, 0]), sets, (0.3, 0.9), groups)
    assert (low.level, low.covered.value, low.width) == (0.3, pytest.approx(1 / 3), 1)
    assert (high.level, high.covered.value, high.width) == (0.9, 1, pytest.approx(7 / 3))
    assert high.covered == share_score(np.ones(3, bool), groups)
    _, calibrated = set_coverage(np.array([0, 2, 0]), sets, (0.3, 0.9), groups, (5, 6))
    assert calibrated.covered == share_score(np.ones(3, bool), groups, 6)
    with pytest.raises(DataError, match=r"each of 2 images and 2 levels, but shape \(3, 2, 3\)"):
        set_coverage(np.array([0, 2]), sets, (0.3, 0.9))


def test_a_calibration_goes_to_json_and_back():
    probabilities, targets = drawn(np.random.default_rng(3), 50)
    groups = np.repeat(np.arange(5).astype(str), 10)
    calibration = calibrate_sets(probabilities, targets, groups)
    again = SetCalibration.from_dict(json.loads(json.dumps(calibration.as_dict())))
    assert again == calibration
    assert (again.groups, again.images) == (5, 50)
    with pytest.raises(RunError, match="it is damaged"):
        SetCalibration.from_dict({"levels": [0.9]})


def test_too_little_to_calibrate_on_is_refused():
    probabilities, targets = drawn(np.random.default_rng(4), 5)
    for bad in (
        {"groups": np.array(["a"] * 5)},
        {"probabilities": probabilities[:1], "targets": targets[:1]},
        {"probabilities": np.full((5, 6), np.nan)},
    ):
        with pytest.raises(DataError, match="two or more images"):
            calibrate_sets(**({"probabilities": probabilities, "targets": targets} | bad))
