"""Operations of `keras.ops` in a graph: `x + y`, `x[:, 1:]`, `keras.ops.mean(x, axis=1)`."""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.models.graph import Call
from firstlight.models.graph import Tensor as Place
from firstlight.training.lowerings.registry import NotLoweredError
from firstlight.training.tensors import channels_first, channels_last

Function = Callable[..., Any]

# Each works element by element, so the order of axes does not matter to it.
OPERATIONS: dict[str, Function] = {
    "Abs": torch.abs,
    "Absolute": torch.abs,
    "Add": torch.add,
    "Arcsinh": torch.asinh,
    "Divide": torch.true_divide,
    "Exp": torch.exp,
    "HardSigmoid": F.hardsigmoid,
    "HardSilu": F.hardswish,
    "Log": torch.log,
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

    def __init__(self, function: Function, arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.function = function
        self.arguments = arguments

    def forward(self, *inputs: Tensor) -> Tensor:
        """The tensors in the places of `arguments` that are tensors."""
        mixed = len({x.dim() for x in inputs}) > 1
        # Tensors of different rank meet at Keras's last axes.
        waiting = iter([channels_last(x) for x in inputs] if mixed else inputs)
        filled = [next(waiting) if isinstance(a, Place) else a for a in self.arguments]
        out: Tensor = self.function(*filled)
        return channels_first(out) if mixed else out


class OperationOnAxes(nn.Module):
    """An operation that names axes, on tensors in Keras's order of them."""

    def __init__(self, function: Function, several: bool) -> None:
        super().__init__()
        self.function = function
        self.several = several

    def forward(self, *inputs: Tensor) -> Any:
        """A tensor, or a tuple of them."""
        out = self.function(*[channels_last(x) for x in inputs])
        return tuple(_laid(x) for x in out) if self.several else _laid(out)


def _laid(x: Tensor) -> Tensor:
    out = channels_first(x)
    return out.contiguous(memory_format=torch.channels_last) if out.dim() == 4 else out


def _axes(x: Tensor, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.dim()))
    return tuple(axis) if isinstance(axis, list | tuple) else (int(axis),)


def _over(function: Function) -> Callable[[Any], Function]:
    """The lowering of a function that takes `axis` and `keepdims` away from a tensor."""
    return lambda layer: lambda x: function(x, _axes(x, layer.axis), keepdim=layer.keepdims)


def _split(layer: Any) -> Function:
    where, axis = layer.indices_or_sections, layer.axis
    if isinstance(where, int):
        return lambda x: torch.tensor_split(x, where, axis)
    return lambda x: torch.tensor_split(x, tuple(int(index) for index in where), axis)


def _pad(layer: Any) -> Function:
    if layer.mode != "constant":
        raise NotLoweredError(f"pads by {layer.mode}")
    # torch counts the axes from the last one.
    widths = [int(width) for pair in reversed(layer.pad_width) for width in pair]
    return lambda x, value: F.pad(x, widths, value=0.0 if value is None else float(value))


def _gelu(layer: Any) -> Function:
    return lambda x: F.gelu(x, approximate="tanh" if layer.approximate else "none")


# From the operation, whose attributes are its options, to a function of tensors.
ON_AXES: dict[str, Callable[[Any], Function]] = {
    "Clip": lambda layer: lambda x: torch.clamp(x, layer.x_min, layer.x_max),
    "Concatenate": lambda layer: lambda *xs: torch.cat(xs, layer.axis),
    "ExpandDims": lambda layer: lambda x: x.unsqueeze(layer.axis),
    "Flip": lambda layer: lambda x: torch.flip(x, _axes(x, layer.axis)),
    "Gelu": _gelu,
    "LeakyRelu": lambda layer: lambda x: F.leaky_relu(x, layer.negative_slope),
    "Matmul": lambda layer: torch.matmul,
    "Max": _over(torch.amax),
    "Mean": _over(torch.mean),
    "Min": _over(torch.amin),
    "Moveaxis": lambda layer: lambda x: torch.movedim(x, layer.source, layer.destination),
    "Pad": _pad,
    "Reshape": lambda layer: lambda x: x.reshape(_shape(x, layer.newshape)),
    "Softmax": lambda layer: lambda x: torch.softmax(x, layer.axis),
    "Split": _split,
    "Squeeze": lambda layer: lambda x: x.squeeze(_axes(x, layer.axis)),
    "Stack": lambda layer: lambda *xs: torch.stack(xs, layer.axis),
    "Std": _over(lambda x, axes, keepdim: torch.std(x, axes, correction=0, keepdim=keepdim)),
    "Sum": _over(torch.sum),
    "Swapaxes": lambda layer: lambda x: x.swapaxes(layer.axis1, layer.axis2),
    "Transpose": lambda layer: lambda x: x.permute(layer.axes or range(x.dim() - 1, -1, -1)),
    "Unstack": lambda layer: lambda x: torch.unbind(x, layer.axis),
    "Var": _over(lambda x, axes, keepdim: torch.var(x, axes, correction=0, keepdim=keepdim)),
}
SEVERAL = ("Split", "Unstack")


def lower_operation(call: Call) -> list[nn.Module]:
    """The module of an operation's call.

    Raises:
        NotLoweredError: it is none of the known ones, or takes something other than tensors
            and numbers.
    """
    kind = type(call.layer).__name__
    if kind == "GetItem" and isinstance(call.arguments[0], Place):
        key = _key(call.arguments[1])
        return [OperationOnAxes(lambda x: x[key], several=False)]
    if kind == "Pad":
        value = call.keywords.get("constant_values")
        pad = _pad(call.layer)
        return [OperationOnAxes(lambda x: pad(x, value), several=False)]
    if any(value is not None for value in call.keywords.values()):
        raise NotLoweredError("is called with options")
    if kind in ON_AXES and getattr(call.layer, "initial", None) is None:
        return [OperationOnAxes(ON_AXES[kind](call.layer), kind in SEVERAL)]
    if kind not in OPERATIONS:
        raise NotLoweredError("is an operation that has no lowering")
    numbers = [argument for argument in call.arguments if not isinstance(argument, Place)]
    if not all(isinstance(number, int | float) for number in numbers):
        raise NotLoweredError("takes something other than tensors and numbers")
    if numbers and kind in PAIRS_OF_TENSORS:
        raise NotLoweredError("compares a tensor with a number")
    return [Operation(OPERATIONS[kind], call.arguments)]


def _shape(x: Tensor, shape: Any) -> tuple[int, ...]:
    """A new shape; None stands for the number of images."""
    return tuple(len(x) if size is None else int(size) for size in shape)


def _key(value: Any) -> tuple[Any, ...]:
    """What stands between the brackets, as a tuple."""
    key = tuple(value) if isinstance(value, list) else (value,)
    for item in key:
        if isinstance(item, slice) and (item.step or 1) < 0:
            raise NotLoweredError("counts backwards, which torch does not")
        if not isinstance(item, int | slice | EllipsisType | None):
            raise NotLoweredError("picks by something other than numbers and slices")
    return key
