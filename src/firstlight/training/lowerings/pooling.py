"""Pooling: the largest or the mean value under a window, or over the whole image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowerings.registry import lowers
from firstlight.training.tensors import pad_same


class MaxPooling(nn.Module):
    """`MaxPooling2D`; pixels that `same` adds never win."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.size: tuple[int, int] = tuple(layer.pool_size)
        self.stride: tuple[int, int] = tuple(layer.strides)
        self.same = layer.padding == "same"

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, H', W')`."""
        padding = (0, 0)
        if self.same:
            x, padding = pad_same(x, self.size, self.stride, value=float("-inf"))
        return F.max_pool2d(x, self.size, self.stride, padding)


class AveragePooling(MaxPooling):
    """`AveragePooling2D`; pixels that `same` adds do not count."""

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
    """`GlobalAveragePooling2D` and `GlobalMaxPooling2D`."""

    def __init__(self, layer: Any, largest: bool) -> None:
        super().__init__()
        self.keepdims = bool(layer.keepdims)
        self.largest = largest

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C)`, or `(N, C, 1, 1)` where the axes are kept."""
        if self.largest:
            return torch.amax(x, (2, 3), keepdim=self.keepdims)
        return x.mean((2, 3), keepdim=self.keepdims)


@lowers("MaxPooling2D")
def max_pooling(layer: Any) -> list[nn.Module]:
    """`MaxPooling2D`."""
    return [MaxPooling(layer)]


@lowers("AveragePooling2D")
def average_pooling(layer: Any) -> list[nn.Module]:
    """`AveragePooling2D`."""
    return [AveragePooling(layer)]


@lowers("GlobalAveragePooling2D")
def global_average_pooling(layer: Any) -> list[nn.Module]:
    """`GlobalAveragePooling2D`."""
    return [GlobalPooling(layer, largest=False)]


@lowers("GlobalMaxPooling2D")
def global_max_pooling(layer: Any) -> list[nn.Module]:
    """`GlobalMaxPooling2D`."""
    return [GlobalPooling(layer, largest=True)]
