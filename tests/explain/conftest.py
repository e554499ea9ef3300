"""Networks of every kind that can be looked into, with weights and statistics that are not new."""

from typing import Any

import numpy as np
import pytest

from firstlight.models import import_keras

keras = import_keras()
layers = keras.layers


def stirred(model: Any, seed: int = 3) -> Any:
    """The model with biases and statistics that are no longer 0 and 1."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        noise = 0.3 * random.normal(size=weight.shape)
        weight.assign(keras.ops.convert_to_numpy(weight.value) + np.abs(noise))
    return model


def plain() -> Any:
    keras.utils.set_random_seed(1)
    return stirred(
        keras.Sequential(
            [
                keras.Input((9, 8, 2)),
                layers.Rescaling(1 / 255),
                layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="first"),
                layers.BatchNormalization(),
                layers.Conv2D(4, 2, padding="same", use_bias=False, name="second"),
                layers.MaxPooling2D(2),
                layers.ReLU(),
                layers.Flatten(),
                layers.Dense(3, activation="softmax", name="last"),
            ]
        )
    )


def odd() -> Any:
    """Groups, dilation, depthwise and separable convolutions, each with padding or strides."""
    keras.utils.set_random_seed(2)
    return stirred(
        keras.Sequential(
            [
                keras.Input((11, 10, 4)),
                layers.Conv2D(6, 3, groups=2, dilation_rate=2, padding="same", name="grouped"),
                layers.DepthwiseConv2D(
                    (3, 2), depth_multiplier=2, strides=2, padding="same", name="depthwise"
                ),
                layers.SeparableConv2D(
                    5, 3, depth_multiplier=2, activation="tanh", name="separable"
                ),
                layers.GlobalAveragePooling2D(),
                layers.Dense(2),
            ]
        )
    )


def branched() -> Any:
    """A Functional model: a model inside, a layer used twice, a sum, numbers beside the image."""
    keras.utils.set_random_seed(3)
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(3, 3, padding="same", activation="relu", name="deep"),
            layers.BatchNormalization(name="deep_statistics"),
        ],
        name="block",
    )
    image = keras.Input((8, 8, 1), name="image")
    beside = keras.Input((2,), name="side")
    x = layers.Conv2D(3, 3, padding="same", name="stem")(image)
    twice = layers.ReLU(name="twice")
    x = layers.Add(name="sum")([twice(x), inner(x)])
    x = layers.GlobalAveragePooling2D(name="means")(twice(x))
    x = layers.Concatenate(name="both")([x, beside])
    return stirred(keras.Model([image, beside], layers.Dense(1, name="value")(x), name="branched"))


@pytest.fixture(scope="session")
def plain_model() -> Any:
    return plain()


@pytest.fixture(scope="session")
def odd_model() -> Any:
    return odd()


@pytest.fixture(scope="session")
def branched_model() -> Any:
    return branched()


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)
