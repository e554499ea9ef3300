"""Layers of one dimension: a row of positions is an image of height 1, and nothing is copied."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class AsImage(nn.Module):
    """`(N, length, C)` as `(N, C, 1, length)`."""

    def forward(self, x: Tensor) -> Tensor:
        """A view with another order of axes."""
        return x.transpose(1, 2).unsqueeze(2)


class AsRow(nn.Module):
    """`(N, C, 1, length)` as `(N, length, C)`."""

    def forward(self, x: Tensor) -> Tensor:
        """A view with another order of axes."""
        return x.squeeze(2).transpose(1, 2)


def is_row(layer: Any) -> bool:
    """Whether a layer is the one-dimensional of its kind."""
    return "1D" in type(layer).__name__


def on_rows(layer: Any, *modules: nn.Module) -> list[nn.Module]:
    """The modules for images, between the two changes of view where the layer takes rows."""
    return [AsImage(), *modules, AsRow()] if is_row(layer) else list(modules)


def pair(value: Any) -> tuple[int, int]:
    """A layer's sizes for height and width; one for rows counts for the width."""
    sizes = value if isinstance(value, list | tuple) else (value,)
    height, width = sizes if len(sizes) == 2 else (1, *sizes)
    return int(height), int(width)
