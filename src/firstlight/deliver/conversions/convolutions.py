"""Convolutions: kernels go from `(sizes, in, out)` to `(out, in, sizes)`."""

from __future__ import annotations

from typing import Any

from firstlight.deliver.conversions.activations import activated
from firstlight.deliver.conversions.registry import converts
from firstlight.deliver.onnx_graph import OnnxGraph, Value
from firstlight.training.lowered import array_of
from firstlight.training.lowerings.convolutions import channels_to_front


@converts("Conv1D", "Conv2D", "Conv3D")
def convolution(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Conv1D` to `Conv3D` with stride, dilation, groups, `same`, `valid` and `causal`."""
    weight = graph.weight(layer.kernel, channels_to_front(layer.kernel))
    out = _convolved(graph, layer, inputs[0], weight, layer.groups, layer.bias)
    return activated(graph, out, layer)


@converts("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise_convolution(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """One or several filters for each channel."""
    return activated(graph, _depthwise(graph, layer, inputs[0], layer.kernel, layer.bias), layer)


@converts("SeparableConv1D", "SeparableConv2D")
def separable_convolution(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Filters for each channel, then a mixture of the channels."""
    each = _depthwise(graph, layer, inputs[0], layer.depthwise_kernel, None)
    kernel = layer.pointwise_kernel
    weight = graph.weight(kernel, channels_to_front(kernel))
    mixed = graph.add("Conv", each, weight, *_bias(graph, layer.bias))
    return activated(graph, mixed, layer)


@converts("Conv1DTranspose", "Conv2DTranspose")
def transposed_convolution(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Transposed convolutions with stride, dilation and output padding."""
    kernel = layer.kernel
    # Keras keeps (sizes, out, in), ONNX wants (in, out, sizes).
    weight = graph.weight(kernel, channels_to_front(kernel))
    extra = layer.output_padding
    extras = extra if isinstance(extra, list | tuple) else [extra] * layer.rank
    befores, afters, missing = [], [], []
    for size, stride, dilation, extra in zip(
        layer.kernel_size, layer.strides, layer.dilation_rate, extras, strict=True
    ):
        cut = _cut((size - 1) * dilation + 1, stride, extra, same=layer.padding == "same")
        # Of what is cut off, the smaller half goes before.
        befores.append(max(cut, 0) // 2)
        afters.append(max(cut, 0) - max(cut, 0) // 2)
        missing.append(max(-cut, 0))
    out = graph.add(
        "ConvTranspose",
        graph.first(inputs[0], layer.rank + 2),
        weight,
        *_bias(graph, layer.bias),
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        pads=[*befores, *afters],
        output_padding=missing,
    )
    return activated(graph, out, layer)


def _cut(reach: int, stride: int, extra: int | None, *, same: bool) -> int:
    """How much longer the full output is than Keras's (negative: shorter).

    Source: Keras's documentation of `output_padding`, Conv2DTranspose.
    """
    if same:
        return reach - stride if extra is None else reach - reach % 2 - extra
    return min(reach - stride, 0) if extra is None else -extra


def _depthwise(graph: OnnxGraph, layer: Any, x: Value, kernel: Any, bias: Any) -> Value:
    # Keras's kernel is (sizes, channels, multiplier), its filters counted channel by channel.
    rank = len(kernel.shape)
    array = array_of(kernel).transpose(rank - 2, rank - 1, *range(rank - 2))
    weight = graph.constant(array.reshape(-1, 1, *array.shape[2:]), kernel.name)
    return _convolved(graph, layer, x, weight, kernel.shape[-2], bias)


def _convolved(
    graph: OnnxGraph, layer: Any, x: Value, weight: str, groups: int, bias: Any
) -> Value:
    rank = len(layer.kernel_size)
    padding = _padding(layer)
    return graph.add(
        "Conv",
        graph.first(x, rank + 2),
        weight,
        *_bias(graph, bias),
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
        group=int(groups),
        **padding,
    )


def _padding(layer: Any) -> dict[str, Any]:
    reaches = [
        (size - 1) * dilation
        for size, dilation in zip(layer.kernel_size, layer.dilation_rate, strict=True)
    ]
    if layer.padding == "causal":
        return {"pads": [reaches[0], 0]}
    if layer.padding == "valid":
        return {}
    if any(stride > 1 for stride in layer.strides):
        # How much is added depends on the size of the image.
        return {"auto_pad": "SAME_UPPER"}
    # What is odd goes after.
    return {"pads": [reach // 2 for reach in reaches] + [(reach + 1) // 2 for reach in reaches]}


def _bias(graph: OnnxGraph, bias: Any) -> list[str]:
    return [] if bias is None else [graph.weight(bias)]
