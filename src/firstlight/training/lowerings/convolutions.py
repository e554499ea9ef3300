"""Convolutions: kernels go from `(height, width, in, out)` to `(out, in, height, width)`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowered import Lowered
from firstlight.training.lowerings.registry import NotLoweredError, lowers, with_activation
from firstlight.training.tensors import pad_same, same_padding

OIHW = (3, 2, 0, 1)
# From this width on, unfolding a one-channel image before the convolution is faster: measured
# for kernels of 3, 5 and 16 pixels (see docs/engine.md).
UNFOLD_FROM = 8


class Convolution(Lowered):
    """`Conv2D`, with Keras's padding."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.bind("weight", layer.kernel, OIHW, layer.kernel_regularizer)
        self.bind("bias", layer.bias, None, layer.bias_regularizer)
        self._move_as(layer)
        self.groups = int(layer.groups)

    def _move_as(self, layer: Any) -> None:
        self.same = layer.padding == "same"
        self.stride: tuple[int, int] = tuple(layer.strides)
        self.dilation: tuple[int, int] = tuple(layer.dilation_rate)

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel in pixels."""
        height, width = self.weight.shape[2:]
        return int(height), int(width)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, filters, H', W')`."""
        padding = (0, 0)
        if self.same:
            x, padding = pad_same(x, self.kernel, self.stride, self.dilation)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class UnfoldedConvolution(Convolution):
    """The same sum for a one-channel image and a wide kernel, several times faster.

    The pixels under the kernel's width become channels, and a `(height, 1)` convolution
    over these is left, which the processor's convolution code is made for.
    """

    def forward(self, x: Tensor) -> Tensor:
        """`(N, 1, H, W)` to `(N, filters, H', W')`."""
        height, width = self.kernel
        if self.same:
            top, bottom = same_padding(x.shape[2], height, self.stride[0])
            left, right = same_padding(x.shape[3], width, self.stride[1])
            x = F.pad(x, (left, right, top, bottom))
        columns = x[:, 0].unfold(2, width, self.stride[1]).permute(0, 3, 1, 2)
        columns = columns.contiguous(memory_format=torch.channels_last)
        weight = self.weight.permute(0, 3, 2, 1)
        return F.conv2d(columns, weight, self.bias, (self.stride[0], 1))


class DepthwiseConvolution(Convolution):
    """`DepthwiseConv2D`, and the first half of `SeparableConv2D`, whose bias comes later."""

    def __init__(self, layer: Any, kernel: Any) -> None:
        Lowered.__init__(self)
        self.bind("weight", kernel, (2, 3, 0, 1), layer.depthwise_regularizer)
        alone = kernel is getattr(layer, "kernel", None)
        self.bind("bias", layer.bias if alone else None, None, layer.bias_regularizer)
        self._move_as(layer)
        self.groups = int(kernel.shape[2])


class PointwiseConvolution(Lowered):
    """The second half of `SeparableConv2D`."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.bind("weight", layer.pointwise_kernel, OIHW, layer.pointwise_regularizer)
        self.bind("bias", layer.bias, None, layer.bias_regularizer)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, filters, H, W)`."""
        return F.conv2d(x, self.weight, self.bias)


class TransposedConvolution(Lowered):
    """`Conv2DTranspose`: the full output is made, then cut or extended to Keras's size."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: Any) -> None:
        super().__init__()
        # Keras keeps (height, width, out, in), torch wants (in, out, height, width).
        self.bind("weight", layer.kernel, OIHW, layer.kernel_regularizer)
        self.bind("bias", layer.bias, None, layer.bias_regularizer)
        self.same = layer.padding == "same"
        self.stride = tuple(layer.strides)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, filters, H * stride, W * stride)` for `same`."""
        full = F.conv_transpose2d(x, self.weight, None, self.stride)
        for axis, stride, kernel in zip((2, 3), self.stride, self.weight.shape[2:], strict=True):
            size = x.shape[axis]
            wanted = size * stride if self.same else size * stride + max(kernel - stride, 0)
            before = max(kernel - stride, 0) // 2 if self.same else 0
            missing = before + wanted - full.shape[axis]
            if missing > 0:
                full = F.pad(full, (0, 0, 0, missing) if axis == 2 else (0, missing, 0, 0))
            full = full.narrow(axis, before, wanted)
        return full if self.bias is None else full + self.bias[:, None, None]


@lowers("Conv2D")
def conv2d(layer: Any) -> list[nn.Module]:
    """`Conv2D` with stride, dilation, groups, `same` and `valid`."""
    plain = layer.groups == 1 and tuple(layer.dilation_rate) == (1, 1)
    wide = layer.kernel.shape[2] == 1 and layer.kernel.shape[1] >= UNFOLD_FROM
    kind = UnfoldedConvolution if plain and wide else Convolution
    return with_activation(kind(layer), layer)


@lowers("DepthwiseConv2D")
def depthwise_conv2d(layer: Any) -> list[nn.Module]:
    """`DepthwiseConv2D`: one or several filters for each channel."""
    return with_activation(_depthwise(layer, layer.kernel), layer)


@lowers("SeparableConv2D")
def separable_conv2d(layer: Any) -> list[nn.Module]:
    """`SeparableConv2D`: a filter for each channel, then a mixture of the channels."""
    mixing = PointwiseConvolution(layer)
    return [_depthwise(layer, layer.depthwise_kernel), *with_activation(mixing, layer)]


def _depthwise(layer: Any, kernel: Any) -> Convolution:
    # (height, width, channels, multiplier): torch counts filters channel by channel, as Keras
    # does, so a multiplier of 1 is a transposition; others would need a reshape of the variable.
    if kernel.shape[3] != 1:
        raise NotLoweredError("has a depth multiplier above 1")
    return DepthwiseConvolution(layer, kernel)


@lowers("Conv2DTranspose")
def conv2d_transpose(layer: Any) -> list[nn.Module]:
    """`Conv2DTranspose` without dilation and with Keras's own output size."""
    if tuple(layer.dilation_rate) != (1, 1) or layer.output_padding is not None:
        raise NotLoweredError("has dilation or output padding")
    return with_activation(TransposedConvolution(layer), layer)
