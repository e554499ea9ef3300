"""Keras's activation functions by name, as ONNX operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firstlight.deliver.conversions.registry import NotConvertedError
from firstlight.deliver.onnx_graph import OnnxGraph, Value

Function = Callable[[OnnxGraph, Value], Value]


def _node(kind: str, **attributes: Any) -> Function:
    return lambda graph, x: graph.add(kind, x, **attributes)


def over_channels(kind: str) -> Function:
    """An operator along Keras's last axis."""
    return lambda graph, x: graph.add(kind, x, axis=graph.axis_in(x, -1))


def clipped(low: float | None, high: float | None) -> Function:
    """`Clip`, with None where there is no bound."""

    def clip(graph: OnnxGraph, x: Value) -> Value:
        bounds = ["" if bound is None else graph.constant(float(bound)) for bound in (low, high)]
        return graph.add("Clip", x, *bounds)

    return clip


def _silu(graph: OnnxGraph, x: Value) -> Value:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _log_sigmoid(graph: OnnxGraph, x: Value) -> Value:
    return graph.add("Neg", graph.add("Softplus", graph.add("Neg", x)))


def _sparse_plus(graph: OnnxGraph, x: Value) -> Value:
    one = graph.constant(1.0)
    bent = graph.add("Relu", graph.add("Add", x, one))
    bent = graph.add("Mul", graph.add("Mul", bent, bent), graph.constant(0.25))
    return graph.add("Where", graph.add("Less", x, one), bent, x)


def _sparse_sigmoid(graph: OnnxGraph, x: Value) -> Value:
    half = graph.add("Mul", graph.add("Add", x, graph.constant(1.0)), graph.constant(0.5))
    return clipped(0.0, 1.0)(graph, half)


def _squareplus(graph: OnnxGraph, x: Value) -> Value:
    inside = graph.add("Add", graph.add("Mul", x, x), graph.constant(4.0))
    return graph.add("Mul", graph.add("Add", x, graph.add("Sqrt", inside)), graph.constant(0.5))


def _tanh_shrink(graph: OnnxGraph, x: Value) -> Value:
    return graph.add("Sub", x, graph.add("Tanh", x))


# Source of each formula: Keras documentation, "Layer activation functions"; of each operator: the
# ONNX operator reference, version 20. Not `glu`, whose shape Keras 3.15 itself gets wrong.
ACTIVATIONS: dict[str, Function] = {
    "linear": lambda graph, x: x,
    "relu": _node("Relu"),
    "relu6": clipped(0.0, 6.0),
    "leaky_relu": _node("LeakyRelu", alpha=0.2),
    "elu": _node("Elu"),
    "selu": _node("Selu"),
    "celu": _node("Celu"),
    "gelu": _node("Gelu"),
    "silu": _silu,
    "hard_shrink": _node("Shrink", lambd=0.5, bias=0.0),
    "log_sigmoid": _log_sigmoid,
    "soft_shrink": _node("Shrink", lambd=0.5, bias=0.5),
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": _sparse_sigmoid,
    "squareplus": _squareplus,
    "tanh_shrink": _tanh_shrink,
    "mish": _node("Mish"),
    "tanh": _node("Tanh"),
    "sigmoid": _node("Sigmoid"),
    "hard_sigmoid": _node("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": _node("HardSwish"),
    "hard_tanh": clipped(-1.0, 1.0),
    "softplus": _node("Softplus"),
    "softsign": _node("Softsign"),
    "exponential": _node("Exp"),
    "softmax": over_channels("Softmax"),
    "log_softmax": over_channels("LogSoftmax"),
}


def activated(graph: OnnxGraph, x: Value, layer: Any) -> Value:
    """The tensor after the layer's `activation`."""
    import keras

    value = layer.activation
    name = getattr(value, "__name__", type(value).__name__)
    # A user's own function may have the name of one of Keras's.
    if name not in ACTIVATIONS or value is not keras.activations.get(name):
        raise NotConvertedError(f"has the activation {name}")
    return ACTIVATIONS[name](graph, x)
