"""Pooling: the largest or the mean value under a window, or over the whole image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowerings.registry import lowers
from firstlight.training.lowerings.rows import AsImage, is_row, on_rows, pair
from firstlight.training.tensors import pad_same


class MaxPooling(nn.Module):
    """`MaxPooling1D` and `MaxPooling2D`; pixels that `same` adds never win."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.size = pair(layer.pool_size)
        self.stride = pair(layer.strides)
        self.same = layer.padding == "same"

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, H', W')`."""
        padding = (0, 0)
        if self.same:
            x, padding = pad_same(x, self.size, self.stride, value=float("-inf"))
        return F.max_pool2d(x, self.size, self.stride, padding)


class AveragePooling(MaxPooling):
    """`AveragePooling1D` and `AveragePooling2D`; pixels that `same` adds do not count."""

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, H', W')`."""
        if not self.same:
            return F.avg_pool2d(x, self.size, self.stride)
        shape = (1, 1, *x.shape[2:])
        inside, _ = pad_same(x.new_ones(shape), self.size, self.stride)
        padded, padding = pad_same(x, self.size, self.stride)
        if padding != (0, 0):
            return F.avg_pool2d(x, self.size, self.stride, padding, count_include_pad=False)
        share = F.avg_pool2d(inside, self.size, self.stride)
        return F.avg_pool2d(padded, self.size, self.stride) / share


class GlobalPooling(nn.Module):
    """The mean or the largest value of a whole image."""

    def __init__(self, layer: Any, largest: bool) -> None:
        super().__init__()
        self.keepdims = bool(layer.keepdims)
        self.largest = largest

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C)`, or `(N, C, 1, 1)` where the axes are kept."""
        if self.largest:
            return torch.amax(x, (2, 3), keepdim=self.keepdims)
        return x.mean((2, 3), keepdim=self.keepdims)


@lowers("MaxPooling1D", "MaxPooling2D")
def max_pooling(layer: Any) -> list[nn.Module]:
    """`MaxPooling1D` and `MaxPooling2D`."""
    return on_rows(layer, MaxPooling(layer))


@lowers("AveragePooling1D", "AveragePooling2D")
def average_pooling(layer: Any) -> list[nn.Module]:
    """`AveragePooling1D` and `AveragePooling2D`."""
    return on_rows(layer, AveragePooling(layer))


@lowers(
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D"
)
def global_pooling(layer: Any) -> list[nn.Module]:
    """Pooling over the whole image or row."""
    pooling = GlobalPooling(layer, largest="Max" in type(layer).__name__)
    if layer.keepdims or not is_row(layer):
        return on_rows(layer, pooling)
    return [AsImage(), pooling]
