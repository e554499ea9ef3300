"""Keras's own layer as a part of a torch network, for what has no lowering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from firstlight.core.errors import ModelError
from firstlight.models.graph import Call
from firstlight.models.graph import Tensor as Place
from firstlight.training.lowered import Weight
from firstlight.training.tensors import channels_first, channels_last


class KerasLayer(nn.Module):
    """A Keras layer, or a whole model with code of its own, run by Keras on the torch backend."""

    several = True

    def __init__(self, call: Call) -> None:
        super().__init__()
        import keras

        if keras.backend.backend() != "torch":
            raise ModelError(
                f"{call.name} ({type(call.layer).__name__}) has no lowering, and Keras runs on "
                f"{keras.backend.backend()}: set KERAS_BACKEND=torch to train this model."
            )
        # On the torch backend a Keras layer is a torch module: its weights train with the others.
        self.layer = call.layer
        self.arguments = call.arguments
        self.keywords = call.keywords
        # An operation such as `keras.ops.sum` knows no difference.
        self.knows_training = isinstance(call.layer, keras.layers.Layer)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The layer's own call on Keras's order of axes."""
        from keras import tree

        waiting = iter([channels_last(x).contiguous() for x in inputs])
        arguments = _filled(self.arguments, waiting)
        keywords = _filled(self.keywords, waiting)
        if self.knows_training:
            keywords["training"] = self.training
        out = self.layer(*arguments, **keywords)
        if isinstance(out, Tensor):
            return channels_first(out)
        return tuple(channels_first(x) for x in tree.flatten(out))

    def weights(self) -> Iterator[Weight]:
        """The variables that train, which are torch parameters already."""
        for variable in getattr(self.layer, "trainable_variables", ()):
            yield Weight(variable.value, variable, None)

    def penalties(self) -> Iterator[Tensor]:
        """What the layer adds to the loss."""
        yield from getattr(self.layer, "losses", ())

    def write_back(self) -> None:
        """Nothing: the weights are Keras's own."""

    def read(self) -> None:
        """Nothing: the weights are Keras's own."""


def _filled(value: Any, waiting: Iterator[Tensor]) -> Any:
    """A call's arguments with each tensor's place taken by the next tensor."""
    if isinstance(value, Place):
        return next(waiting)
    if isinstance(value, list | tuple):
        return [_filled(item, waiting) for item in value]
    if isinstance(value, dict):
        return {key: _filled(value[key], waiting) for key in sorted(value)}
    return value
