"""The network of periodic.py, told also how many pixels are how bright above the darkest one.

Where all hydrogen is ionised a map without noise shows nothing, so its darkest pixel says where
zero is, although the telescope has taken the mean away. How many pixels lie just above zero says
how much is ionised there, and the shapes of the bubbles say the rest.
"""

from typing import Any

import keras
import numpy as np
from keras import layers
from periodic import convolution

# In mK, the unit of the maps; neutral hydrogen shines with about 25 mK. Training moves them.
LEVELS = np.concatenate(
    [
        [0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.27, 0.35],
        np.arange(0.45, 2, 0.1),
        [2.1, 2.25, 2.4, 2.6, 2.8, 3, 3.3, 3.7, 4.2, 5, 6, 8, 12],
    ]
)


def shares_above(sky: Any) -> Any:
    """How much of a sky `(N, H, W, C)` lies above each level of its first channel."""
    gaps = np.diff(LEVELS)
    steps = layers.Conv2D(len(gaps), 1, name="levels")
    between = layers.ReLU(max_value=1.0)(steps(sky))
    kernel = np.zeros((1, 1, sky.shape[-1], len(gaps)))
    kernel[0, 0, 0] = 1 / gaps
    # 0 below a level, 1 above the next one.
    steps.set_weights([kernel, -LEVELS[:-1] / gaps])
    return layers.GlobalAveragePooling2D()(between)


def make_model(input_shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """Return the network for maps of `input_shape` (H, W, C), H and W multiples of 8.

    The first channel is the map in mK, any others are numbers beside it.
    """
    both = keras.Input(input_shape)
    sky, beside = both[..., :1], both[..., 1:]
    # Because of Rescaling firstlight leaves the map as it is: levels are in its unit.
    depth = layers.GlobalMaxPooling2D(keepdims=True)(layers.Rescaling(-1.0)(sky))
    bright = layers.Add()([sky, depth])
    shares = shares_above(layers.Concatenate()([bright, beside]))
    maps = convolution(layers.Concatenate()([bright, both]), 24, 5, stride=2)
    for filters in (24, 48, 96):
        if filters > 24:
            maps = layers.MaxPooling2D(2)(maps)
        maps = convolution(convolution(maps, filters, 3), filters, 3)
    means = layers.GlobalAveragePooling2D()(maps)
    known = layers.Concatenate()([shares, means, layers.Flatten()(depth)])
    hidden = layers.Dense(128, activation="relu")(layers.Dense(128, activation="relu")(known))
    return keras.Model(both, layers.Dense(outputs)(layers.Concatenate()([known, hidden])))
