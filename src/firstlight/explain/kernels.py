"""A kernel at work: how one number of a convolution's answer comes about."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import ModelError, SettingError
from firstlight.core.insight import KernelAtWork
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
    name = _chosen(opened, layer)
    keras_layer = opened.layer(name)
    values = opened.run(image, side)
    received = as_keras(values[opened.network.sources_of(name)[0]])[0]
    answer = as_keras(values[opened.network.tensor_of(name)])[0]
    if filter is None:
        filter = int(answer.max(axis=(0, 1)).argmax())
    filter = _in_range("filter", filter, answer.shape[2])
    if position is None:
        row, column = np.unravel_index(answer[..., filter].argmax(), answer.shape[:2])
    else:
        row = _in_range("row", position[0], answer.shape[0])
        column = _in_range("column", position[1], answer.shape[1])
    kernel = kernel_of(keras_layer)
    places = [
        _under(keras_layer, axis, int(at), received.shape[axis])
        for axis, at in enumerate((row, column))
    ]
    width = kernel.shape[2]
    # The filters of a group, one after the other, look at the channels of that group alone.
    group = filter // (kernel.shape[3] // (received.shape[2] // width))
    channels = np.arange(group * width, (group + 1) * width)
    return KernelAtWork(
        layer=name,
        filter=filter,
        row=int(row),
        column=int(column),
        received=received,
        answer=answer[..., filter],
        rows=places[0],
        columns=places[1],
        channels=channels,
        patch=_patch(received[..., channels], *places),
        weights=kernel[..., filter],
        bias=float(array_of(keras_layer.bias)[filter]) if keras_layer.use_bias else 0.0,
        activation=ending_of(keras_layer),
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


def _under(layer: Any, axis: int, at: int, size: int) -> NDArray[np.int64]:
    """Where along an axis of what it receives the kernel lies; outside of it in the padding."""
    kernel, stride = int(layer.kernel_size[axis]), int(layer.strides[axis])
    dilation = int(layer.dilation_rate[axis])
    before = same_padding(size, kernel, stride, dilation)[0] if layer.padding == "same" else 0
    return at * stride - before + dilation * np.arange(kernel)


def _patch(
    received: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The numbers at these rows and columns, 0 where there are none."""
    height, width = received.shape[:2]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    taken = received[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
    return np.where(inside[..., None], taken, np.float32(0))
