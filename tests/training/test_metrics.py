"""Metrics over batches against scikit-learn's and Keras's of all images at once."""

import numpy as np
import pytest
import torch
from sklearn import metrics as theirs

from firstlight.core.settings import CLASS_METRICS, METRICS, VALUE_METRICS
from firstlight.models.backend import import_keras
from firstlight.training.metrics import Metric

keras = import_keras()
RANDOM = np.random.default_rng(7)
ANSWERS = RANDOM.dirichlet(np.ones(8), 60).astype("float32")
CLASSES = RANDOM.integers(0, 8, 60)
VALUES = (6000 + 300 * RANDOM.normal(size=(60, 2))).astype("float32")
MEASURED = (VALUES + 150 * RANDOM.normal(size=(60, 2))).astype("float32")
MACRO = {"average": "macro", "zero_division": 0}
SKLEARN = {
    "accuracy": lambda t, a: theirs.accuracy_score(t, a.argmax(1)),
    "top_5": lambda t, a: theirs.top_k_accuracy_score(t, a, k=5, labels=range(8)),
    "precision": lambda t, a: theirs.precision_score(t, a.argmax(1), **MACRO),
    "recall": lambda t, a: theirs.recall_score(t, a.argmax(1), **MACRO),
    "f1": lambda t, a: theirs.f1_score(t, a.argmax(1), **MACRO),
    # Of all values together, as in Keras; scikit-learn's own takes a root for each target.
    "rmse": lambda t, a: theirs.mean_squared_error(t, a) ** 0.5,
    "mae": theirs.mean_absolute_error,
    "mse": theirs.mean_squared_error,
    "mape": lambda t, a: 100 * theirs.mean_absolute_percentage_error(t, a),
    "r2": theirs.r2_score,
}
KERAS = {
    "accuracy": keras.metrics.SparseCategoricalAccuracy,
    "top_5": lambda: keras.metrics.SparseTopKCategoricalAccuracy(k=5),
    "f1": lambda: keras.metrics.F1Score(average="macro"),
    "rmse": keras.metrics.RootMeanSquaredError,
    "mae": keras.metrics.MeanAbsoluteError,
    "mse": keras.metrics.MeanSquaredError,
    "mape": keras.metrics.MeanAbsolutePercentageError,
    "r2": keras.metrics.R2Score,
}


def in_batches(name, answers, targets, size=25):
    metric = Metric(name)
    for start in range(0, len(answers), size):
        part = slice(start, start + size)
        metric.update(torch.from_numpy(answers[part]), torch.from_numpy(targets[part]))
    return metric.result()


def case(name):
    return (ANSWERS, CLASSES) if name in CLASS_METRICS else (MEASURED, VALUES)


@pytest.mark.parametrize("name", METRICS)
def test_batches_give_scikit_learns_number_of_all_images(name):
    answers, targets = case(name)
    assert in_batches(name, answers, targets) == pytest.approx(SKLEARN[name](targets, answers))


@pytest.mark.parametrize("name", KERAS)
def test_batches_give_keras_number(name):
    answers, targets = case(name)
    metric = KERAS[name]()
    given = np.eye(8, dtype="float32")[targets] if name == "f1" else targets
    metric.update_state(given, answers)
    # Keras sums squares of float32 in float32.
    rel = 1e-3 if name == "r2" else 1e-5
    assert in_batches(name, answers, targets) == pytest.approx(float(metric.result()), rel=rel)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_classes_that_do_not_occur_are_not_counted(name):
    # Class 2 is answered but not there, 3 there but not answered, 4 to 7 neither.
    answers = np.eye(8, dtype="float32")[[0, 0, 1, 2, 1, 0]]
    targets = np.array([0, 1, 1, 0, 3, 3])
    assert in_batches(name, answers, targets) == pytest.approx(SKLEARN[name](targets, answers))


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1"])
def test_one_probability_for_two_classes(name):
    answers = np.array([[0.2], [0.6], [0.5], [0.9], [0.7]], "float32")
    targets = np.array([0, 1, 1, 0, 1])
    both = np.hstack([1 - answers, answers])
    assert in_batches(name, answers, targets, 2) == pytest.approx(SKLEARN[name](targets, both))


def test_top_5_of_equal_answers_is_right_as_in_keras():
    answers = np.full((1, 8), 0.125, "float32")
    metric = keras.metrics.SparseTopKCategoricalAccuracy(k=5)
    metric.update_state(np.array([2]), answers)
    assert in_batches("top_5", answers, np.array([2])) == float(metric.result()) == 1.0
    answers[0, 3:] += 0.1
    assert in_batches("top_5", answers, np.array([2])) == 0.0


@pytest.mark.parametrize("error", [0.0, 1.0])
def test_r2_of_targets_that_are_all_alike_is_scikit_learns(error):
    # So many that the sums of their squares are rounded; scikit-learn is asked with whole numbers.
    targets, whole = np.full((1000, 1), 0.1, "float32"), np.full((1000, 1), 3.0)
    found = in_batches("r2", targets + np.float32(error), targets, 1000)
    assert found == theirs.r2_score(whole, whole + error)


def test_r2_far_from_0():
    targets = (1e6 + RANDOM.normal(size=(400, 1))).astype("float32")
    answers = (targets + 0.5 * RANDOM.normal(size=(400, 1))).astype("float32")
    expected = theirs.r2_score(targets.astype("float64"), answers.astype("float64"))
    assert in_batches("r2", answers, targets) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", METRICS)
def test_a_restored_metric_goes_on(name, tmp_path):
    answers, targets = map(torch.from_numpy, case(name))
    whole, first, second = Metric(name), Metric(name), Metric(name)
    whole.update(answers, targets)
    first.update(answers[:20], targets[:20])
    kept = first.state()
    assert all(isinstance(value, torch.Tensor) for value in kept.values())
    first.update(answers[20:30], targets[20:30])
    second.restore(kept)
    second.update(answers[20:], targets[20:])
    assert second.result() == pytest.approx(whole.result(), rel=1e-12)
    second.restore({})
    assert np.isnan(second.result())


def test_each_metric_belongs_to_one_task():
    assert set(CLASS_METRICS) | set(VALUE_METRICS) == set(METRICS) == set(SKLEARN)
