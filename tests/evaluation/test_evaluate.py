"""Scores and intervals, held against scikit-learn, SciPy, Keras's clipping and published tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics

from firstlight.core.errors import DataError
from firstlight.core.reports import ConfusedPair, Predictions
from firstlight.evaluation import evaluate, wilson_interval
from firstlight.evaluation.intervals import percentile_interval

CLASSES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu")


def answers(values: NDArray[np.floating], classes: tuple[str, ...] = CLASSES) -> Predictions:
    names = np.array([f"{k}.png" for k in range(len(values))])
    return Predictions(names, values.astype(np.float32), "classify", classes=classes)


def measured(values: NDArray[np.floating], *target_names: str) -> Predictions:
    names = np.array([f"{k}.png" for k in range(len(values))])
    units = ("K",) * len(target_names)
    return Predictions(
        names,
        values.astype(np.float32),
        "measure",
        target_names=target_names,
        target_units=units,
    )


@pytest.fixture
def noisy() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """500 images of 6 of the 7 classes; the seventh is never true, the first never predicted."""
    random = np.random.default_rng(3)
    targets = random.integers(0, 6, 500)
    logits = random.normal(size=(500, 7)) + 2 * np.eye(7)[targets]
    logits[:, 0] = -20
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), targets


def test_classify_agrees_with_scikit_learn(noisy):
    probabilities, targets = noisy
    report = evaluate(answers(probabilities), targets, "animals, test")
    predicted = probabilities.argmax(axis=1)
    labels = list(range(7))
    assert report.count == 500
    assert report.scores["accuracy"].value == metrics.accuracy_score(targets, predicted)
    assert report.scores["top_3"].value == metrics.top_k_accuracy_score(
        targets, probabilities, k=3, labels=labels
    )
    assert np.array_equal(
        report.confusion, metrics.confusion_matrix(targets, predicted, labels=labels)
    )
    table = metrics.precision_recall_fscore_support(
        targets, predicted, labels=labels, zero_division=0
    )
    ours = [[row.precision, row.recall, row.f1, row.count] for row in report.per_class]
    assert np.allclose(np.array(ours).T, table, rtol=1e-14)
    assert [row.name for row in report.per_class] == list(CLASSES)


def test_loss_is_the_mean_cross_entropy_of_the_true_class(noisy):
    probabilities, targets = noisy
    clipped = probabilities.astype(np.float64).clip(1e-7, 1 - 1e-7)
    one_hot = np.eye(7)[targets]
    expected = -(one_hot * np.log(clipped)).sum(axis=1).mean()
    report = evaluate(answers(probabilities), targets, "animals, test")
    assert report.scores["loss"].value == pytest.approx(expected, rel=1e-12)


def test_loss_of_a_certain_mistake_is_finite_as_in_keras():
    values = np.array([[1.0, 0.0], [1.0, 0.0]])
    report = evaluate(answers(values, ("no", "yes")), np.array([0, 1]), "two")
    # -log(1e-7) = 16.118 for the mistake, -log(1 - 1e-7) for the other.
    assert report.scores["loss"].value == pytest.approx((16.11809565 + 1e-7) / 2, rel=1e-8)


def test_top_3_only_with_more_than_five_classes():
    values, targets = np.full((4, 5), 0.2), np.array([0, 1, 2, 3])
    assert "top_3" not in evaluate(answers(values, CLASSES[:5]), targets, "few").scores
    six = evaluate(answers(np.full((4, 6), 1 / 6), CLASSES[:6]), targets, "six")
    # Equal probabilities: the first three classes are the answer, as argmax takes the first.
    assert six.scores["top_3"].value == 0.75


def test_confused_pairs_come_most_frequent_first():
    targets = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    predicted = np.array([1, 1, 0, 2, 1, 0, 0, 0])
    report = evaluate(answers(np.eye(3)[predicted], CLASSES[:3]), targets, "x")
    assert report.confused == (
        ConfusedPair("cat", "ant", 3),
        ConfusedPair("ant", "bee", 2),
        ConfusedPair("bee", "cat", 1),
    )


# Newcombe, Statistics in Medicine 17:857-872 (1998), table I, method 3 (score, no correction).
@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_as_published(successes, count, low, high):
    assert wilson_interval(successes, count) == pytest.approx((low, high), abs=5e-5)


@given(st.data(), st.integers(1, 100_000), st.floats(0.5, 0.999))
def test_wilson_interval_agrees_with_scipy(data, count, level):
    successes = data.draw(st.integers(0, count))
    low, high = wilson_interval(successes, count, level)
    expected = stats.binomtest(successes, count).proportion_ci(level, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= successes / count <= high <= 1


def test_accuracy_carries_its_wilson_interval(noisy):
    probabilities, targets = noisy
    accuracy = evaluate(answers(probabilities), targets, "x").scores["accuracy"]
    right = int((probabilities.argmax(axis=1) == targets).sum())
    assert (accuracy.low, accuracy.high) == wilson_interval(right, 500)
    assert accuracy.level == 0.95


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 8), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_tables_add_up(classes, count, seed):
    random = np.random.default_rng(seed)
    values = random.dirichlet(np.ones(classes), count)
    targets = random.integers(0, classes, count)
    names = tuple(f"class {k}" for k in range(classes))
    report = evaluate(answers(values, names), targets, "x")
    assert report.confusion.sum() == count
    assert [row.count for row in report.per_class] == list(np.bincount(targets, minlength=classes))
    accuracy = report.scores["accuracy"]
    assert report.confusion.trace() == round(accuracy.value * count)
    assert accuracy.low <= accuracy.value <= accuracy.high
    counts = [pair.count for pair in report.confused]
    assert counts == sorted(counts, reverse=True)
    if len(counts) < 10:
        assert sum(counts) == count - report.confusion.trace()


def test_measure_agrees_with_scikit_learn():
    random = np.random.default_rng(5)
    targets = random.normal(10, 3, (200, 1)).astype(np.float32)
    predicted = (targets + random.normal(0.5, 1, (200, 1))).astype(np.float32)
    scores = evaluate(measured(predicted, "temperature"), targets, "sky").scores
    assert set(scores) == {"rmse", "mae", "bias", "r2"}
    exact = {
        "rmse": metrics.root_mean_squared_error(targets, predicted),
        "mae": metrics.mean_absolute_error(targets, predicted),
        "bias": float((predicted - targets).astype(np.float64).mean()),
        "r2": metrics.r2_score(targets, predicted),
    }
    assert {name: score.value for name, score in scores.items()} == pytest.approx(exact, rel=1e-5)


def test_several_targets_are_scored_together_and_each():
    random = np.random.default_rng(6)
    targets = random.normal(size=(100, 2)).astype(np.float32)
    predicted = (targets + random.normal(size=(100, 2)) * [0.1, 2.0]).astype(np.float32)
    scores = evaluate(measured(predicted, "x", "y"), targets, "sky").scores
    for k, name in enumerate("xy"):
        rmse = metrics.root_mean_squared_error(targets[:, k], predicted[:, k])
        assert scores[f"rmse of {name}"].value == pytest.approx(rmse, rel=1e-5)
        assert scores[f"r2 of {name}"].value == pytest.approx(
            metrics.r2_score(targets[:, k], predicted[:, k]), rel=1e-5
        )
    together = np.sqrt(metrics.mean_squared_error(targets, predicted))
    assert scores["rmse"].value == pytest.approx(together, rel=1e-5)
    assert scores["r2"].value == pytest.approx(metrics.r2_score(targets, predicted), rel=1e-5)


def test_bootstrap_interval_agrees_with_scipy():
    random = np.random.default_rng(7)
    targets = random.normal(size=(300, 1)).astype(np.float32)
    predicted = (targets + random.normal(size=(300, 1))).astype(np.float32)
    score = evaluate(measured(predicted, "x"), targets, "sky").scores["rmse"]
    error = (predicted.astype(np.float64) - targets)[:, 0]
    oracle = stats.bootstrap(
        (error,),
        lambda e, axis: np.sqrt((e**2).mean(axis=axis)),
        method="percentile",
        n_resamples=4000,
        rng=1,
    ).confidence_interval
    width = oracle.high - oracle.low
    assert score.low == pytest.approx(oracle.low, abs=0.1 * width)
    assert score.high == pytest.approx(oracle.high, abs=0.1 * width)


def test_percentile_interval_is_the_middle_95_percent():
    samples = np.random.default_rng(0).permutation(np.arange(1001.0))
    assert percentile_interval(samples) == pytest.approx((25, 975))
    assert percentile_interval(np.append(samples, np.nan)) == pytest.approx((25, 975))


def test_resamples_of_equal_targets_have_no_r2():
    """Half of the draws of two groups take one group twice; there is no variance to explain."""
    # Values and counts whose sums leave a rounding error above zero in such a draw.
    targets = np.repeat(np.array([0.123, 0.777], np.float32), 11)[:, None]
    predicted = targets + np.tile([[0.1], [-0.1]], (11, 1))
    groups = np.repeat(["a", "b"], 11)
    r2 = evaluate(measured(predicted, "x"), targets, "two", groups=groups).scores["r2"]
    assert (r2.low, r2.high) == pytest.approx((r2.value, r2.value), rel=1e-5)


def test_bootstrap_is_seeded():
    random = np.random.default_rng(8)
    targets = random.normal(size=(50, 1)).astype(np.float32)
    predictions = measured(targets + random.normal(size=(50, 1)), "x")
    once = evaluate(predictions, targets, "sky", seed=1).scores
    assert evaluate(predictions, targets, "sky", seed=1).scores == once
    assert evaluate(predictions, targets, "sky", seed=2).scores["rmse"].low != once["rmse"].low


def test_groups_are_drawn_whole():
    """Ten simulations of 50 images that share one error: only ten numbers are known."""
    random = np.random.default_rng(9)
    group = np.repeat(np.arange(10), 50)
    targets = np.zeros((500, 1), np.float32) + random.normal(size=(500, 1)).astype(np.float32)
    shared = random.normal(size=10)[group][:, None]
    predictions = measured(targets + shared, "x")
    alone = evaluate(predictions, targets, "sky").scores["bias"]
    whole = evaluate(predictions, targets, "sky", groups=group.astype(str)).scores["bias"]
    assert whole.value == alone.value
    ratio = (whole.high - whole.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(50), rel=0.2)


def test_one_image_has_scores_without_intervals():
    scores = evaluate(measured(np.array([[3.0]]), "x"), np.array([[1.0]], np.float32), "one").scores
    assert (scores["rmse"].value, scores["rmse"].low, scores["rmse"].high) == (2.0, None, None)
    assert "r2" not in scores


def test_r2_is_left_out_where_all_targets_are_equal():
    targets = np.full((20, 1), 0.1, np.float32)
    predicted = targets + np.random.default_rng(1).normal(size=(20, 1))
    assert set(evaluate(measured(predicted, "x"), targets, "flat").scores) == {
        "rmse",
        "mae",
        "bias",
    }


@pytest.mark.parametrize(
    ("values", "targets", "message"),
    [
        (np.ones((0, 7)), np.array([], np.int64), "at least one image"),
        (np.ones((2, 6)), np.array([0, 1]), "Expected 7 answers for each of 2 images"),
        (np.ones((2, 7)), np.array([0, 1, 2]), r"Expected targets of shape \(2,\)"),
        (np.array([[1.0] * 7, [np.nan] * 7]), np.array([0, 1]), "predictions of image 1.png"),
        (np.ones((2, 7)), np.array([0, 7]), "class numbers from 0 to 6, but 0 to 7"),
        (np.ones((2, 7)), np.array([-1, 0]), "class numbers from 0 to 6, but -1 to 0"),
    ],
)
def test_what_cannot_be_scored_is_refused(values, targets, message):
    with pytest.raises(DataError, match=message):
        evaluate(answers(values), targets, "x")


def test_wrong_groups_are_refused():
    with pytest.raises(DataError, match="one group for each of 2 images"):
        evaluate(answers(np.ones((2, 7))), np.array([0, 1]), "x", groups=np.array(["a"]))
