"""Keras's activation functions by name, on tensors as `tensors` lays them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Function = Callable[[Tensor], Tensor]


def _over_channels(function: Callable[[Tensor, int], Tensor]) -> Function:
    # Keras's last axis is the channels, which lie second in an image here.
    return lambda x: function(x, 1 if x.dim() == 4 else -1)


def _sparse_plus(x: Tensor) -> Tensor:
    return torch.where(x < 1.0, 0.25 * torch.clamp(x + 1.0, min=0.0).square(), x)


# Source of each formula: Keras documentation, "Layer activation functions". Not here: `sparsemax`,
# where Keras 3.15 itself departs from the published one as soon as two numbers are not zero.
ACTIVATIONS: dict[str, Function] = {
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "silu": F.silu,
    "glu": _over_channels(F.glu),
    "hard_shrink": F.hardshrink,
    "log_sigmoid": F.logsigmoid,
    "soft_shrink": F.softshrink,
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda x: torch.clamp(0.5 * (x + 1.0), 0.0, 1.0),
    "squareplus": lambda x: 0.5 * (x + torch.sqrt(x * x + 4.0)),
    "tanh_shrink": F.tanhshrink,
    "mish": F.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": F.hardsigmoid,
    "hard_silu": F.hardswish,
    "hard_tanh": F.hardtanh,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "exponential": torch.exp,
    "softmax": _over_channels(torch.softmax),
    "log_softmax": _over_channels(torch.log_softmax),
}


class Activation(nn.Module):
    """An activation function as a module; `name` lets the rewriting recognise it."""

    def __init__(self, name: str, function: Function) -> None:
        super().__init__()
        self.name = name
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """The function of every element."""
        return self.function(x)


def bent_relu(slope: float, top: float | None, threshold: float) -> Activation:
    """ReLU with Keras's three options, each only where it is used: `where` is slow."""
    if not slope and not threshold:
        if top is None:
            return Activation("relu", torch.relu)
        return Activation("capped relu", lambda x: F.hardtanh(x, 0.0, float(top)))

    def bent(x: Tensor) -> Tensor:
        if threshold:
            out = torch.where(x >= threshold, x, slope * (x - threshold))
        else:
            out = F.leaky_relu(x, slope)
        return out if top is None else torch.clamp(out, max=top)

    return Activation("bent relu", bent)


def activation(value: Any) -> Activation | None:
    """The module of an activation as a layer's `activation` attribute holds it; None for linear.

    Raises:
        KeyError: it is none of the known ones.
    """
    import keras

    name = value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    known = name in ACTIVATIONS or name == "linear"
    # A user's own function may have the name of one of Keras's.
    if not known or not (isinstance(value, str) or value is keras.activations.get(name)):
        raise KeyError(name)
    return None if name == "linear" else Activation(name, ACTIVATIONS[name])
