"""Keras's constraints on weights, on torch tensors in Keras's order of axes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

CONSTRAINTS = ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm")
# Keras's own.
EPSILON = 1e-7


def constrained(constraint: Any, weight: Tensor) -> Tensor:
    """The weight after a constraint of Keras's; its class is one of `CONSTRAINTS`.

    Source: Keras documentation, "Layer weight constraints".

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> constrained(keras.constraints.NonNeg(), torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    kind = type(constraint).__name__
    if kind == "NonNeg":
        return torch.relu(weight)
    options = constraint.get_config()
    length = weight.square().sum(options["axis"], keepdim=True).sqrt()
    if kind == "UnitNorm":
        return weight / (EPSILON + length)
    low, rate = options.get("min_value", 0.0), options.get("rate", 1.0)
    wanted = rate * length.clamp(low, options["max_value"]) + (1.0 - rate) * length
    return weight * (wanted / (EPSILON + length))
