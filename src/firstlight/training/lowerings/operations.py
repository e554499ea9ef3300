"""Operations of `keras.ops` in a graph: `x + y`, `x * 0.5`, `keras.ops.relu(x)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.models.graph import Call
from firstlight.models.graph import Tensor as Place
from firstlight.training.lowerings.registry import NotLoweredError
from firstlight.training.tensors import channels_first, channels_last

# Each works element by element, so the order of axes does not matter to it.
OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Abs": torch.abs,
    "Absolute": torch.abs,
    "Add": torch.add,
    "Divide": torch.true_divide,
    "Exp": torch.exp,
    "HardSigmoid": F.hardsigmoid,
    "HardSilu": F.hardswish,
    "Maximum": torch.maximum,
    "Minimum": torch.minimum,
    "Multiply": torch.mul,
    "Negative": torch.neg,
    "Power": torch.pow,
    "Relu": torch.relu,
    "Relu6": F.relu6,
    "Sigmoid": torch.sigmoid,
    "Silu": F.silu,
    "Sqrt": torch.sqrt,
    "Square": torch.square,
    "Subtract": torch.sub,
    "Tanh": torch.tanh,
    "TrueDivide": torch.true_divide,
}
PAIRS_OF_TENSORS = ("Maximum", "Minimum")


class Operation(nn.Module):
    """One operation, with the numbers among its arguments filled in."""

    def __init__(self, function: Callable[..., Tensor], arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.function = function
        self.arguments = arguments

    def forward(self, *inputs: Tensor) -> Tensor:
        """The tensors in the places of `arguments` that are tensors."""
        mixed = len({x.dim() for x in inputs}) > 1
        # Tensors of different rank meet at Keras's last axes.
        waiting = iter([channels_last(x) for x in inputs] if mixed else inputs)
        filled = [next(waiting) if isinstance(a, Place) else a for a in self.arguments]
        out = self.function(*filled)
        return channels_first(out) if mixed else out


def lower_operation(call: Call) -> list[nn.Module]:
    """The module of an operation's call.

    Raises:
        NotLoweredError: it is none of the known ones, or takes something other than tensors
            and numbers.
    """
    kind = type(call.layer).__name__
    if kind not in OPERATIONS:
        raise NotLoweredError("is an operation that has no lowering")
    numbers = [argument for argument in call.arguments if not isinstance(argument, Place)]
    if not all(isinstance(number, int | float) for number in numbers):
        raise NotLoweredError("takes something other than tensors and numbers")
    if numbers and kind in PAIRS_OF_TENSORS:
        raise NotLoweredError("compares a tensor with a number")
    return [Operation(OPERATIONS[kind], call.arguments)]
