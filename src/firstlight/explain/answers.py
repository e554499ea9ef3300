"""What each layer answers for an image, and the filters of the convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.insight import Filters, LayerAnswer
from firstlight.explain.opening import OpenModel, Side
from firstlight.training.lowered import array_of
from firstlight.training.opened import as_keras


def layer_answers(
    opened: OpenModel, image: NDArray[Any], side: Side = None
) -> tuple[LayerAnswer, ...]:
    """What every layer answers for one image, in the order in which the layers run.

    Args:
        opened: from `open_model`.
        image: `(H, W, C)` as it is stored.
        side: `(S,)` numbers beside it, for a network that takes them.

    Raises:
        ModelError: the image does not fit the network.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("simple", (28, 28, 1), 10, "classify"))
        >>> answers = layer_answers(opened, np.zeros((28, 28, 1), np.uint8))
        >>> [answer.shape for answer in answers]
        [(13, 13, 8), (1352,), (10,)]
    """
    values = opened.run(image, side)
    return tuple(
        LayerAnswer(
            name,
            type(opened.layer(name)).__name__,
            as_keras(values[opened.network.tensor_of(name)])[0],
        )
        for name in opened.layers
    )


def filters_of(opened: OpenModel) -> tuple[Filters, ...]:
    """The filters of every two-dimensional convolution, in the order in which they run.

    A separable convolution, whose two halves have nothing between them, is shown as the one
    convolution that it amounts to. Transposed convolutions are left out.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("simple", (28, 28, 1), 10, "classify"))
        >>> [(each.layer, each.weights.shape) for each in filters_of(opened)]
        [('conv2d', (16, 16, 1, 8))]
    """
    found = []
    for name in opened.layers:
        layer = opened.layer(name)
        if is_convolution(layer):
            weights = kernel_of(layer)
            bias = np.zeros(weights.shape[-1], np.float32)
            if layer.use_bias:
                bias = array_of(layer.bias)
            found.append(Filters(name, type(layer).__name__, weights, bias))
    return tuple(found)


def is_convolution(layer: Any) -> bool:
    """Whether a layer is one of Keras's convolutions that can be looked at here."""
    from keras import layers

    kinds = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
    return type(layer) in kinds and layer.data_format == "channels_last"


def kernel_of(layer: Any) -> NDArray[np.float32]:
    """The kernel as `(height, width, channels of a group, filters)`."""
    from keras import layers

    if type(layer) is layers.Conv2D:
        kernel: NDArray[np.float32] = array_of(layer.kernel)
        return kernel
    if type(layer) is layers.DepthwiseConv2D:
        alone = array_of(layer.kernel)
        return alone.reshape(*alone.shape[:2], 1, -1)
    depthwise, mixing = array_of(layer.depthwise_kernel), array_of(layer.pointwise_kernel)[0, 0]
    channels, multiplier = depthwise.shape[2:]
    return np.einsum("hwcm,cmf->hwcf", depthwise, mixing.reshape(channels, multiplier, -1))
