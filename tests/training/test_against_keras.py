"""Losses, metrics and optimizers against Keras's own on the same numbers."""

import numpy as np
import pytest
import torch

from firstlight.core.errors import SettingError
from firstlight.core.settings import LOSSES, OPTIMIZERS
from firstlight.models.backend import import_keras
from firstlight.training.losses import finished_metric, make_loss, summed_metric
from firstlight.training.optimizers import make_optimizer

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


@pytest.mark.parametrize("size", [1.0, 1e-5], ids=["usual gradients", "tiny gradients"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_takes_keras_steps(name, size):
    # Tiny gradients tell where each of the two puts its epsilon.
    shapes = [(3, 4), (4,)]
    starts = [GENERATOR.normal(size=shape).astype("float32") for shape in shapes]
    network = torch.nn.ParameterList([torch.from_numpy(start.copy()) for start in starts])
    ours = make_optimizer(name, network)
    variables = [keras.Variable(start) for start in starts]
    theirs = keras.optimizers.get(name)
    for number in range(12):
        rate = 0.1 / (1 + number)
        gradients = [size * GENERATOR.normal(size=shape).astype("float32") for shape in shapes]
        for weight, gradient in zip(network, gradients, strict=True):
            weight.grad = torch.from_numpy(gradient.copy())
        ours.step(rate)
        theirs.learning_rate = rate
        theirs.apply([torch.from_numpy(gradient) for gradient in gradients], variables)
    for start, weight, variable in zip(starts, network, variables, strict=True):
        moved = keras.ops.convert_to_numpy(variable.value) - start
        assert np.abs(moved).max() > 1e-8
        np.testing.assert_allclose(weight.detach().numpy() - start, moved, rtol=2e-4, atol=2e-7)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_restored_optimizer_goes_on_bit_for_bit(name):
    def make():
        return torch.nn.ParameterList([torch.ones(3, 2)])

    def steps(network, optimizer, numbers):
        for number in numbers:
            network[0].grad = torch.sin(torch.arange(6.0).reshape(3, 2) + number)
            optimizer.step(0.1)

    whole, parted, resumed = make(), make(), make()
    one = make_optimizer(name, whole)
    steps(whole, one, range(6))
    two = make_optimizer(name, parted)
    steps(parted, two, range(3))
    three = make_optimizer(name, resumed)
    three.restore(two.state())
    resumed.load_state_dict(parted.state_dict())
    steps(resumed, three, range(3, 6))
    assert torch.equal(whole[0], resumed[0])
    assert not torch.equal(whole[0], parted[0])
