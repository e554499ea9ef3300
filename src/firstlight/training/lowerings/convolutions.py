"""Convolutions: kernels go from `(height, width, in, out)` to `(out, in, height, width)`.

Those of one dimension go from `(width, in, out)` to `(out, in, width)`; see `rows`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowered import Lowered
from firstlight.training.lowerings.registry import lowers, with_activation
from firstlight.training.lowerings.reshaping import Padding
from firstlight.training.lowerings.rows import is_row, on_rows, pair
from firstlight.training.tensors import pad_same, same_padding

# From this width on, unfolding a one-channel image before the convolution is faster: measured
# for kernels of 3, 5 and 16 pixels (see docs/engine.md).
UNFOLD_FROM = 8


def channels_to_front(kernel: Any) -> tuple[int, ...]:
    """The order of axes `(out, in, sizes)` of a kernel `(sizes, in, out)`."""
    rank = len(kernel.shape)
    return (rank - 1, rank - 2, *range(rank - 2))


class Convolution(Lowered):
    """`Conv2D` and `Conv1D`, with Keras's padding."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: Any) -> None:
        super().__init__()
        axes = channels_to_front(layer.kernel)
        self.bind("weight", layer.kernel, axes, layer.kernel_regularizer)
        self.bind("bias", layer.bias, None, layer.bias_regularizer)
        self._move_as(layer)
        self.groups = int(layer.groups)

    def _move_as(self, layer: Any) -> None:
        self.same = layer.padding == "same"
        self.stride = pair(layer.strides)
        self.dilation = pair(layer.dilation_rate)

    @property
    def filters(self) -> Tensor:
        """The kernel as `(out, in, height, width)`."""
        return self.weight if self.weight.dim() == 4 else self.weight.unsqueeze(2)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, filters, H', W')`."""
        filters, padding = self.filters, (0, 0)
        if self.same:
            x, padding = pad_same(x, filters.shape[2:], self.stride, self.dilation)
        return F.conv2d(x, filters, self.bias, self.stride, padding, self.dilation, self.groups)


class UnfoldedConvolution(Convolution):
    """The same sum for a one-channel image and a wide kernel, several times faster.

    The pixels under the kernel's width become channels, and a `(height, 1)` convolution
    over these is left, which the processor's convolution code is made for.
    """

    def forward(self, x: Tensor) -> Tensor:
        """`(N, 1, H, W)` to `(N, filters, H', W')`."""
        height, width = self.weight.shape[2:]
        if self.same:
            top, bottom = same_padding(x.shape[2], height, self.stride[0])
            left, right = same_padding(x.shape[3], width, self.stride[1])
            x = F.pad(x, (left, right, top, bottom))
        columns = x[:, 0].unfold(2, width, self.stride[1]).permute(0, 3, 1, 2)
        columns = columns.contiguous(memory_format=torch.channels_last)
        weight = self.weight.permute(0, 3, 2, 1)
        return F.conv2d(columns, weight, self.bias, (self.stride[0], 1))


class DepthwiseConvolution(Convolution):
    """`DepthwiseConv2D`, and the first half of `SeparableConv2D`, whose bias comes later.

    Keras's kernel is `(sizes, channels, multiplier)`; torch counts the filters channel by
    channel, as Keras does, so `(channels, multiplier, sizes)` has them in order.
    """

    def __init__(self, layer: Any, kernel: Any) -> None:
        Lowered.__init__(self)
        rank = len(kernel.shape)
        axes = (rank - 2, rank - 1, *range(rank - 2))
        self.bind("weight", kernel, axes, layer.depthwise_regularizer)
        alone = kernel is getattr(layer, "kernel", None)
        self.bind("bias", layer.bias if alone else None, None, layer.bias_regularizer)
        self._move_as(layer)
        self.groups = int(kernel.shape[-2])

    @property
    def filters(self) -> Tensor:
        """The kernel as `(out, 1, height, width)`."""
        if self.weight.dim() == 4 and self.weight.shape[1] == 1:
            return self.weight
        sizes = self.weight.shape[2:]
        return self.weight.reshape(-1, 1, *(sizes if len(sizes) == 2 else (1, *sizes)))


class PointwiseConvolution(Convolution):
    """The second half of `SeparableConv2D`."""

    def __init__(self, layer: Any) -> None:
        Lowered.__init__(self)
        axes = channels_to_front(layer.pointwise_kernel)
        self.bind("weight", layer.pointwise_kernel, axes, layer.pointwise_regularizer)
        self.bind("bias", layer.bias, None, layer.bias_regularizer)
        self.same, self.stride, self.dilation, self.groups = False, (1, 1), (1, 1), 1


class TransposedConvolution(Convolution):
    """`Conv2DTranspose`: the full output is made, then cut or extended to Keras's size."""

    def __init__(self, layer: Any) -> None:
        Lowered.__init__(self)
        # Keras keeps (height, width, out, in), torch wants (in, out, height, width).
        axes = channels_to_front(layer.kernel)
        self.bind("weight", layer.kernel, axes, layer.kernel_regularizer)
        self.bind("bias", layer.bias, None, layer.bias_regularizer)
        self._move_as(layer)
        extra = layer.output_padding
        several = extra if isinstance(extra, list | tuple) else [extra, extra]
        # Of a row, the one number is for its width.
        self.extra = (None, several[-1]) if is_row(layer) else tuple(several)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, filters, H * stride, W * stride)` for `same`."""
        filters = self.filters
        full = F.conv_transpose2d(x, filters, None, self.stride, dilation=self.dilation)
        for axis in (2, 3):
            reach = (filters.shape[axis] - 1) * self.dilation[axis - 2] + 1
            size, before = self._span(axis - 2, x.shape[axis], int(reach))
            missing = before + size - full.shape[axis]
            if missing > 0:
                full = F.pad(full, (0, 0, 0, missing) if axis == 2 else (0, missing, 0, 0))
            full = full.narrow(axis, before, size)
        return full if self.bias is None else full + self.bias[:, None, None]

    def _span(self, axis: int, length: int, reach: int) -> tuple[int, int]:
        """How long Keras's output is, and how much of the full one lies before it.

        Source: Keras's documentation of `output_padding`, Conv2DTranspose.
        """
        stride, extra = self.stride[axis], self.extra[axis]
        steps = (length - 1) * stride
        if not self.same:
            return steps + (max(reach, stride) if extra is None else reach + extra), 0
        size = length * stride if extra is None else steps + reach % 2 + extra
        # Of what is cut off, the smaller half goes before.
        return size, max(steps + reach - size, 0) // 2


@lowers("Conv1D", "Conv2D")
def convolution(layer: Any) -> list[nn.Module]:
    """`Conv1D` and `Conv2D` with stride, dilation, groups, `same`, `valid` and `causal`."""
    if is_row(layer):
        ahead = (int(layer.kernel_size[0]) - 1) * int(layer.dilation_rate[0])
        causal = [Padding(((0, 0), (ahead, 0)), 1)] if layer.padding == "causal" else []
        return on_rows(layer, *causal, *with_activation(Convolution(layer), layer))
    plain = layer.groups == 1 and tuple(layer.dilation_rate) == (1, 1)
    wide = layer.kernel.shape[2] == 1 and layer.kernel.shape[1] >= UNFOLD_FROM
    kind = UnfoldedConvolution if plain and wide else Convolution
    return with_activation(kind(layer), layer)


@lowers("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise_convolution(layer: Any) -> list[nn.Module]:
    """One or several filters for each channel."""
    return on_rows(layer, *with_activation(DepthwiseConvolution(layer, layer.kernel), layer))


@lowers("SeparableConv1D", "SeparableConv2D")
def separable_convolution(layer: Any) -> list[nn.Module]:
    """Filters for each channel, then a mixture of the channels."""
    depthwise = DepthwiseConvolution(layer, layer.depthwise_kernel)
    mixing = with_activation(PointwiseConvolution(layer), layer)
    return on_rows(layer, depthwise, *mixing)


@lowers("Conv1DTranspose", "Conv2DTranspose")
def transposed_convolution(layer: Any) -> list[nn.Module]:
    """Transposed convolutions with stride, dilation and output padding."""
    return on_rows(layer, *with_activation(TransposedConvolution(layer), layer))
