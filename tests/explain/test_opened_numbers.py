"""Loss, softmax and score step by step; oracles: Keras, SciPy, scikit-learn and the engine."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import root_mean_squared_error

from firstlight.core.errors import SettingError
from firstlight.core.reports import Predictions
from firstlight.evaluation import evaluate
from firstlight.explain import open_loss, open_score, open_softmax, opens_loss
from firstlight.models import import_keras
from firstlight.training.losses import make_loss

keras = import_keras()


def test_softmax_step_by_step(random):
    logits = random.normal(0, 5, 7)
    opened = open_softmax(logits)
    np.testing.assert_allclose(opened.probabilities, softmax(logits))
    np.testing.assert_allclose(opened.exponentials, np.exp(logits))
    assert opened.total == pytest.approx(np.exp(logits).sum())
    huge = open_softmax(np.array([1000.0, 999.0]))
    np.testing.assert_allclose(huge.probabilities, softmax([1.0, 0.0]))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("true", [0, 3])
def test_cross_entropy_is_that_of_keras(random, true, smoothing):
    logits = random.normal(0, 3, 5)
    opened = open_loss("categorical_crossentropy", logits, true, smoothing)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    assert opened.value == pytest.approx(float(loss(np.eye(5)[None, true], logits[None])), rel=1e-5)
    probability = next(step for step in opened.steps if "probability" in step.what)
    assert probability.value == pytest.approx(softmax(logits)[true])
    assert open_loss("sparse_categorical_crossentropy", logits, true, smoothing) == opened


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("true", [0, 1])
@pytest.mark.parametrize("logit", [-2.5, 40.0])
def test_one_sigmoid(logit, true, smoothing):
    opened = open_loss("binary_crossentropy", np.array([logit]), true, smoothing)
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)
    expected = float(loss(np.array([[float(true)]]), np.array([[logit]])))
    assert opened.value == pytest.approx(expected, rel=1e-5, abs=1e-12)


@pytest.mark.parametrize("name", ["mean_squared_error", "mean_absolute_error", "gaussian"])
def test_losses_of_measured_numbers_are_the_engine_s(random, name):
    true = random.normal(size=2)
    answers = random.normal(size=4 if name == "gaussian" else 2)
    loss = make_loss(name, "linear", len(answers), False, None)
    expected = loss(
        torch.tensor(answers[None], dtype=torch.float32),
        torch.tensor(true[None], dtype=torch.float32),
    )
    assert open_loss(name, answers, true).value == pytest.approx(expected.item(), rel=1e-5)
    # Of one value there is no mean to take.
    one = open_loss(name, answers[:: len(answers) // 2][: len(answers) // 2], true[:1])
    assert "mean" not in one.steps[-1].what


def test_which_losses_can_be_opened():
    assert opens_loss("categorical_crossentropy", "classify", "softmax")
    assert not opens_loss("categorical_crossentropy", "classify", "linear")
    assert not opens_loss("mean_squared_error", "classify", "softmax")
    assert opens_loss("gaussian", "measure", "linear")
    assert not opens_loss("huber", "measure", "linear")
    with pytest.raises(SettingError, match="but huber came"):
        open_loss("huber", np.zeros(1), np.zeros(1))


def report_of(task, values, targets, **names):
    titles = np.array([f"image {k}" for k in range(len(values))])
    return evaluate(Predictions(titles, values, task, **names), targets, "x, test")


def test_accuracy_is_that_of_the_report(random):
    values = softmax(random.normal(size=(50, 3)), axis=1).astype("float32")
    report = report_of("classify", values, random.integers(0, 3, 50), classes=("a", "b", "c"))
    opened = open_score(report)
    assert opened.value == report.scores["accuracy"].value
    hits = [step.value for step in opened.steps[:3]]
    assert opened.steps[3].value == sum(hits) == round(50 * opened.value)


def test_the_sum_of_many_classes_is_not_written_out():
    values = np.eye(13, dtype="float32")
    report = report_of("classify", values, np.arange(13), classes=tuple("abcdefghijklm"))
    assert open_score(report).steps[-2].how == "the 13 above added up"
    few = report_of("classify", values[:3, :3], np.arange(3), classes=("a", "b", "c"))
    assert open_score(few).steps[-2].how == "1 + 1 + 1"


def test_error_is_that_of_scikit_learn(random):
    values = random.normal(size=(20, 2)).astype("float32")
    targets = random.normal(size=(20, 2)).astype("float32")
    names = {"target_names": ("mass", "size"), "target_units": ("kg", "m")}
    opened = open_score(report_of("measure", values, targets, **names))
    assert opened.name == "rmse"
    assert "mass" in opened.meaning
    expected = root_mean_squared_error(targets[:, 0], values[:, 0])
    assert opened.value == pytest.approx(expected, rel=1e-6)
