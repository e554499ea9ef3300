"""Fitting a network with Keras and with firstlight."""

import numpy as np

import firstlight as fl
from firstlight.models.backend import import_keras

keras = import_keras()
layers = keras.layers


COUNT = 120


def images(count=COUNT, seed=0):
    """Images whose class is the row, of four, that is bright, and the class numbers."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 4, count)
    pixels = generator.normal(0, 0.3, (count, 8, 8, 1))
    pixels[np.arange(count), 2 * targets] += 1.0
    return pixels.astype("float32"), targets


def network(outputs=4, activation="softmax"):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(momentum=0.9),
            layers.Flatten(),
            layers.Dense(outputs, activation=activation),
        ]
    )


def both_ways(make, data, compiled, **options):
    """History and weights after `firstlight.fit` and after Keras's `fit`, from one start."""
    ends = []
    for ours in (True, False):
        model = make()
        model.compile(**compiled())
        asked = {"epochs": 3, "batch_size": 32, "shuffle": False, "verbose": 0}
        asked |= {key: value() if callable(value) else value for key, value in options.items()}
        history = fl.fit(model, *data, **asked) if ours else model.fit(*data, **asked)
        ends.append((history, model))
    return ends


def assert_same(ends, rtol=2e-3):
    (ours, our_model), (theirs, their_model) = ends
    assert list(ours.history) == list(theirs.history)
    assert ours.epoch == theirs.epoch
    assert ours.params == theirs.params
    for name, values in theirs.history.items():
        np.testing.assert_allclose(ours.history[name], values, rtol=rtol, atol=1e-5, err_msg=name)
    pairs = zip(our_model.get_weights(), their_model.get_weights(), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=rtol, atol=2e-4)


def plain(**more):
    return {
        "optimizer": keras.optimizers.SGD(0.05, momentum=0.9),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
    } | more
