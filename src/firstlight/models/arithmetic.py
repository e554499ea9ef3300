"""What one layer costs: its weights, its floating-point operations, the window it looks through.

A multiply and an add are two operations. An activation function counts as one operation a value,
softmax as three (exponential, sum, division), batch normalisation as two (scale and shift).
"""

from __future__ import annotations

from math import ceil, prod
from typing import Any

from firstlight.models.argument_rules import as_list

Shape = tuple[int, ...]

_CONVOLUTIONS = ("Conv2D", "Conv1D", "Conv3D")
_TRANSPOSED = ("Conv2DTranspose", "Conv1DTranspose", "Conv3DTranspose")
_DEPTHWISE = ("DepthwiseConv2D", "DepthwiseConv1D")
_SEPARABLE = ("SeparableConv2D", "SeparableConv1D")
_DIMENSIONS = ("1D", "2D", "3D")
_POOLING = tuple(kind + d for kind in ("MaxPooling", "AveragePooling") for d in _DIMENSIONS)
_GLOBAL_POOLING = tuple("Global" + kind for kind in _POOLING)
_MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
_ELEMENTWISE = {
    "Activation": 1,
    "BatchNormalization": 2,
    "ELU": 1,
    "GroupNormalization": 8,
    "LayerNormalization": 8,
    "LeakyReLU": 1,
    "Normalization": 2,
    "PReLU": 1,
    "ReLU": 1,
    "Rescaling": 2,
    "Softmax": 3,
}
# Layers after which an output value no longer belongs to a place in the image.
# Not Dense: on a feature map it works on every pixel by itself.
_PLACELESS = (*_GLOBAL_POOLING, "Flatten", "Reshape")


def flops_of(layer: Any, received: tuple[Shape, ...], makes: Shape) -> int:
    """Floating-point operations of a layer for one image.

    Args:
        layer: a Keras layer, built or not.
        received: the shapes that it receives, without the batch axis.
        makes: the shape that it makes.

    Returns:
        The count; 0 for layers that only move values, and for classes that are not known here.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> flops_of(import_keras().layers.Dense(10, use_bias=False), ((2304,),), (10,))
        46080
    """
    kind, values = type(layer).__name__, prod(makes)
    if kind in _CONVOLUTIONS:
        per_value = 2 * prod(layer.kernel_size) * received[0][-1] // layer.groups
        return values * (per_value + layer.use_bias) + _activation(layer, values)
    if kind in _TRANSPOSED:
        scattered = 2 * prod(received[0]) * prod(layer.kernel_size) * layer.filters
        return scattered + values * layer.use_bias + _activation(layer, values)
    if kind in _DEPTHWISE:
        return values * (2 * prod(layer.kernel_size) + layer.use_bias) + _activation(layer, values)
    if kind in _SEPARABLE:
        between = received[0][-1] * layer.depth_multiplier
        depthwise = 2 * prod(layer.kernel_size) * between * prod(makes[:-1])
        return depthwise + values * (2 * between + layer.use_bias) + _activation(layer, values)
    if kind == "Dense":
        return values * (2 * received[0][-1] + layer.use_bias) + _activation(layer, values)
    if kind in _POOLING:
        return values * prod(layer.pool_size)
    if kind in _GLOBAL_POOLING:
        return prod(received[0])
    if kind in _MERGING:
        return values * max(1, len(received) - 1)
    if kind == "Activation":
        return _activation(layer, values)
    return values * _ELEMENTWISE.get(kind, 0)


def _activation(layer: Any, values: int) -> int:
    """Operations of the activation function that a layer ends with."""
    name = activation_of(layer)
    return {"linear": 0, "softmax": 3 * values, "log_softmax": 3 * values}.get(name, values)


def activation_of(layer: Any) -> str:
    """The name of the activation function that a layer has, `linear` where it has none.

    Args:
        layer: a Keras layer, or a plain one of a list.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> activation_of(import_keras().layers.Dense(10, activation="softmax"))
        'softmax'
    """
    activation = getattr(layer, "activation", None)
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "linear")


def weights_of(layer: Any, received: tuple[Shape, ...]) -> tuple[int, int]:
    """How many weights a layer has or will have: all of them, and those that training moves.

    Args:
        layer: a Keras layer, built or not.
        received: the shapes that it receives, without the batch axis.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> weights_of(import_keras().layers.BatchNormalization(), ((12, 12, 16),))
        (64, 32)
    """
    if not hasattr(layer, "weights"):
        return 0, 0
    if layer.built:
        return (
            sum(prod(weight.shape) for weight in layer.weights),
            sum(prod(weight.shape) for weight in layer.trainable_weights),
        )
    total, fixed = _future_weights(layer, received[0])
    return total, total - fixed if layer.trainable else 0


def _future_weights(layer: Any, shape: Shape) -> tuple[int, int]:
    """Weights that a layer will have once it is built: all of them, and those that stay fixed."""
    kind, channels = type(layer).__name__, shape[-1]
    if kind in (*_CONVOLUTIONS, *_TRANSPOSED):
        groups = getattr(layer, "groups", 1)
        kernel = prod(layer.kernel_size) * (channels // groups) * layer.filters
        return kernel + layer.use_bias * layer.filters, 0
    if kind in _DEPTHWISE:
        made = channels * layer.depth_multiplier
        return made * (prod(layer.kernel_size) + layer.use_bias), 0
    if kind in _SEPARABLE:
        between = channels * layer.depth_multiplier
        pointwise = (between + layer.use_bias) * layer.filters
        return between * prod(layer.kernel_size) + pointwise, 0
    if kind == "Dense":
        return layer.units * (channels + layer.use_bias), 0
    if kind == "BatchNormalization":
        size = shape[layer.axis - 1 if layer.axis > 0 else layer.axis]
        fixed = size * (5 if getattr(layer, "renorm", False) else 2)
        return size * (layer.center + layer.scale) + fixed, fixed
    if kind == "Normalization":
        return _normalization_weights(layer, shape)
    if kind in ("LayerNormalization", "RMSNormalization"):
        size = prod(shape[axis - 1 if axis > 0 else axis] for axis in as_list(layer.axis))
        each = 1 if kind == "RMSNormalization" else layer.center + layer.scale
        return size * each, 0
    if kind == "GroupNormalization":
        size = shape[layer.axis - 1 if layer.axis > 0 else layer.axis]
        return size * (layer.center + layer.scale), 0
    if kind == "PReLU":
        shared = as_list(layer.shared_axes)
        return prod(1 if axis + 1 in shared else size for axis, size in enumerate(shape)), 0
    return 0, 0


def _normalization_weights(layer: Any, shape: Shape) -> tuple[int, int]:
    """A mean and a variance for each place along the axes, and a count, unless they are given."""
    if getattr(layer, "input_mean", getattr(layer, "mean", None)) is not None:
        return 0, 0
    size = prod(shape[axis - 1 if axis > 0 else axis] for axis in as_list(layer.axis))
    return 2 * size + 1, 2 * size + 1


def window_of(layer: Any) -> tuple[Shape, tuple[float, ...]] | None:
    """How far a layer looks in the image that it receives, and how far apart its answers are.

    Args:
        layer: a Keras layer.

    Returns:
        `((height, width), (step_y, step_x))` in pixels of what it receives, or None where its
        answers belong to no place. The formulas are those of Araujo, Norris and Sim (2019),
        "Computing Receptive Fields of Convolutional Neural Networks".

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> window_of(import_keras().layers.Conv2D(8, 3, strides=2, dilation_rate=1))
        ((3, 3), (2.0, 2.0))
    """
    kind = type(layer).__name__
    if kind in _PLACELESS:
        return None
    if kind in _TRANSPOSED:
        # A stride of s sets s - 1 zeros between two pixels.
        pairs = zip(layer.kernel_size, layer.strides, strict=True)
        window = tuple(ceil(size / stride) for size, stride in pairs)
        return window, tuple(1 / stride for stride in layer.strides)
    if kind == "UpSampling2D":
        return (1, 1), tuple(1 / factor for factor in layer.size)
    if kind in (*_CONVOLUTIONS, *_DEPTHWISE, *_SEPARABLE):
        pairs = zip(layer.kernel_size, layer.dilation_rate, strict=True)
        window = tuple((size - 1) * rate + 1 for size, rate in pairs)
        return window, tuple(float(stride) for stride in layer.strides)
    if kind in _POOLING:
        return tuple(layer.pool_size), tuple(float(stride) for stride in layer.strides)
    return (1, 1), (1.0, 1.0)
