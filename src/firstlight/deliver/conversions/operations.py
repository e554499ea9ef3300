"""Operations of `keras.ops` in a graph: `x + y`, `x[:, 1:]`, `keras.ops.mean(x, axis=1)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firstlight.deliver.conversions.activations import ACTIVATIONS, clipped
from firstlight.deliver.conversions.registry import NotConvertedError
from firstlight.deliver.onnx_graph import OnnxGraph, Value, integers
from firstlight.models.graph import Call
from firstlight.models.graph import Tensor as Place

# Each works element by element.
OPERATORS = {
    "Abs": "Abs",
    "Absolute": "Abs",
    "Add": "Add",
    "Arcsinh": "Asinh",
    "Divide": "Div",
    "Exp": "Exp",
    "Log": "Log",
    "Matmul": "MatMul",
    "Maximum": "Max",
    "Minimum": "Min",
    "Multiply": "Mul",
    "Negative": "Neg",
    "Power": "Pow",
    "Sqrt": "Sqrt",
    "Subtract": "Sub",
    "TrueDivide": "Div",
}
NAMED_ACTIVATIONS = {
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Tanh": "tanh",
}
REDUCTIONS = {"Max": "ReduceMax", "Mean": "ReduceMean", "Min": "ReduceMin", "Sum": "ReduceSum"}
OnAxes = Callable[[OnnxGraph, Any, list[Value]], Value]


def _gelu(graph: OnnxGraph, operation: Any, inputs: list[Value]) -> Value:
    return graph.add("Gelu", inputs[0], approximate="tanh" if operation.approximate else "none")


def _reduced(graph: OnnxGraph, operation: Any, inputs: list[Value]) -> Value:
    kind, axes = REDUCTIONS[type(operation).__name__], _axes(graph, operation)
    return graph.add(kind, inputs[0], *axes, keepdims=int(operation.keepdims))


def _with_axes(kind: str) -> OnAxes:
    return lambda graph, operation, inputs: graph.add(kind, inputs[0], *_axes(graph, operation))


def _axes(graph: OnnxGraph, operation: Any) -> list[str]:
    """The constant that names an operation's axes; none where it takes all."""
    axis = operation.axis
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return [] if axis is None else [graph.constant(integers(axes))]


def _reshaped(graph: OnnxGraph, operation: Any, inputs: list[Value]) -> Value:
    first, *others = operation.newshape
    # The number of images is open: what Keras writes as None (or -1 where nothing else is open).
    shape = [-1 if first is None else first, *others]
    if any(size is None for size in others):
        raise NotConvertedError("is reshaped to sizes that are left open")
    return graph.add("Reshape", inputs[0], graph.constant(integers(shape)))


def _transposed(graph: OnnxGraph, operation: Any, inputs: list[Value]) -> Value:
    axes = {} if operation.axes is None else {"perm": list(operation.axes)}
    return graph.add("Transpose", inputs[0], **axes)


# From the operation, whose attributes are its options, on tensors in Keras's order of axes.
ON_AXES: dict[str, OnAxes] = {
    "Clip": lambda graph, it, inputs: clipped(it.x_min, it.x_max)(graph, inputs[0]),
    "Concatenate": lambda graph, it, inputs: graph.add("Concat", *inputs, axis=it.axis),
    "ExpandDims": _with_axes("Unsqueeze"),
    "Gelu": _gelu,
    "LeakyRelu": lambda graph, it, inputs: graph.add(
        "LeakyRelu", inputs[0], alpha=float(it.negative_slope)
    ),
    "Reshape": _reshaped,
    "Softmax": lambda graph, it, inputs: graph.add("Softmax", inputs[0], axis=it.axis),
    "Square": lambda graph, it, inputs: graph.add("Mul", inputs[0], inputs[0]),
    "Squeeze": _with_axes("Squeeze"),
    "Transpose": _transposed,
    **dict.fromkeys(REDUCTIONS, _reduced),
}


def convert_operation(graph: OnnxGraph, call: Call, inputs: list[Value]) -> Value:
    """Add the nodes of an operation's call.

    Raises:
        NotConvertedError: it is none of the known ones, or takes something other than tensors
            and numbers.
    """
    kind = type(call.layer).__name__
    inputs = [graph.last(value) for value in inputs]
    if kind == "GetItem" and isinstance(call.arguments[0], Place):
        return _picked(graph, inputs[0], call.arguments[1])
    if any(value is not None for value in call.keywords.values()):
        raise NotConvertedError("is called with options")
    if kind in NAMED_ACTIVATIONS:
        return ACTIVATIONS[NAMED_ACTIVATIONS[kind]](graph, inputs[0])
    if kind in ON_AXES and getattr(call.layer, "initial", None) is None:
        return ON_AXES[kind](graph, call.layer, inputs)
    if kind not in OPERATORS:
        raise NotConvertedError("is an operation that is not written as ONNX")
    waiting = iter(inputs)
    filled: list[Value | str] = []
    for argument in call.arguments:
        if isinstance(argument, Place):
            filled.append(next(waiting))
        elif isinstance(argument, int | float):
            filled.append(graph.constant(float(argument)))
        else:
            raise NotConvertedError("takes something other than tensors and numbers")
    return graph.add(OPERATORS[kind], *filled)


def _picked(graph: OnnxGraph, x: Value, key: Any) -> Value:
    """The nodes of what stands between the brackets."""
    items = key if isinstance(key, list) else [key]
    starts, ends, steps, single = [], [], [], []
    for axis, item in enumerate(items):
        if isinstance(item, slice):
            start, stop, step = item.start, item.stop, item.step
            if (step or 1) < 0:
                raise NotConvertedError("counts backwards")
        elif isinstance(item, int):
            start, stop, step = item, item + 1 or None, 1
            single.append(axis)
        else:
            raise NotConvertedError("picks by something other than numbers and slices")
        starts.append(start or 0)
        ends.append(2**63 - 1 if stop is None else stop)
        steps.append(step or 1)
    bounds = (starts, ends, range(len(items)), steps)
    out = graph.add("Slice", x, *(graph.constant(integers(numbers)) for numbers in bounds))
    return graph.add("Squeeze", out, graph.constant(integers(single))) if single else out
