"""Layers that only move numbers: the order of axes seen from outside is always Keras's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowerings.registry import NotLoweredError, lowers
from firstlight.training.tensors import channels_first, channels_last


class Flatten(nn.Module):
    """`Flatten` in Keras's order (height, width, channels): a view of channels-last memory."""

    def forward(self, x: Tensor) -> Tensor:
        """`(N, ...)` to `(N, numbers)`."""
        return channels_last(x).reshape(len(x), -1)


class Reshape(nn.Module):
    """`Reshape` and `Permute`, done in Keras's order of axes."""

    def __init__(self, shape: tuple[int, ...] | None, order: tuple[int, ...] | None) -> None:
        super().__init__()
        self.shape = shape
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        """The same numbers in another shape or order."""
        last = channels_last(x)
        if self.order is not None:
            last = last.permute(0, *self.order)
        if self.shape is not None:
            last = last.reshape(len(x), *self.shape)
        out = channels_first(last)
        return out.contiguous(memory_format=torch.channels_last) if out.dim() == 4 else out


class Padding(nn.Module):
    """`ZeroPadding2D`, and `Cropping2D` as its negative."""

    def __init__(self, pads: tuple[tuple[int, int], tuple[int, int]], sign: int) -> None:
        super().__init__()
        (top, bottom), (left, right) = pads
        self.pads = tuple(sign * pad for pad in (left, right, top, bottom))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` with rows and columns of zeros added, or rows and columns cut off."""
        return F.pad(x, self.pads).contiguous(memory_format=torch.channels_last)


class UpSampling(nn.Module):
    """`UpSampling2D`: every pixel repeated, or bilinear."""

    def __init__(self, size: tuple[int, int], bilinear: bool) -> None:
        super().__init__()
        self.size = size
        self.bilinear = bilinear

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, H * size, W * size)`."""
        factors = tuple(float(size) for size in self.size)
        if self.bilinear:
            return F.interpolate(x, scale_factor=factors, mode="bilinear", align_corners=False)
        return F.interpolate(x, scale_factor=factors, mode="nearest")


@lowers("Flatten")
def flatten(layer: Any) -> list[nn.Module]:
    """`Flatten`."""
    return [Flatten()]


@lowers("Reshape")
def reshape(layer: Any) -> list[nn.Module]:
    """`Reshape`."""
    return [Reshape(tuple(layer.target_shape), None)]


@lowers("Permute")
def permute(layer: Any) -> list[nn.Module]:
    """`Permute`."""
    return [Reshape(None, tuple(layer.dims))]


@lowers("ZeroPadding2D")
def zero_padding(layer: Any) -> list[nn.Module]:
    """`ZeroPadding2D`."""
    return [Padding(layer.padding, 1)]


@lowers("Cropping2D")
def cropping(layer: Any) -> list[nn.Module]:
    """`Cropping2D`."""
    return [Padding(layer.cropping, -1)]


@lowers("UpSampling2D")
def up_sampling(layer: Any) -> list[nn.Module]:
    """`UpSampling2D`, nearest or bilinear."""
    if layer.interpolation not in ("nearest", "bilinear"):
        raise NotLoweredError(f"interpolates by {layer.interpolation}")
    return [UpSampling(tuple(layer.size), layer.interpolation == "bilinear")]
