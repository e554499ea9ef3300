"""The recipe `maps` for a sky without edges: what leaves on one side comes in on the other.

Padding with zeros tells a convolution where the edge is, but a simulated box has none: it goes on
on the other side. Here a strip of the other side is put there in place of the zeros.
"""

from typing import Any

import keras
from keras import layers


def around(maps: Any, before: int, after: int) -> Any:
    """Maps `(N, H, W, C)` with rows and columns of the other side before and after their own."""
    for axis in (1, 2):
        size = maps.shape[axis]

        def strip(start: int, end: int, maps: Any = maps, axis: int = axis) -> Any:
            cut = (start, end)
            return layers.Cropping2D((cut, (0, 0)) if axis == 1 else ((0, 0), cut))(maps)

        first = [strip(size - before, 0)] if before else []
        last = [strip(0, size - after)] if after else []
        maps = layers.Concatenate(axis=axis)([*first, maps, *last])
    return maps


def convolution(maps: Any, filters: int, size: int, stride: int = 1) -> Any:
    """A convolution with batch normalisation, as large as `padding="same"` makes it."""
    padding = size - stride
    maps = around(maps, padding // 2, padding - padding // 2)
    maps = layers.Conv2D(filters, size, strides=stride, use_bias=False)(maps)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(maps))


def make_model(input_shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """Return the network for maps of `input_shape` (H, W, C), H and W multiples of 8."""
    sky = keras.Input(input_shape)
    maps = convolution(sky, 24, 5, stride=2)
    for filters in (24, 48, 96):
        if filters > 24:
            maps = layers.MaxPooling2D(2)(maps)
        maps = convolution(convolution(maps, filters, 3), filters, 3)
    means = layers.GlobalAveragePooling2D()(maps)
    return keras.Model(sky, layers.Dense(outputs)(layers.Dense(128, activation="relu")(means)))
