"""Layers that only move numbers: the order of axes seen from outside is always Keras's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowerings.registry import NotLoweredError, lowers
from firstlight.training.lowerings.rows import is_row, on_rows, pair
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


class Repeat(nn.Module):
    """`RepeatVector`."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C)` to `(N, count, C)`."""
        return x.unsqueeze(1).repeat(1, self.count, 1)


class Padding(nn.Module):
    """Rows and columns of zeros around an image, and cropping as its negative."""

    def __init__(self, pads: tuple[tuple[int, int], tuple[int, int]], sign: int) -> None:
        super().__init__()
        (top, bottom), (left, right) = pads
        self.pads = tuple(sign * pad for pad in (left, right, top, bottom))

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` with rows and columns of zeros added, or rows and columns cut off."""
        return F.pad(x, self.pads).contiguous(memory_format=torch.channels_last)


class UpSampling(nn.Module):
    """Every pixel repeated, or pixels between them by bilinear interpolation."""

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


@lowers("RepeatVector")
def repeat_vector(layer: Any) -> list[nn.Module]:
    """`RepeatVector`."""
    return [Repeat(int(layer.n))]


@lowers("ZeroPadding1D", "ZeroPadding2D")
def zero_padding(layer: Any) -> list[nn.Module]:
    """`ZeroPadding1D` and `ZeroPadding2D`."""
    return on_rows(layer, Padding(_sides(layer, layer.padding), 1))


@lowers("Cropping1D", "Cropping2D")
def cropping(layer: Any) -> list[nn.Module]:
    """`Cropping1D` and `Cropping2D`."""
    return on_rows(layer, Padding(_sides(layer, layer.cropping), -1))


@lowers("UpSampling1D", "UpSampling2D")
def up_sampling(layer: Any) -> list[nn.Module]:
    """`UpSampling1D`, and `UpSampling2D` by the nearest pixel or bilinear."""
    interpolation = getattr(layer, "interpolation", "nearest")
    if interpolation not in ("nearest", "bilinear"):
        raise NotLoweredError(f"interpolates by {interpolation}")
    return on_rows(layer, UpSampling(pair(layer.size), interpolation == "bilinear"))


def _sides(layer: Any, value: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels at (top, bottom), (left, right)."""
    (top, bottom), (left, right) = ((0, 0), value) if is_row(layer) else value
    return (int(top), int(bottom)), (int(left), int(right))
