"""Losses and metrics against Keras's own on the same numbers."""

import numpy as np
import pytest
import torch

from firstlight.core.errors import SettingError
from firstlight.core.settings import LOSSES
from firstlight.models.backend import import_keras
from firstlight.training.losses import finished_metric, make_loss, summed_metric

keras = import_keras()
GENERATOR = np.random.default_rng(5)
LOGITS = GENERATOR.normal(size=(8, 4)).astype("float32") * 2
CLASSES = GENERATOR.integers(0, 4, 8)
VALUES = GENERATOR.normal(size=(8, 4)).astype("float32") * 2
CROSS_ENTROPIES = [name for name in LOSSES if "crossentropy" in name]


def activated(logits, head):
    if head == "linear":
        return logits
    return keras.ops.convert_to_numpy(getattr(keras.activations, head)(logits))


def keras_loss(name, targets, answers):
    return float(getattr(keras.losses, name)(targets, answers).mean())


@pytest.mark.parametrize("head", ["softmax", "sigmoid", "linear"])
@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_classes(name, head):
    logits = np.abs(LOGITS) / 9 if head == "linear" else LOGITS
    targets = CLASSES if name.startswith("sparse") else np.eye(4, dtype="float32")[CLASSES]
    loss = make_loss(name, head, 4, classify=True)
    ours = loss(torch.from_numpy(logits), torch.from_numpy(CLASSES)).item()
    assert ours == pytest.approx(keras_loss(name, targets, activated(logits, head)), rel=1e-5)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in CROSS_ENTROPIES])
def test_loss_of_values(name):
    loss = make_loss(name, "linear", 4, classify=False)
    ours = loss(torch.from_numpy(LOGITS), torch.from_numpy(VALUES)).item()
    assert ours == pytest.approx(keras_loss(name, VALUES, LOGITS), rel=1e-5)


def test_binary_crossentropy_of_one_output():
    logits, targets = LOGITS[:, :1], CLASSES % 2
    loss = make_loss("binary_crossentropy", "sigmoid", 1, classify=True)
    ours = loss(torch.from_numpy(logits), torch.from_numpy(targets)).item()
    theirs = keras_loss("binary_crossentropy", targets[:, None], activated(logits, "sigmoid"))
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_crossentropy_of_numbers_is_refused():
    with pytest.raises(SettingError, match="use mean_squared_error"):
        make_loss("categorical_crossentropy", "linear", 1, classify=False)


@pytest.mark.parametrize(
    ("name", "metric"),
    [("mae", "MeanAbsoluteError"), ("rmse", "RootMeanSquaredError")],
)
def test_metric_of_values_over_two_batches(name, metric):
    theirs = getattr(keras.metrics, metric)()
    total = 0.0
    for part in (slice(0, 5), slice(5, 8)):
        total += summed_metric(
            name, torch.from_numpy(LOGITS[part]), torch.from_numpy(VALUES[part])
        ).item()
        theirs.update_state(VALUES[part], LOGITS[part])
    assert finished_metric(name, total, 8) == pytest.approx(float(theirs.result()), rel=1e-5)


def test_accuracy():
    theirs = keras.metrics.SparseCategoricalAccuracy()
    theirs.update_state(CLASSES, LOGITS)
    total = summed_metric("accuracy", torch.from_numpy(LOGITS), torch.from_numpy(CLASSES)).item()
    assert finished_metric("accuracy", total, 8) == pytest.approx(float(theirs.result()))


def test_accuracy_of_one_output():
    theirs = keras.metrics.BinaryAccuracy()
    targets = CLASSES % 2
    theirs.update_state(targets[:, None], activated(LOGITS[:, :1], "sigmoid"))
    answers = torch.from_numpy(activated(LOGITS[:, :1], "sigmoid"))
    total = summed_metric("accuracy", answers, torch.from_numpy(targets))
    assert total.item() / 8 == pytest.approx(float(theirs.result()))
