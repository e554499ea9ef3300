"""Units of ReLU layers that answer 0 to every image: they have no gradient and learn no more.

Source: Lu et al. 2019, "Dying ReLU and Initialization", arXiv:1903.06733.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.diagnosis import LayerUnits
from firstlight.training.opened import OpenNetwork
from firstlight.training.predicting import PIXELS_AT_ONCE
from firstlight.training.tensors import as_tensor


def relu_units(
    model: Any, images: NDArray[Any], side: NDArray[Any] | None = None
) -> tuple[LayerUnits, ...]:
    """How many units of each ReLU layer are dead, as far as some images tell.

    Args:
        model: a Keras model that `lower` can take, with its trained weights.
        images: `(N, H, W, C)`, a few hundred.
        side: `(N, S)` the numbers beside them, or None.

    Example:
        >>> import numpy as np
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> layer = keras.layers.Dense(2, "relu", kernel_initializer="ones", name="one")
        >>> model = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Flatten(), layer])
        >>> _ = layer.bias.assign(np.array([0, -9]))
        >>> relu_units(model, np.ones((4, 1, 1, 1), np.uint8))
        (LayerUnits(layer='one', units=2, dead=1),)
    """
    network = OpenNetwork(model).eval()
    named = [name for name, call in network.calls.items() if _ends_in_relu(call.layer)]
    arrays = [as_tensor(array) for array in (images, side) if array is not None]
    alive: dict[str, Tensor] = {}
    # Every answer of every layer is held: few images at a time.
    at_once = max(1, PIXELS_AT_ONCE["cpu"] // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), at_once):
        with torch.inference_mode():
            values = network.run(*(array[start : start + at_once] for array in arrays))
        for name in named:
            # Images have their channels second here, as lists have their units.
            answers = (values[network.tensor_of(name)] > 0).transpose(0, 1).flatten(1).any(1)
            alive[name] = alive[name] | answers if name in alive else answers
    return tuple(LayerUnits(name, len(on), int((~on).sum())) for name, on in alive.items())


def _ends_in_relu(layer: Any) -> bool:
    """Whether a layer answers with a plain ReLU, which is flat below 0."""
    import keras

    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    return getattr(layer, "activation", None) is keras.activations.relu
