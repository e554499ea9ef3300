"""Layers that join several tensors into one."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from firstlight.training.lowerings.registry import NotLoweredError, lowers
from firstlight.training.tensors import axis_here

PAIRWISE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Add": torch.add,
    "Average": torch.add,
    "Maximum": torch.maximum,
    "Minimum": torch.minimum,
    "Multiply": torch.mul,
    "Subtract": torch.sub,
}


class Merge(nn.Module):
    """`Add`, `Average`, `Maximum`, `Minimum`, `Multiply`, `Subtract`."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.join = PAIRWISE[kind]
        self.average = kind == "Average"

    def forward(self, *inputs: Tensor) -> Tensor:
        """Tensors of the same rank to one of their common shape."""
        out = reduce(self.join, inputs)
        return out / len(inputs) if self.average else out


class Concatenate(nn.Module):
    """`Concatenate` along one of Keras's axes."""

    def __init__(self, axis: int, rank: int) -> None:
        super().__init__()
        self.axis = axis_here(axis, rank)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Tensors to one that is as long along the axis as all together."""
        return torch.cat(inputs, self.axis)


class ScaledSum(nn.Module):
    """`CustomScaleLayer` of Keras's InceptionResNetV2: one branch scaled and added."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, trunk: Tensor, branch: Tensor) -> Tensor:
        """Two tensors of one shape to their sum."""
        return torch.add(trunk, branch, alpha=self.scale)


@lowers("CustomScaleLayer")
def scaled_sum(layer: Any) -> list[nn.Module]:
    """`CustomScaleLayer`."""
    return [ScaledSum(float(layer.scale))]


@lowers(*PAIRWISE)
def merge(layer: Any) -> list[nn.Module]:
    """The merges that work element by element."""
    if len(_ranks(layer)) > 1:
        raise NotLoweredError("joins tensors of different rank")
    return [Merge(type(layer).__name__)]


@lowers("Concatenate")
def concatenate(layer: Any) -> list[nn.Module]:
    """`Concatenate`."""
    return [Concatenate(layer.axis, _ranks(layer).pop())]


def _ranks(layer: Any) -> set[int]:
    return {len(shape) for shape in layer.get_build_config()["input_shape"]}
