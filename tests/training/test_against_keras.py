"""Optimizers against Keras's own on the same numbers."""

import numpy as np
import pytest
import torch

from firstlight.core.settings import OPTIMIZERS
from firstlight.models.backend import import_keras
from firstlight.training.optimizers import make_optimizer

keras = import_keras()
GENERATOR = np.random.default_rng(5)


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
