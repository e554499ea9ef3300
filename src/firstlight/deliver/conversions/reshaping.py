"""Layers that only move numbers, add zeros or repeat what is there."""

from __future__ import annotations

from typing import Any

from firstlight.deliver.conversions.registry import NotConvertedError, converts
from firstlight.deliver.onnx_graph import OnnxGraph, Value, integers

# Of what Keras calls so, for larger and for smaller images.
MODES = {"nearest": "nearest", "bilinear": "linear"}


@converts("Flatten")
def flatten(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Flatten` in Keras's order."""
    return graph.add("Flatten", graph.last(inputs[0]))


@converts("Reshape")
def reshape(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Reshape`."""
    shape = graph.constant(integers([0, *layer.target_shape]))
    return graph.add("Reshape", graph.last(inputs[0]), shape)


@converts("Permute")
def permute(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Permute`."""
    return graph.add("Transpose", graph.last(inputs[0]), perm=[0, *layer.dims])


@converts("RepeatVector")
def repeat_vector(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`RepeatVector`."""
    row = graph.add("Unsqueeze", inputs[0], graph.constant(integers([1])))
    return graph.add("Tile", row, graph.constant(integers([1, layer.n, 1])))


@converts("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Zeros around a row, an image or a volume."""
    befores, afters = zip(*_sides(layer.padding), strict=True)
    pads = graph.constant(integers([0, *befores, 0, 0, *afters, 0]))
    return graph.add("Pad", graph.last(inputs[0]), pads)


@converts("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Rows and columns cut off."""
    x = graph.last(inputs[0])
    # In ONNX a crop is negative padding.
    befores, afters = zip(*_sides(layer.cropping), strict=True)
    cut = [-side for side in (0, *befores, 0, 0, *afters, 0)]
    return graph.add("Pad", x, graph.constant(integers(cut)))


@converts("UpSampling1D", "UpSampling2D")
def up_sampling(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """Every pixel repeated, or pixels between them by bilinear interpolation."""
    interpolation = getattr(layer, "interpolation", "nearest")
    if interpolation not in MODES:
        raise NotConvertedError(f"interpolates by {interpolation}")
    size = layer.size if isinstance(layer.size, list | tuple) else [layer.size]
    scales = graph.constant([1.0, 1.0, *map(float, size)])
    return _resized(graph, graph.first(inputs[0], len(size) + 2), interpolation, scales)


@converts("Resizing")
def resizing(graph: OnnxGraph, layer: Any, inputs: list[Value]) -> Value:
    """`Resizing` by the nearest pixel or bilinear."""
    if layer.interpolation not in MODES:
        raise NotConvertedError(f"interpolates by {layer.interpolation}")
    if layer.pad_to_aspect_ratio or layer.crop_to_aspect_ratio or layer.antialias:
        raise NotConvertedError("resizes with padding, cropping or antialiasing")
    x = graph.first(inputs[0], 4)
    head = graph.add("Shape", x, end=2)
    sizes = graph.constant(integers([layer.height, layer.width]))
    both = graph.add("Concat", head.name, sizes, axis=0).name
    rounding = {"nearest_mode": "round_prefer_ceil"}
    return graph.add("Resize", x, "", "", both, mode=MODES[layer.interpolation], **rounding)


def _resized(graph: OnnxGraph, x: Value, interpolation: str, scales: str) -> Value:
    if interpolation == "nearest":
        how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return graph.add("Resize", x, "", scales, mode="nearest", **how)
    return graph.add("Resize", x, "", scales, mode="linear")


def _sides(value: Any) -> list[tuple[int, int]]:
    """Pixels before and after, for each axis of the image."""
    pairs = [value] if isinstance(value[0], int) else value
    return [(int(before), int(after)) for before, after in pairs]
