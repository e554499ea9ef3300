"""Which Keras layer classes can be lowered, and by which function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

Lowering = Callable[[Any], list[nn.Module]]
LOWERINGS: dict[str, Lowering] = {}
# A user's own class may have the name of one of Keras's.
REGULARISERS = ("L1", "L2", "L1L2", "NoneType")
HOMES = ("keras.src.layers.", "keras.src.applications.")


class NotLoweredError(Exception):
    """This layer, or this option of it, has no lowering: Keras's own layer runs in its place."""


def lowers(*classes: str) -> Callable[[Lowering], Lowering]:
    """Register the decorated function as the lowering of these Keras classes."""

    def register(function: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(classes, function))
        return function

    return register


def lower_layer(layer: Any) -> list[nn.Module]:
    """The torch modules, to be run one after the other, that do what a Keras layer does.

    Raises:
        NotLoweredError: with the reason, in words that follow "layer NAME (CLASS)".
    """
    kind = type(layer).__name__
    if kind not in LOWERINGS or not type(layer).__module__.startswith(HOMES):
        raise NotLoweredError("is of a kind that has no lowering")
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise NotLoweredError("has channels first")
    if getattr(layer, "activity_regularizer", None) is not None:
        raise NotLoweredError("has an activity regulariser")
    policy = getattr(getattr(layer, "dtype_policy", None), "name", "float32")
    if policy != "float32":
        raise NotLoweredError(f"computes in {policy}")
    for name, value in vars(layer).items():
        if name.endswith("_regularizer") and type(value).__name__ not in REGULARISERS:
            raise NotLoweredError(f"has the regulariser {type(value).__name__}")
    try:
        return LOWERINGS[kind](layer)
    except KeyError as unknown:
        raise NotLoweredError(f"has the activation {unknown.args[0]}") from None


def with_activation(module: nn.Module, layer: Any) -> list[nn.Module]:
    """The module, followed by the layer's `activation` where it has one."""
    from firstlight.training.activations import activation

    function = activation(layer.activation)
    return [module] if function is None else [module, function]
