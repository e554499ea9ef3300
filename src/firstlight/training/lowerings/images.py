"""Layers that change images: resizing and cropping always, the random ones while training."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowerings.registry import NotLoweredError, lowers

# Keras's names of what lies outside of an image, and torch's.
OUTSIDE = {"constant": "zeros", "nearest": "border", "reflect": "reflection"}
RESIZING = {"nearest": "nearest-exact", "bilinear": "bilinear"}


class Resizing(nn.Module):
    """`Resizing`, after cropping to the new proportions where that is asked for."""

    def __init__(self, size: tuple[int, int], mode: str, *, antialias: bool, crop: bool) -> None:
        super().__init__()
        self.size = size
        self.mode = mode
        self.antialias = antialias
        self.crop = crop

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, height, width)`."""
        if self.crop:
            height, width = x.shape[2:]
            inner = max(min(height, width * self.size[0] // self.size[1]), 1)
            across = max(min(width, height * self.size[1] // self.size[0]), 1)
            x = _cut(x, (height - inner) // 2, (width - across) // 2, (inner, across))
        return F.interpolate(x, self.size, mode=self.mode, antialias=self.antialias)


class CenterCrop(nn.Module):
    """`CenterCrop`; images that are too small are resized."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.resized = Resizing(size, "bilinear", antialias=False, crop=True)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, height, width)`."""
        down, right = x.shape[2] - self.size[0], x.shape[3] - self.size[1]
        if down >= 0 and right >= 0:
            return _cut(x, down // 2, right // 2, self.size)
        resized: Tensor = self.resized(x)
        return resized


class RandomChange(nn.Module):
    """A layer that changes each image in a way of its own, while training only."""

    def forward(self, x: Tensor) -> Tensor:
        """`(N, C, H, W)` to the same shape."""
        return self.change(x) if self.training else x

    def change(self, x: Tensor) -> Tensor:
        """The images after their random changes."""
        raise NotImplementedError


class RandomFlip(RandomChange):
    """`RandomFlip`: half of the images, over one or both axes together."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        axes = {"horizontal": (3,), "vertical": (2,), "horizontal_and_vertical": (2, 3)}
        self.axes = axes[layer.mode]

    def change(self, x: Tensor) -> Tensor:
        """The images, half of them turned over."""
        return torch.where(_between(x, 0.0, 1.0) <= 0.5, x.flip(self.axes), x)


class RandomBrightness(RandomChange):
    """`RandomBrightness`: a number added to every pixel of an image."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.low, self.high = (float(value) for value in layer.value_range)
        self.factor = tuple(float(value) for value in layer.factor)

    def change(self, x: Tensor) -> Tensor:
        """The images, brighter or darker, within the range of values."""
        added = _between(x, *self.factor) * (self.high - self.low)
        return torch.clamp(x + added, self.low, self.high)


class RandomContrast(RandomChange):
    """`RandomContrast`: distances from each channel's mean grow or shrink."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.low, self.high = (float(value) for value in layer.value_range)
        self.factor = 1.0 - float(layer.factor[0]), 1.0 + float(layer.factor[1])

    def change(self, x: Tensor) -> Tensor:
        """The images with more or less contrast, within the range of values."""
        mean = x.mean((2, 3), keepdim=True)
        return torch.clamp((x - mean) * _between(x, *self.factor) + mean, self.low, self.high)


class RandomPlace(RandomChange):
    """Each pixel is read at another place: `a u + b`, in pixels, with `u` its own place."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        if layer.fill_mode not in OUTSIDE:
            raise NotLoweredError(f"fills by {layer.fill_mode}")
        self.outside = OUTSIDE[layer.fill_mode]
        self.value = float(layer.fill_value) if layer.fill_mode == "constant" else 0.0
        self.mode = layer.interpolation

    def places(self, x: Tensor) -> Tensor:
        """`(N, 2, 3)`: x and y of where to read, from x, y and 1."""
        raise NotImplementedError

    def change(self, x: Tensor) -> Tensor:
        """The images, read at the places."""
        height, width = x.shape[2:]
        row = torch.arange(width, device=x.device, dtype=x.dtype).expand(height, width)
        column = torch.arange(height, device=x.device, dtype=x.dtype)[:, None].expand_as(row)
        own = torch.stack([row, column, torch.ones_like(row)], -1)
        read = torch.einsum("hwk,njk->nhwj", own, self.places(x))
        # torch counts from -1 to 1, from edge to edge.
        grid = (2.0 * read + 1.0) / read.new_tensor([width, height]) - 1.0
        out = F.grid_sample(x - self.value, grid, self.mode, self.outside, align_corners=False)
        return (out + self.value).contiguous(memory_format=torch.channels_last)


class RandomRotation(RandomPlace):
    """`RandomRotation` around the middle; factors are shares of a full turn."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.factor = tuple(2.0 * math.pi * float(value) for value in layer.factor)

    def places(self, x: Tensor) -> Tensor:
        """See `RandomPlace`."""
        angle = _between(x, *self.factor).flatten()
        cosine, sine = angle.cos(), angle.sin()
        across, down = (x.shape[3] - 1) / 2, (x.shape[2] - 1) / 2
        first = torch.stack([cosine, -sine, across - across * cosine + down * sine], -1)
        second = torch.stack([sine, cosine, down - across * sine - down * cosine], -1)
        return torch.stack([first, second], 1)


class RandomTranslation(RandomPlace):
    """`RandomTranslation`; factors are shares of height and width."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.height = float(layer.height_lower), float(layer.height_upper)
        self.width = float(layer.width_lower), float(layer.width_upper)

    def places(self, x: Tensor) -> Tensor:
        """See `RandomPlace`."""
        down = _between(x, *self.height).flatten() * x.shape[2]
        right = _between(x, *self.width).flatten() * x.shape[3]
        return _scaled(torch.ones_like(right), torch.ones_like(down), -right, -down)


class RandomZoom(RandomPlace):
    """`RandomZoom` around the middle; one factor for both axes where no width is given."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.height = 1.0 + float(layer.height_lower), 1.0 + float(layer.height_upper)
        self.width: tuple[float, float] | None = None
        if layer.width_factor is not None:
            self.width = 1.0 + float(layer.width_lower), 1.0 + float(layer.width_upper)

    def places(self, x: Tensor) -> Tensor:
        """See `RandomPlace`."""
        down = _between(x, *self.height).flatten()
        right = down if self.width is None else _between(x, *self.width).flatten()
        middle_x, middle_y = (x.shape[3] - 1) / 2, (x.shape[2] - 1) / 2
        return _scaled(right, down, middle_x * (1.0 - right), middle_y * (1.0 - down))


def _scaled(right: Tensor, down: Tensor, x: Tensor, y: Tensor) -> Tensor:
    zero = torch.zeros_like(x)
    return torch.stack([torch.stack([right, zero, x], -1), torch.stack([zero, down, y], -1)], 1)


def _between(x: Tensor, low: float, high: float) -> Tensor:
    """One random number for each image, `(N, 1, 1, 1)`."""
    return torch.empty((len(x), 1, 1, 1), device=x.device, dtype=x.dtype).uniform_(low, high)


def _cut(x: Tensor, top: int, left: int, size: tuple[int, int]) -> Tensor:
    return x[:, :, top : top + size[0], left : left + size[1]]


RANDOM: dict[str, type[RandomChange]] = {
    kind.__name__: kind
    for kind in (
        RandomFlip,
        RandomBrightness,
        RandomContrast,
        RandomRotation,
        RandomTranslation,
        RandomZoom,
    )
}


@lowers(*RANDOM)
def random_change(layer: Any) -> list[nn.Module]:
    """The layers that change images at random."""
    return [RANDOM[type(layer).__name__](layer)]


@lowers("CenterCrop")
def center_crop(layer: Any) -> list[nn.Module]:
    """`CenterCrop`; `RandomCrop` is left to Keras, which does not crop outside of training."""
    return [CenterCrop((int(layer.height), int(layer.width)))]


@lowers("Resizing")
def resizing(layer: Any) -> list[nn.Module]:
    """`Resizing` by the nearest pixel or bilinear."""
    if layer.interpolation not in RESIZING or layer.pad_to_aspect_ratio:
        raise NotLoweredError("resizes by padding, or other than by nearest or bilinear")
    mode = RESIZING[layer.interpolation]
    antialias = bool(layer.antialias) and mode == "bilinear"
    size = int(layer.height), int(layer.width)
    return [Resizing(size, mode, antialias=antialias, crop=bool(layer.crop_to_aspect_ratio))]
