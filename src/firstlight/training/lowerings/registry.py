"""Which Keras layer classes can be lowered, and by which function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from firstlight.models.by_kind import ByKind

Lowering = Callable[[Any], list[nn.Module]]
REGULARISERS = ("L1", "L2", "L1L2", "NoneType")


class NotLoweredError(Exception):
    """This layer, or this option of it, has no lowering: Keras's own layer runs in its place."""


LOWERINGS = ByKind[Lowering](NotLoweredError, "is of a kind that has no lowering")
lowers = LOWERINGS.takes


def lower_layer(layer: Any) -> list[nn.Module]:
    """The torch modules, to be run one after the other, that do what a Keras layer does.

    Raises:
        NotLoweredError: with the reason, in words that follow "layer NAME (CLASS)".
    """
    lowering = LOWERINGS.of(layer)
    if getattr(layer, "activity_regularizer", None) is not None:
        raise NotLoweredError("has an activity regulariser")
    for name, value in vars(layer).items():
        if name.endswith("_regularizer") and type(value).__name__ not in REGULARISERS:
            raise NotLoweredError(f"has the regulariser {type(value).__name__}")
    try:
        return lowering(layer)
    except KeyError as unknown:
        raise NotLoweredError(f"has the activation {unknown.args[0]}") from None


def with_activation(module: nn.Module, layer: Any) -> list[nn.Module]:
    """The module, followed by the layer's `activation` where it has one."""
    from firstlight.training.activations import activation

    function = activation(layer.activation)
    return [module] if function is None else [module, function]
