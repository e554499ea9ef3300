"""Targets of which a share is spread over all classes, against Keras's own losses."""

import numpy as np
import pytest
import torch

from firstlight.core.dataset import Images
from firstlight.core.errors import SettingError
from firstlight.core.settings import TrainSettings
from firstlight.models import import_keras
from firstlight.training import Validator
from firstlight.training.losses import make_loss

keras = import_keras()
GENERATOR = np.random.default_rng(3)
LOGITS = GENERATOR.normal(size=(8, 4)).astype("float32") * 2
CLASSES = GENERATOR.integers(0, 4, 8)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_smoothed_crossentropy(name):
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    expected = float(theirs(np.eye(4, dtype="float32")[CLASSES], LOGITS))
    loss = make_loss(name, "softmax", 4, classify=True, smoothing=0.1)
    ours = loss(torch.from_numpy(LOGITS), torch.from_numpy(CLASSES)).item()
    assert ours == pytest.approx(expected, rel=1e-5)


def test_smoothed_crossentropy_of_one_output():
    theirs = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)
    logits, targets = LOGITS[:, :1], CLASSES % 2
    expected = float(theirs(targets[:, None].astype("float32"), logits))
    loss = make_loss("binary_crossentropy", "sigmoid", 1, classify=True, smoothing=0.2)
    ours = loss(torch.from_numpy(logits), torch.from_numpy(targets)).item()
    assert ours == pytest.approx(expected, rel=1e-5)


def test_a_loss_without_smoothing_refuses_it():
    with pytest.raises(SettingError, match="the loss is mean_squared_error: leave it away"):
        make_loss("mean_squared_error", "linear", 4, classify=True, smoothing=0.1)
    make_loss("mean_squared_error", "linear", 4, classify=True, smoothing=0.0)


def test_the_validation_loss_is_smoothed_as_the_one_that_trains():
    answers = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    images = Images(np.zeros((8, 1, 1, 1), "uint8"), CLASSES, np.array(["?"] * 8))
    settings = TrainSettings(
        loss="categorical_crossentropy", metric="accuracy", label_smoothing=0.1
    )
    seen = Validator(images, settings)(lambda *_: answers)
    loss = make_loss("categorical_crossentropy", "softmax", 4, classify=True, smoothing=0.1)
    trained = loss(torch.from_numpy(LOGITS), torch.from_numpy(CLASSES)).item()
    assert seen["loss"] == pytest.approx(trained, rel=1e-5)
