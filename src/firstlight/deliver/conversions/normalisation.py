"""Normalisations, with the statistics that training left."""

from __future__ import annotations

from typing import Any

import numpy as np

from firstlight.deliver.conversions.registry import NotConvertedError, converts, rank_of
from firstlight.deliver.onnx_graph import OnnxGraph, Value, integers


@converts("BatchNormalization")
def batch_normalization(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`BatchNormalization` over the channels, or over another axis."""
    count = layer.moving_mean.shape[0]
    scale = graph.weight(layer.gamma) if layer.scale else graph.constant(np.ones(count))
    shift = graph.weight(layer.beta) if layer.center else graph.constant(np.zeros(count))
    return graph.add(
        "BatchNormalization",
        graph.first(inputs[0], rank_of(layer), layer.axis),
        scale,
        shift,
        graph.weight(layer.moving_mean),
        graph.weight(layer.moving_variance),
        epsilon=float(layer.epsilon),
    )


@converts("LayerNormalization")
def layer_normalization(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`LayerNormalization` over one or several of Keras's axes."""
    rank = rank_of(layer)
    axes = _axes(layer, rank)
    if getattr(layer, "rms_scaling", False) or axes != sorted(axes):
        raise NotConvertedError("scales by the root mean square or has axes out of their order")
    others = [axis for axis in range(rank) if axis not in axes]
    # Its weights have the shape of the axes, which have to come last.
    x = graph.turned(inputs[0], (*others, *axes))
    sizes = [layer.get_build_config()["input_shape"][axis] for axis in axes]
    scale = graph.weight(layer.gamma) if layer.scale else graph.constant(np.ones(sizes))
    shift = [graph.weight(layer.beta)] if layer.center else []
    epsilon = float(layer.epsilon)
    return graph.add("LayerNormalization", x, scale, *shift, axis=len(others), epsilon=epsilon)


@converts("GroupNormalization")
def group_normalization(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`GroupNormalization` on any rank."""
    rank = rank_of(layer)
    x = graph.first(inputs[0], rank, layer.axis)
    channels = layer.get_build_config()["input_shape"][layer.axis]
    groups = channels if layer.groups == -1 else layer.groups
    grouped = graph.add("Reshape", x, graph.constant(integers([0, groups, -1])))
    plain = graph.add(
        "InstanceNormalization",
        grouped,
        graph.constant(np.ones(groups)),
        graph.constant(np.zeros(groups)),
        epsilon=float(layer.epsilon),
    )
    out = Value(graph.add("Reshape", plain, graph.add("Shape", x).name).name, x.order)
    along = graph.constant(integers([channels] + [1] * (rank - 2)))
    gamma, beta = layer.gamma if layer.scale else None, layer.beta if layer.center else None
    for kind, weight in (("Mul", gamma), ("Add", beta)):
        if weight is not None:
            out = graph.add(kind, out, graph.add("Reshape", graph.weight(weight), along))
    return out


@converts("UnitNormalization")
def unit_normalization(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`UnitNormalization`: of length 1 along some of Keras's axes."""
    x = graph.last(inputs[0])
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    length = graph.add("ReduceL2", x, graph.constant(integers(axes)), keepdims=1)
    # Keras's smallest length for this layer.
    return graph.add("Div", x, graph.add("Max", length, graph.constant(1e-12)))


def _axes(layer: Any, rank: int) -> list[int]:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return [int(axis) % rank for axis in axes]
