"""One published network of `keras.applications`: parity with Keras, and speed beside it.

    KERAS_BACKEND=tensorflow python one_application.py NAME SIZE BATCH STEPS

Keras's initial weights, float32. Four things are arranged so that numbers can be compared:

- variables that start at zero get small random numbers, so that none is left out;
- moving statistics are those of the batch: a fresh network's answers grow or vanish with its depth,
  and are nearly the same for every image;
- dropout is off: two libraries draw different random numbers;
- the step of gradient descent is such that it lowers the loss by a thousandth, to first order. So
  deep networks that nobody has trained are steep: rounding alone moves their gradients by a
  hundredth.

How far float32 is from exact is found with the lowered network in float64.

A difference is relative to the largest absolute number of its array: outputs, one variable.
The last line printed is a JSON object.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from firstlight.core.settings import TrainSettings
from firstlight.models.backend import import_keras
from firstlight.training import choose_machine, lower
from firstlight.training.optimizers import make_optimizer

Array = NDArray[Any]
CLASSES = 10
SHARE = 1e-3  # of the loss, by which the step lowers it to first order
SMALL = 0.1  # standard deviation of what takes the place of zeros


def difference(one: Array, other: Array) -> float:
    """The largest difference, relative to the largest absolute number of `other`."""
    largest = float(np.abs(other).max())
    return float(np.abs(one - other).max()) / (largest or 1.0)


def prepare(model: Any, images: Array) -> None:
    """No zeros, moving statistics of this batch, no dropout."""
    generator = np.random.default_rng(1)
    for variable in model.trainable_variables:
        array = numbers(variable)
        if not array.any():
            variable.assign(generator.normal(0, SMALL, array.shape))
    momenta = {}
    for layer in layers_of(model):
        if hasattr(layer, "moving_mean"):
            momenta[layer] = layer.momentum
            layer.momentum = 0.0
        for rate in ("rate", "drop_path_rate"):
            if hasattr(layer, rate):
                setattr(layer, rate, 0.0)
    model(images, training=True)
    for layer, momentum in momenta.items():
        layer.momentum = momentum


def layers_of(model: Any) -> Iterator[Any]:
    """Every layer, also inside of models inside the model."""
    for layer in model.layers:
        yield from layers_of(layer) if hasattr(layer, "layers") else [layer]


def numbers(variable: Any) -> Array:
    from keras import ops

    array: Array = ops.convert_to_numpy(variable.value)
    return array


def exact(model: Any, images: torch.Tensor) -> Array:
    """The answers in float64, from the same weights."""
    network = lower(model).double().eval()
    with torch.no_grad():
        answers: Array = network.answers(network(images)).numpy()
    return answers


def seconds_of(step: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def main(name: str, size: int, batch: int, steps: int) -> dict[str, Any]:
    keras = import_keras()
    keras.utils.set_random_seed(0)
    machine = choose_machine(TrainSettings(precision="float32"))
    model = getattr(keras.applications, name)(
        weights=None, input_shape=(size, size, 3), classes=CLASSES, classifier_activation=None
    )
    # The networks with a rescaling of their own take 0 to 255, the others -1 to 1.
    own = any(type(layer).__name__ == "Rescaling" for layer in layers_of(model))
    images = np.random.default_rng(0).uniform(-1, 1, (batch, size, size, 3)).astype("float32")
    images = 127.5 * (images + 1) if own else images
    targets = np.arange(batch) % CLASSES
    prepare(model, images)
    network = lower(model)
    tensors = torch.from_numpy(images), torch.from_numpy(targets)
    optimizer = make_optimizer("sgd", network)

    def ours() -> Array:
        network.eval()
        with torch.no_grad():
            answers: Array = network.answers(network(tensors[0])).numpy()
        return answers

    def theirs() -> Array:
        answers: Array = keras.ops.convert_to_numpy(model(images, training=False))
        return answers

    def gradients() -> float:
        network.train()
        loss = F.cross_entropy(network(tensors[0]), tensors[1])
        loss.backward()
        return loss.item()

    start, our_start = theirs(), ours()
    before = difference(our_start, start)
    truth = exact(model, tensors[0])
    errors = {"keras": difference(start, truth), "firstlight": difference(our_start, truth)}
    first = model.get_weights()
    loss_before = gradients()
    slopes = [weight.tensor.grad for weight in network.weights()]
    rate = SHARE * loss_before / sum(g.square().sum().item() for g in slopes if g is not None)
    del slopes
    optimizer.step(rate)
    network.write_back()
    stepped, answered = model.get_weights(), ours()
    written = difference(theirs(), answered)

    model.set_weights(first)
    del first
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), loss)
    model.train_on_batch(images, targets)
    end = theirs()
    variables = {"weights": 0.0, "statistics": 0.0}
    for one, variable in zip(stepped, model.weights, strict=True):
        kind = "weights" if variable.trainable else "statistics"
        variables[kind] = max(variables[kind], difference(one, numbers(variable)))
    del stepped

    def step() -> None:
        gradients()
        optimizer.step(rate)

    turns = [
        (seconds_of(lambda: model.train_on_batch(images, targets)), seconds_of(step))
        for _ in range(steps)
    ]
    keras_seconds, our_seconds = (median(times) for times in zip(*turns, strict=True))
    return {
        "parameters": model.count_params(),
        "in_keras": network.in_keras,
        "backend": keras.backend.backend(),
        "threads": machine.threads,
        "size": size,
        "batch": batch,
        "before": before,
        "errors": errors,
        "after": {
            **variables,
            "outputs": max(difference(answered, end), written),
            "moved": difference(start, end),
        },
        "seconds": {"keras": keras_seconds, "firstlight": our_seconds},
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
