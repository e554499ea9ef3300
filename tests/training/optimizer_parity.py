"""Moving weights with Keras's optimizers and with the engine's."""

import numpy as np
import torch

from firstlight.models.backend import import_keras
from firstlight.training.lowered import Weight

keras = import_keras()


SHAPES = {"conv_kernel": (3, 3, 2, 4), "matrix": (5, 3), "embedding": (4, 6), "bias": (7,)}


# As lowering turns kernels round.
AXES = {4: (3, 2, 0, 1), 2: (1, 0), 1: None}


RATE = float(np.float32(0.01))


def make_variables(**options):
    generator = np.random.default_rng(3)
    return [
        keras.Variable(0.3 * generator.normal(size=shape).astype("float32"), name=name, **options)
        for name, shape in SHAPES.items()
    ]


def make_weights(variables):
    weights = []
    for variable in variables:
        array = number(variable)
        axes = AXES[array.ndim]
        tensor = torch.from_numpy(array.transpose(axes or range(array.ndim)).copy())
        if tensor.dim() == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        weights.append(Weight(torch.nn.Parameter(tensor), variable, axes))
    return weights


def number(variable):
    return keras.ops.convert_to_numpy(variable.value).copy()


def in_keras_order(weight):
    array = weight.tensor.detach().numpy()
    return array if weight.axes is None else array.transpose(np.argsort(weight.axes))


def gradients(step, size=1.0):
    generator = np.random.default_rng(100 + step)
    return [(size * generator.normal(size=shape)).astype("float32") for shape in SHAPES.values()]


def move_keras(optimizer, variables, steps, size=1.0):
    for step in steps:
        optimizer.apply([torch.from_numpy(one) for one in gradients(step, size)], variables)


def move(optimizer, steps, size=1.0):
    for step in steps:
        for weight, gradient in zip(optimizer.weights, gradients(step, size), strict=True):
            turned = gradient.transpose(weight.axes or range(gradient.ndim))
            weight.tensor.grad = torch.empty_like(weight.tensor).copy_(torch.from_numpy(turned))
        optimizer.step(RATE)


def make_keras(name, options):
    return getattr(keras.optimizers, name)(learning_rate=0.01, **options)


def assert_same(ours, theirs, starts):
    """Equal to 1e-5 of how far a weight came, give or take the last bits of the weight."""
    for one, other, start in zip(ours, theirs, starts, strict=True):
        moved = np.abs(other - start).max()
        assert moved > 1e-9
        bits = 12 * np.finfo("float32").eps * np.abs(start).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * moved + bits)
