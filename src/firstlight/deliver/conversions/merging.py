"""Layers that join several tensors into one."""

from __future__ import annotations

from functools import reduce
from typing import Any

from firstlight.deliver.conversions.registry import NotConvertedError, converts
from firstlight.deliver.onnx_graph import OnnxGraph, Value

OPERATORS = {
    "Add": "Add",
    "Average": "Add",
    "Maximum": "Max",
    "Minimum": "Min",
    "Multiply": "Mul",
    "Subtract": "Sub",
}


@converts(*OPERATORS)
def merge(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """The merges that work element by element."""
    if len({len(shape) for shape in layer.get_build_config()["input_shape"]}) > 1:
        raise NotConvertedError("joins tensors of different rank")
    kind = type(layer).__name__
    out = reduce(lambda one, other: graph.add(OPERATORS[kind], one, other), alike(graph, inputs))
    count = graph.constant(float(len(inputs))) if kind == "Average" else ""
    return graph.add("Div", out, count) if count else out


@converts("Concatenate")
def concatenate(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Concatenate` along one of Keras's axes."""
    values = alike(graph, inputs)
    return graph.add("Concat", *values, axis=graph.axis_in(values[0], layer.axis))


@converts("CustomScaleLayer")
def scaled_sum(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`CustomScaleLayer` of Keras's InceptionResNetV2: one branch scaled and added."""
    trunk, branch = alike(graph, inputs)
    return graph.add("Add", trunk, graph.add("Mul", branch, graph.constant(float(layer.scale))))


def alike(graph: OnnxGraph, values: list[Value]) -> list[Value]:
    """Tensors that lie in one way: in that of the first where all do, else in Keras's."""
    if len({value.order for value in values}) == 1:
        return values
    return [graph.last(value) for value in values]
