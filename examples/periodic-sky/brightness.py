"""The network of periodic.py, told also how many pixels are how bright above the darkest one.

Where all hydrogen is ionised a map without noise shows nothing, so its darkest pixel says where
zero is, although the telescope has taken the mean away. How many pixels lie above each of some
levels then says most of what there is to know, and the shapes of the bubbles say the rest.
"""

from typing import Any

import keras
import numpy as np
from keras import layers
from periodic import convolution

# In standard deviations of all pixels, finer near zero and where neutral hydrogen of mean density
# lies (1 to 2.5).
LEVELS = np.concatenate(
    [
        [0, 0.01, 0.02, 0.04, 0.07],
        np.arange(0.1, 0.5, 0.08),
        np.arange(0.5, 2, 0.1),
        np.arange(2, 3, 0.2),
        [3, 3.3, 3.7, 4.2, 5, 6, 8, 12],
    ]
)


def shares_above(sky: Any) -> Any:
    """How much of a sky `(N, H, W, C)` lies above each level of its first channel."""
    gaps = np.diff(LEVELS)
    steps = layers.Conv2D(len(gaps), 1, name="levels")
    between = layers.ReLU(max_value=1.0)(steps(sky))
    kernel = np.zeros((1, 1, sky.shape[-1], len(gaps)))
    kernel[0, 0, 0] = 1 / gaps
    # 0 below a level, 1 above the next one; training may move them.
    steps.set_weights([kernel, -LEVELS[:-1] / gaps])
    return layers.GlobalAveragePooling2D()(between)


def make_model(input_shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """Return the network for maps of `input_shape` (H, W, C), H and W multiples of 8.

    The first channel is the map, any others are numbers beside it.
    """
    sky = keras.Input(input_shape)
    darkest = layers.GlobalMaxPooling2D(keepdims=True)(layers.Rescaling(-1.0)(sky[..., :1]))
    bright = layers.Add()([sky[..., :1], darkest])
    sky_and_bright = layers.Concatenate()([bright, sky])
    maps = convolution(sky_and_bright, 24, 5, stride=2)
    for filters in (24, 48, 96):
        if filters > 24:
            maps = layers.MaxPooling2D(2)(maps)
        maps = convolution(convolution(maps, filters, 3), filters, 3)
    known = layers.Concatenate()(
        [shares_above(sky_and_bright), layers.GlobalAveragePooling2D()(maps)]
    )
    hidden = layers.Dense(128, activation="relu")(known)
    hidden = layers.Dense(128, activation="relu")(hidden)
    return keras.Model(sky, layers.Dense(outputs)(layers.Concatenate()([known, hidden])))
