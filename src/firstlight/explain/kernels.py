"""A kernel at work: how one number of a convolution's answer comes about."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import ModelError, SettingError
from firstlight.core.insight import KernelAtWork, SlidingKernel
from firstlight.explain.answers import is_convolution, kernel_of
from firstlight.explain.opening import OpenModel, Side
from firstlight.models.answer_rules import ending_of
from firstlight.training.lowered import array_of
from firstlight.training.opened import as_keras
from firstlight.training.tensors import same_padding


def kernel_at_work(
    opened: OpenModel,
    image: NDArray[Any],
    layer: str | None = None,
    filter: int | None = None,
    position: tuple[int, int] | None = None,
    side: Side = None,
) -> KernelAtWork:
    """The patch under a kernel, the weights, and what they add up to.

    Padding, strides, dilation and groups are those of the layer; see `filters_of` for which
    convolutions there are.

    Args:
        opened: from `open_model`.
        image: `(H, W, C)` as it is stored.
        layer: the name of a convolution; None: the first one.
        filter: which of its filters; None: the one with the largest answer.
        position: (row, column) in the filter's answer; None: where that is largest.
        side: `(S,)` numbers beside the image, for a network that takes them.

    Raises:
        ModelError: there is no such layer, or it is no convolution.
        SettingError: there is no such filter or position.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("intermediate", (28, 28, 1), 10, "classify"))
        >>> work = kernel_at_work(opened, np.ones((28, 28, 1)), filter=3, position=(0, 2))
        >>> work.patch.shape, work.columns.tolist()
        ((5, 5, 1), [2, 3, 4, 5, 6])
        >>> bool(np.isclose(max(work.total, 0), work.value, atol=1e-6))
        True
    """
    work = sliding_kernel(opened, image, layer, filter, side)
    if position is None:
        row, column = np.unravel_index(work.answer.argmax(), work.answer.shape)
        return work.at(int(row), int(column))
    height, width = work.answer.shape
    return work.at(_in_range("row", position[0], height), _in_range("column", position[1], width))


def sliding_kernel(
    opened: OpenModel,
    image: NDArray[Any],
    layer: str | None = None,
    filter: int | None = None,
    side: Side = None,
) -> SlidingKernel:
    """A filter with all that it receives and answers: `kernel_at_work` for every position.

    Args:
        opened: from `open_model`.
        image: `(H, W, C)` as it is stored.
        layer: the name of a convolution; None: the first one.
        filter: which of its filters; None: the one with the largest answer.
        side: `(S,)` numbers beside the image, for a network that takes them.

    Raises:
        ModelError: there is no such layer, or it is no convolution.
        SettingError: there is no such filter.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("intermediate", (28, 28, 1), 10, "classify"))
        >>> sliding_kernel(opened, np.ones((28, 28, 1)), filter=3).answer.shape
        (24, 24)
    """
    name = _chosen(opened, layer)
    keras_layer = opened.layer(name)
    values = opened.run(image, side)
    received = as_keras(values[opened.network.sources_of(name)[0]])[0]
    answer = as_keras(values[opened.network.tensor_of(name)])[0]
    if filter is None:
        filter = int(answer.max(axis=(0, 1)).argmax())
    filter = _in_range("filter", filter, answer.shape[2])
    kernel = kernel_of(keras_layer)
    width = kernel.shape[2]
    # The filters of a group, one after the other, look at the channels of that group alone.
    group = filter // (kernel.shape[3] // (received.shape[2] // width))
    return SlidingKernel(
        layer=name,
        filter=filter,
        received=received,
        answer=answer[..., filter],
        channels=np.arange(group * width, (group + 1) * width),
        weights=kernel[..., filter],
        bias=float(array_of(keras_layer.bias)[filter]) if keras_layer.use_bias else 0.0,
        activation=ending_of(keras_layer),
        before=(_before(keras_layer, 0, received), _before(keras_layer, 1, received)),
        strides=_pair(keras_layer.strides),
        dilation=_pair(keras_layer.dilation_rate),
    )


def _chosen(opened: OpenModel, layer: str | None) -> str:
    """The layer asked for, or the first that is a convolution."""
    names = [name for name in opened.layers if is_convolution(opened.layer(name))]
    if not names:
        raise ModelError(
            f"{opened.model.name} has no convolution to look at: there is none but Conv2D, "
            "DepthwiseConv2D and SeparableConv2D for that."
        )
    if layer is None:
        return names[0]
    if layer not in names:
        kind = type(opened.layer(layer)).__name__
        raise ModelError(
            f"{layer} is a {kind}, but a convolution was expected: choose {', '.join(names)}."
        )
    return layer


def _in_range(what: str, number: int, count: int) -> int:
    if not 0 <= number < count:
        raise SettingError(
            f"the layer has a {what} 0 to {count - 1}, but {number} came: choose one of them."
        )
    return number


def _before(layer: Any, axis: int, received: NDArray[np.float32]) -> int:
    """Rows or columns of padding before what the layer receives."""
    if layer.padding != "same":
        return 0
    sizes = (layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis])
    return int(same_padding(received.shape[axis], *map(int, sizes))[0])


def _pair(numbers: Any) -> tuple[int, int]:
    return int(numbers[0]), int(numbers[1])
