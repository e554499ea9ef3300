"""Layers of a list as plain objects: what a Keras layer would look like, without Keras.

`arithmetic` and the doctor's rules read them as they read Keras layers; their classes and
attributes have Keras's names. So a list is walked in a millisecond, before Keras is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import Any

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.models.argument_rules import OUTPUTS, as_list, as_pair, check_layer, filled
from firstlight.models.catalogue import CATALOGUE

Shape = tuple[int, ...]
# A petabyte of float32 numbers for one image.
MOST_VALUES = 2**48
NEEDS_AN_IMAGE = frozenset(
    """AveragePooling2D Conv2D Conv2DTranspose Cropping2D DepthwiseConv2D GlobalAveragePooling2D
    GlobalMaxPooling2D MaxPooling2D SeparableConv2D SpatialDropout2D UpSampling2D ZeroPadding2D
    """.split()
)


class PlainLayer:
    """A layer as a list describes it; its attributes are the arguments of its class."""

    built = False
    trainable = True
    weights = ()

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.__dict__.update(arguments)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} has no argument {name}")


_CLASSES = {kind: type(kind, (PlainLayer,), {}) for kind in CATALOGUE}


def plain_layer(layer: Layer, outputs: int) -> PlainLayer:
    """The layer that a record describes, as an object with the attributes of a Keras layer.

    Args:
        layer: the record.
        outputs: what the word `outputs` stands for as `units` or `filters`.

    Raises:
        ModelError: the class, an argument or a value is not one that can be asked for.

    Example:
        >>> plain_layer(Layer("MaxPooling2D", {"pool_size": 3}), 10).strides
        (3, 3)
    """
    check_layer(layer)
    return described(layer, outputs)


def described(layer: Layer, outputs: int) -> PlainLayer:
    """The same as `plain_layer`, of a layer that has been seen to be right.

    Example:
        >>> described(Layer("Dense", {"units": "outputs"}), 3).units
        3
    """
    values = filled(layer)
    for argument in CATALOGUE[layer.kind].arguments:
        value = values[argument.name]
        if argument.kind == "pair" and value is not None:
            values[argument.name] = as_pair(value)
        elif value == OUTPUTS and argument.kind == "count":
            values[argument.name] = outputs
    if "pool_size" in values and values["strides"] is None:
        values["strides"] = values["pool_size"]
    made: PlainLayer = _CLASSES[layer.kind](values)
    return made


def shape_made(name: str, layer: PlainLayer, received: Shape) -> Shape:
    """The shape that a layer makes of one it receives, both without the batch axis.

    Args:
        name: what an error message calls the layer.
        layer: the layer.
        received: the shape that it gets.

    Raises:
        ModelError: the layer cannot take that shape.

    Example:
        >>> shape_made("pool", plain_layer(Layer("MaxPooling2D"), 10), (13, 12, 16))
        (6, 6, 16)
    """
    kind = type(layer).__name__
    if kind in NEEDS_AN_IMAGE and len(received) != 3:
        raise ModelError(
            f"{name} takes arrays with 3 axes for each image, but {_times(received)} came."
        )
    makes = _RULES.get(kind, _same)(name, layer, received)
    if min(makes) < 1:
        raise ModelError(f"{name} would leave nothing of the {_times(received)} that it receives.")
    if prod(makes) > MOST_VALUES:
        raise ModelError(
            f"{name} would make {_times(makes)} numbers of each image, more than any machine "
            "can hold: make it smaller."
        )
    return makes


def _times(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _same(name: str, layer: Any, received: Shape) -> Shape:
    return received


def _steps(size: int, window: int, stride: int, padding: str) -> int:
    """How often a window of some size fits in."""
    return ceil(size / stride) if padding == "same" else (size - window) // stride + 1


def _spread(kernel: int, rate: int) -> int:
    """How many pixels a kernel covers."""
    return (kernel - 1) * rate + 1


def _convolved(name: str, layer: Any, received: Shape) -> Shape:
    windows = map(_spread, layer.kernel_size, layer.dilation_rate)
    axes = zip(received, windows, layer.strides, strict=False)
    height, width = (_steps(*axis, layer.padding) for axis in axes)
    groups = getattr(layer, "groups", 1)
    if received[2] % groups:
        raise ModelError(f"{name} cannot deal {received[2]} channels out to {groups} groups.")
    if type(layer).__name__ == "DepthwiseConv2D":
        return height, width, received[2] * layer.depth_multiplier
    return height, width, layer.filters


def _transposed(name: str, layer: Any, received: Shape) -> Shape:
    sizes = []
    for axis in range(2):
        kernel = _spread(layer.kernel_size[axis], layer.dilation_rate[axis])
        stride, size = layer.strides[axis], received[axis]
        added = None if layer.output_padding is None else layer.output_padding[axis]
        if layer.padding == "valid":
            added = max(kernel, stride) - kernel if added is None else added
            sizes.append((size - 1) * stride + kernel + added)
        else:
            whole = (size - 1) * stride + kernel % 2
            sizes.append(size * stride if added is None else whole + added)
    return sizes[0], sizes[1], layer.filters


def _pooled(name: str, layer: Any, received: Shape) -> Shape:
    axes = zip(received, layer.pool_size, layer.strides, strict=False)
    height, width = (_steps(*axis, layer.padding) for axis in axes)
    return height, width, received[2]


def _pooled_whole(name: str, layer: Any, received: Shape) -> Shape:
    return (1, 1, received[2]) if layer.keepdims else received[2:]


def _dense(name: str, layer: Any, received: Shape) -> Shape:
    return (*received[:-1], layer.units)


def _flat(name: str, layer: Any, received: Shape) -> Shape:
    return (prod(received),)


def _reshaped(name: str, layer: Any, received: Shape) -> Shape:
    wanted, values = tuple(layer.target_shape), prod(received)
    rest, left = divmod(values, prod(size for size in wanted if size != -1))
    makes = tuple(rest if size == -1 else size for size in wanted)
    if left or prod(makes) != values:
        raise ModelError(
            f"{name} cannot order {values:,} numbers ({_times(received)}) as {_times(wanted)}."
        )
    return makes


def _sides(value: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels at the top and bottom, left and right."""
    height, width = as_pair(value)
    return as_pair(height), as_pair(width)


def _padded(name: str, layer: Any, received: Shape) -> Shape:
    height, width = map(sum, _sides(layer.padding))
    return received[0] + height, received[1] + width, received[2]


def _cropped(name: str, layer: Any, received: Shape) -> Shape:
    height, width = map(sum, _sides(layer.cropping))
    return received[0] - height, received[1] - width, received[2]


def _upsampled(name: str, layer: Any, received: Shape) -> Shape:
    return received[0] * layer.size[0], received[1] * layer.size[1], received[2]


def _along_axes(name: str, layer: Any, received: Shape) -> Shape:
    """Layers that work along axes, 1 being the first after the batch."""
    places = set()
    axes = as_list(layer.axis)
    for axis in axes:
        place = axis if axis > 0 else len(received) + 1 + axis
        if not 0 < place <= len(received):
            raise ModelError(
                f"{name} works along axis {axis}, but it receives {_times(received)}: "
                "use -1, the channels."
            )
        places.add(place)
    if len(places) < len(axes):
        raise ModelError(f"{name} names an axis twice, once counted from the end.")
    return received


def _shared(name: str, layer: Any, received: Shape) -> Shape:
    if any(axis > len(received) for axis in as_list(layer.shared_axes)):
        raise ModelError(f"{name} shares slopes along axes that {_times(received)} does not have.")
    return received


def _grouped(name: str, layer: Any, received: Shape) -> Shape:
    _along_axes(name, layer, received)
    channels = received[layer.axis - 1 if layer.axis > 0 else layer.axis]
    if layer.groups > 0 and channels % layer.groups:
        raise ModelError(
            f"{name} deals its channels out to {layer.groups} groups, but it receives {channels}, "
            f"which {layer.groups} does not divide."
        )
    return received


def _noisy(name: str, layer: Any, received: Shape) -> Shape:
    """The dice of a Dropout layer have the shape of what it receives, or 1 along an axis."""
    wanted = layer.noise_shape
    fits = wanted is None or (
        len(wanted) == len(received) + 1
        and all(size in (None, 1, own) for size, own in zip(wanted[1:], received, strict=True))
    )
    if not fits:
        raise ModelError(f"{name} has a noise_shape that {_times(received)} does not go with.")
    return received


def _given(name: str, layer: Any, received: Shape) -> Shape:
    """Normalization with a mean for each place along the last of its axes."""
    _along_axes(name, layer, received)
    if isinstance(layer.mean, list | tuple):
        axes = as_list(layer.axis)
        along = max((axis if axis > 0 else len(received) + 1 + axis for axis in axes), default=0)
        if along == 0 or len(layer.mean) not in (1, received[along - 1]):
            raise ModelError(
                f"{name} has {len(layer.mean)} means, which {_times(received)} does not go with: "
                "give one number, or one for each channel."
            )
    return received


_RULES: dict[str, Callable[[str, Any, Shape], Shape]] = {
    "AveragePooling2D": _pooled,
    "BatchNormalization": _along_axes,
    "Conv2D": _convolved,
    "Conv2DTranspose": _transposed,
    "Cropping2D": _cropped,
    "Dense": _dense,
    "DepthwiseConv2D": _convolved,
    "Dropout": _noisy,
    "Flatten": _flat,
    "GlobalAveragePooling2D": _pooled_whole,
    "GlobalMaxPooling2D": _pooled_whole,
    "GroupNormalization": _grouped,
    "LayerNormalization": _along_axes,
    "MaxPooling2D": _pooled,
    "Normalization": _given,
    "PReLU": _shared,
    "Reshape": _reshaped,
    "SeparableConv2D": _convolved,
    "Softmax": _along_axes,
    "UpSampling2D": _upsampled,
    "ZeroPadding2D": _padded,
}
