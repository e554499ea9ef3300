"""What a parameter count is: the product of an array's sizes, layer by layer."""

from __future__ import annotations

from typing import Any

from firstlight.core.opened_numbers import LayerParameters, ParameterArray
from firstlight.explain.opening import OpenModel

# What the axes of an array count, from the last one on.
AXES = {
    ("Conv2D", "kernel"): ("high", "wide", "channels in", "filters"),
    ("Conv2DTranspose", "kernel"): ("high", "wide", "filters", "channels in"),
    ("DepthwiseConv2D", "kernel"): ("high", "wide", "channels", "filters for each"),
    ("SeparableConv2D", "depthwise_kernel"): ("high", "wide", "channels", "filters for each"),
    ("SeparableConv2D", "pointwise_kernel"): ("high", "wide", "channels in", "filters"),
    ("Dense", "kernel"): ("numbers in", "units"),
    ("Dense", "bias"): ("units",),
    ("Conv2D", "bias"): ("filters",),
    ("SeparableConv2D", "bias"): ("filters",),
    ("Conv2DTranspose", "bias"): ("filters",),
}


def open_parameters(opened: OpenModel) -> tuple[LayerParameters, ...]:
    """The parameters of every layer that has any, each array as the product of its sizes.

    A layer that is called several times is counted once.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("simple", (28, 28, 1), 10, "classify"))
        >>> print(open_parameters(opened)[0].parts[0].in_words())
        kernel: 16 high × 16 wide × 1 channel in × 8 filters = 2,048
    """
    found, seen = [], set()
    for name in opened.layers:
        layer = opened.layer(name)
        if id(layer) in seen or not getattr(layer, "weights", ()):
            continue
        seen.add(id(layer))
        parts = tuple(_array(type(layer).__name__, weight) for weight in layer.weights)
        found.append(LayerParameters(name, type(layer).__name__, parts))
    return tuple(found)


def _array(kind: str, weight: Any) -> ParameterArray:
    shape = [int(size) for size in weight.shape]
    plain = ("channels",) if len(shape) == 1 else ("",) * len(shape)
    counts = AXES.get((kind, str(weight.name)), plain)
    return ParameterArray(
        str(weight.name), tuple(zip(shape, counts, strict=True)), bool(weight.trainable)
    )
