"""Pooling: the largest or the mean value under a window, or over the whole image."""

from __future__ import annotations

from typing import Any

from firstlight.deliver.conversions.registry import converts
from firstlight.deliver.onnx_graph import OnnxGraph, Value

WINDOWS = [f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3)]


@converts(*WINDOWS)
def pooling(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Windows; pixels that `same` adds never win and do not count."""
    kind = "MaxPool" if type(layer).__name__.startswith("Max") else "AveragePool"
    return graph.add(
        kind,
        graph.first(inputs[0], len(layer.pool_size) + 2),
        kernel_shape=list(layer.pool_size),
        strides=list(layer.strides),
        auto_pad="SAME_UPPER" if layer.padding == "same" else "VALID",
    )


@converts(*[f"Global{name}" for name in WINDOWS])
def global_pooling(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """The mean or the largest value of a whole image, row or volume."""
    kind = "GlobalMaxPool" if "Max" in type(layer).__name__ else "GlobalAveragePool"
    out = graph.add(kind, graph.first(inputs[0], layer.input_spec.ndim))
    return out if layer.keepdims else Value(graph.add("Flatten", out).name)
