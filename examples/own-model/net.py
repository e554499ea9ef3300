"""A network with two branches: small kernels for strokes, large ones for whole shapes."""

import keras
from keras import layers


def make_model(input_shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """Return the network for images of `input_shape` (H, W, C) with `outputs` classes."""
    image = keras.Input(input_shape)
    near = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    far = layers.Conv2D(8, 9, padding="same", activation="relu")(image)
    both = layers.MaxPooling2D(4)(layers.Concatenate()([near, far]))
    answer = layers.Dense(outputs, activation="softmax")(layers.Flatten()(both))
    return keras.Model(image, answer)
