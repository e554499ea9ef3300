"""Which Keras layer classes can be written as ONNX, and by which function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firstlight.deliver.onnx_graph import OnnxGraph, Value

Conversion = Callable[[OnnxGraph, Any, list[Value]], Value]
CONVERSIONS: dict[str, Conversion] = {}
# A user's own class may have the name of one of Keras's.
HOMES = ("keras.src.layers.", "keras.src.applications.")


class NotConvertedError(Exception):
    """This layer, or this option of it, is not written as ONNX; the reason in words."""


def converts(*classes: str) -> Callable[[Conversion], Conversion]:
    """Register the decorated function as the conversion of these Keras classes."""

    def register(function: Conversion) -> Conversion:
        CONVERSIONS.update(dict.fromkeys(classes, function))
        return function

    return register


def convert_layer(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Add the nodes that do what a Keras layer does when it is not training.

    Raises:
        NotConvertedError: with the reason, in words that follow "layer NAME (CLASS)".
    """
    kind = type(layer).__name__
    if kind not in CONVERSIONS or not type(layer).__module__.startswith(HOMES):
        raise NotConvertedError("is of a kind that is not written as ONNX")
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise NotConvertedError("has channels first")
    policy = getattr(getattr(layer, "dtype_policy", None), "name", "float32")
    if policy != "float32":
        raise NotConvertedError(f"computes in {policy}")
    return CONVERSIONS[kind](graph, layer, inputs)


def rank_of(layer: Any) -> int:
    """How many axes the layer's input has."""
    return len(layer.get_build_config()["input_shape"])
