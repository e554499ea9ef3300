"""Networks and answers to hold the engine's lowered networks against Keras's own."""

import numpy as np
import torch

from firstlight.models.backend import import_keras

keras = import_keras()
L = keras.layers

IMAGE = (12, 11, 6)


ROWS = (13, 6)


def pictures(shape, count=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype("float32")


def shaken(model, size=0.3):
    """The model with weights that are nobody's default: zeros and ones hide mistakes."""
    generator = np.random.default_rng(1)
    for weight in model.weights:
        values = generator.normal(size, size, weight.shape)
        if "variance" in weight.path:
            values = np.abs(values) + 0.5
        weight.assign(values)
    return model


def answer(network, images):
    network.eval()
    with torch.no_grad():
        return network.answers(network(torch.from_numpy(images))).numpy()


def keras_answer(model, images, training=False):
    return keras.ops.convert_to_numpy(model(images, training=training))


def branched():
    """Branches, a layer used twice, every merge, a nested model used twice, a broadcast."""
    image = keras.Input((8, 8, 3))
    shared = L.Conv2D(4, 3, padding="same", activation="relu")
    left = shared(image)
    right = shared(L.Conv2D(3, 1)(image))
    pooled = L.MaxPooling2D(2)(left)
    seen_twice = L.UpSampling2D(2)(pooled)
    inner_in = keras.Input((8, 8, 4))
    inner = keras.Model(inner_in, L.BatchNormalization()(L.Conv2D(4, 1)(inner_in)))
    merged = [
        L.Add()([left, right, seen_twice]),
        L.Average()([left, right]),
        L.Maximum()([left, right]),
        L.Minimum()([left, right]),
        L.Multiply()([left, right]),
        L.Subtract()([left, right]),
        inner(left),
        inner(right),
    ]
    joined = L.Concatenate()(merged)
    gate = L.GlobalAveragePooling2D(keepdims=True)(joined)
    gated = L.Multiply()([joined, L.Dense(32, activation="sigmoid")(gate)])
    return keras.Model(image, L.Dense(3, activation="softmax")(L.Flatten()(gated)))
