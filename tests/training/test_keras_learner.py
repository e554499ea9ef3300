"""Training that is left to Keras: beside the engine, on a network that both can train.

On torch nothing is ever left to Keras, so the model is handed over by hand here; with Keras on
TensorFlow or JAX the same tests run on those.
"""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_squared_error

import firstlight as fl
from firstlight.core.errors import SettingError
from firstlight.core.losses import LOSSES
from firstlight.core.settings import OPTIMIZERS, TrainSettings
from firstlight.models.backend import import_keras
from firstlight.training import keras_learner, lower
from firstlight.training.keras_learner import KerasNetwork
from firstlight.training.learner import make_learner

from .conftest import MACHINE, SETTINGS, striped

keras = import_keras()
PART = striped(96)


def model(outputs=4, activation="softmax", dropout=0.0, seed=1):
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(dropout, seed=5),
            layers.Flatten(),
            layers.Dense(outputs, activation=activation, kernel_regularizer="l2"),
        ]
    )


def left_to_keras(network=None, classify=True, **settings):
    network = network or model()
    chosen = TrainSettings(**(SETTINGS | settings))
    return make_learner(KerasNetwork(network, ["x"]), chosen, MACHINE, 4, classify)


def engine(network=None, **settings):
    chosen = TrainSettings(**(SETTINGS | settings))
    return make_learner(lower(network or model()), chosen, MACHINE, 4, classify=True)


def train(learner, steps=3, weights=None, rate=0.01):
    """The losses of some steps, on other images each."""
    losses = []
    for number in range(steps):
        chosen = slice(32 * (number % 3), 32 * (number % 3) + 32)
        images = torch.from_numpy(PART.images[chosen]).float()
        targets = torch.from_numpy(PART.targets[chosen])
        losses.append(learner.step(images, targets, weights, rate)[0])
    return losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_is_that_of_the_engine(optimizer):
    settings = {"optimizer": optimizer, "weight_decay": 0.1}
    ours, theirs = engine(**settings)[0], left_to_keras(**settings)[0]
    assert train(theirs) == pytest.approx(train(ours), rel=1e-3)
    difference = theirs.predict(PART.images) - ours.predict(PART.images)
    assert np.abs(difference).max() < 2e-3


def test_momentum_reaches_keras():
    ours = engine(optimizer="sgd", momentum=0.8)[0]
    theirs = left_to_keras(optimizer="sgd", momentum=0.8)[0]
    assert train(theirs) == pytest.approx(train(ours), rel=1e-4)
    assert train(left_to_keras(optimizer="sgd")[0]) != pytest.approx(train(ours), rel=1e-4)


def test_weights_of_images_count_as_in_the_engine():
    weights = torch.linspace(0.0, 3.0, 32)
    ours = train(engine()[0], weights=weights)
    assert train(left_to_keras()[0], weights=weights) == pytest.approx(ours, rel=1e-4)
    assert train(left_to_keras()[0]) != pytest.approx(ours, rel=1e-2)


@pytest.mark.parametrize("loss", [name for name, use in LOSSES.items() if "classify" in use.tasks])
def test_a_loss_of_classes_is_that_of_the_engine(loss):
    ending = "softmax" if "softmax" in (LOSSES[loss].endings or ("softmax",)) else "sigmoid"
    ours = engine(model(activation=ending), loss=loss)[0]
    theirs = left_to_keras(model(activation=ending), loss=loss)[0]
    assert train(theirs) == pytest.approx(train(ours), rel=1e-3)


def test_measured_numbers():
    learner, metric = left_to_keras(
        model(1, None), classify=False, loss="mean_squared_error", metric="rmse"
    )
    before = learner.predict(PART.images)
    images = torch.from_numpy(PART.images).float()
    targets = torch.from_numpy(PART.targets[:, None]).float()
    # A rate of 0 leaves the weights; the statistics in use are the batch's own in training.
    _, batch_metric = learner.step(images, targets, None, 0.0)
    metric.update(batch_metric, targets)
    network = learner.model
    answers = keras.ops.convert_to_numpy(network(PART.images.astype("float32"), training=True))
    expected = mean_squared_error(PART.targets, answers[:, 0]) ** 0.5
    assert metric.result() == pytest.approx(expected, rel=1e-4)
    assert before.shape == (96, 1)


def test_a_metric_weighs_batches_by_their_images():
    metric = keras_learner.MeanOfBatches("accuracy")
    metric.update(torch.tensor(1.0), torch.zeros(30))
    metric.update(torch.tensor(0.0), torch.zeros(10))
    assert metric.result() == 0.75
    again = keras_learner.MeanOfBatches("accuracy")
    again.restore(metric.state())
    again.update(torch.tensor(0.0), torch.zeros(20))
    assert again.result() == 0.5
    assert np.isnan(keras_learner.MeanOfBatches("accuracy").result())


def test_a_state_goes_on_bit_for_bit():
    whole, _ = left_to_keras(model(dropout=0.3))
    train(whole)
    state = whole.state()
    rest = train(whole)
    # Another start, and other weights, which the state replaces.
    again, _ = left_to_keras(model(dropout=0.3, seed=2))
    again.restore(state)
    assert train(again) == rest
    for one, other in zip(whole.tensors(), again.tensors(), strict=True):
        assert torch.equal(one, other)


def test_a_state_of_another_network_is_refused():
    state = left_to_keras()[0].state()
    with pytest.raises(ValueError, match="another network"):
        left_to_keras(model(3))[0].restore(state)


@pytest.mark.parametrize(
    ("settings", "option"),
    [({"average": 0.99}, "--average"), ({"label_smoothing": 0.1}, "--label-smoothing")],
)
def test_what_keras_cannot_do_is_refused(settings, option):
    with pytest.raises(SettingError, match=f"^{option} is not possible where Keras itself trains"):
        left_to_keras(**settings)


def test_the_penalty_is_that_of_the_regularisers():
    network = model()
    learner, _ = left_to_keras(network)
    kernel = network.layers[-1].get_weights()[0]
    assert learner.penalty() == pytest.approx(0.01 * (kernel**2).sum(), rel=1e-5)


def test_a_whole_run_with_its_report(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "firstlight.training.network_of", lambda model, inputs: KerasNetwork(model, ["layer x"])
    )
    part = striped(300)
    np.savez(tmp_path / "bright.npz", images=part.images[..., 0], labels=part.targets)
    (tmp_path / "net.yaml").write_text(
        "- Conv2D: {filters: 4, kernel_size: 3, activation: relu}\n"
        "- Flatten\n"
        "- Dense: {units: outputs, activation: softmax}\n"
    )
    settings = {"model": str(tmp_path / "net.yaml"), "epochs": 4, "batch_size": 32}
    run = fl.train(tmp_path / "bright.npz", runs=tmp_path, name="one", **settings)
    losses = [epoch["loss"] for epoch in run.history]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    # The model that lies in the folder is the one that was trained.
    test = fl.load(tmp_path / "bright.npz").test
    right = run.model.predict(test.images, verbose=0).argmax(1) == test.targets
    assert right.mean() == run.report.scores["accuracy"].value
