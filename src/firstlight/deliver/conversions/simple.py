"""Dense layers, and layers that work on each number: activations, dropout, preparation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.deliver.conversions.activations import activated, clipped, over_channels
from firstlight.deliver.conversions.registry import NotConvertedError, converts
from firstlight.deliver.onnx_graph import OnnxGraph, Value
from firstlight.training.lowered import array_of

# What these do, they do while training only.
IDLE = (
    "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise Identity "
    "RandomBrightness RandomContrast RandomFlip RandomRotation RandomTranslation RandomZoom "
    "SpatialDropout1D SpatialDropout2D SpatialDropout3D StochasticDepth"
).split()


@converts(*IDLE)
def idle(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """A layer that leaves images alone outside of training."""
    return inputs[0]


@converts("Dense")
def dense(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Dense` on any rank, without quantisation or low-rank adaptation."""
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
        raise NotConvertedError("is quantised or has low-rank weights")
    out = graph.add("MatMul", graph.last(inputs[0]), graph.weight(layer.kernel))
    if layer.bias is not None:
        out = graph.add("Add", out, graph.weight(layer.bias))
    return activated(graph, out, layer)


@converts("Activation")
def activation(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Activation`."""
    return activated(graph, inputs[0], layer)


@converts("ReLU")
def relu(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`ReLU` with its three options."""
    x, top = inputs[0], layer.max_value
    slope, threshold = float(layer.negative_slope), float(layer.threshold)
    if not slope and not threshold:
        return graph.add("Relu", x) if top is None else clipped(0.0, top)(graph, x)
    edge = graph.constant(threshold)
    below = graph.add("Mul", graph.add("Sub", x, edge), graph.constant(slope))
    above = x if top is None else clipped(None, top)(graph, x)
    return graph.add("Where", graph.add("Less", x, edge), below, above)


@converts("LeakyReLU")
def leaky_relu(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`LeakyReLU`."""
    return graph.add("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))


@converts("ELU")
def elu(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`ELU`."""
    return graph.add("Elu", inputs[0], alpha=float(layer.alpha))


@converts("PReLU")
def parametric_relu(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`PReLU`: the slope for negative values is learned."""
    return graph.add("PRelu", graph.last(inputs[0]), graph.weight(layer.alpha))


@converts("Softmax")
def softmax(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Softmax` over the last axis."""
    if layer.axis != -1:
        raise NotConvertedError("is a softmax over an axis other than the last")
    return over_channels("Softmax")(graph, inputs[0])


@converts("LayerScale")
def channel_scale(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`LayerScale` of Keras's ConvNeXt: a learned factor for each channel."""
    return graph.add("Mul", graph.last(inputs[0]), graph.weight(layer.gamma))


@converts("Rescaling")
def rescaling(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Rescaling` by numbers, or by arrays that fit Keras's last axes."""
    out = _scaled(graph, "Mul", inputs[0], layer.scale)
    return _scaled(graph, "Add", out, layer.offset) if np.any(layer.offset) else out


@converts("Normalization")
def normalization(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Normalization` over any axes, forth or back, with mean and variance given or adapted."""
    mean = array_of(layer.mean)
    # Keras divides by max(sqrt(variance), epsilon), epsilon = 1e-7.
    spread = np.maximum(np.sqrt(array_of(layer.variance).astype(np.float64)), 1e-7)
    if layer.invert:
        return _scaled(graph, "Add", _scaled(graph, "Mul", inputs[0], spread), mean)
    return _scaled(graph, "Div", _scaled(graph, "Sub", inputs[0], mean), spread)


def _scaled(graph: OnnxGraph, kind: str, x: Value, by: Any) -> Value:
    array: NDArray[Any] = np.asarray(by, np.float32)
    if array.size == 1:  # the same in any order of axes
        return graph.add(kind, x, graph.constant(array.reshape(())))
    return graph.add(kind, graph.last(x), graph.constant(array))
