"""Which Keras layer classes can be written as ONNX, and by which function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from firstlight.deliver.onnx_graph import OnnxGraph, Value
from firstlight.models.by_kind import ByKind

Conversion = Callable[[OnnxGraph, Any, list[Value]], Value]


class NotConvertedError(Exception):
    """This layer, or this option of it, is not written as ONNX; the reason in words."""


CONVERSIONS = ByKind[Conversion](NotConvertedError, "is of a kind that is not written as ONNX")
converts = CONVERSIONS.takes


def convert_layer(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Add the nodes that do what a Keras layer does when it is not training.

    Raises:
        NotConvertedError: with the reason, in words that follow "layer NAME (CLASS)".
    """
    return CONVERSIONS.of(layer)(graph, layer, inputs)


def rank_of(layer: Any) -> int:
    """How many axes the layer's input has."""
    return len(layer.get_build_config()["input_shape"])
