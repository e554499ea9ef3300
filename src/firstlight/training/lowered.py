"""What every lowered layer is: a torch module that knows where each of its tensors came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True)
class Binding:
    """A Keras variable and the torch tensor that trains in its place.

    Attributes:
        attribute: the tensor's name in its module.
        variable: the Keras variable.
        axes: the order in which the Keras array's axes come in the tensor, or None.
    """

    attribute: str
    variable: Any
    axes: tuple[int, ...] | None


@dataclass(frozen=True)
class Weight:
    """A torch parameter that trains, and where it came from.

    Attributes:
        tensor: the parameter.
        variable: the Keras variable.
        axes: the order in which the Keras array's axes come in the tensor, or None.
    """

    tensor: nn.Parameter
    variable: Any
    axes: tuple[int, ...] | None


class Lowered(nn.Module):
    """A torch module made from a Keras layer."""

    def __init__(self) -> None:
        super().__init__()
        self.bindings: list[Binding] = []
        self.regularised: list[tuple[str, float, float]] = []

    def bind(
        self,
        attribute: str,
        variable: Any,
        axes: tuple[int, ...] | None = None,
        regularizer: Any = None,
    ) -> None:
        """Copy a Keras variable into a parameter (a buffer, if it does not train; None as None)."""
        if variable is None:
            self.register_parameter(attribute, None)
            return
        layout = torch.channels_last if variable.ndim == 4 else torch.contiguous_format
        # A copy always: Keras's own array must not move while the network trains.
        tensor = turned(array_of(variable), axes).clone(memory_format=layout)
        if variable.trainable:
            self.register_parameter(attribute, nn.Parameter(tensor))
        else:
            self.register_buffer(attribute, tensor)
        self.bindings.append(Binding(attribute, variable, axes))
        if regularizer is not None and variable.trainable:
            strength = regularizer.get_config()
            l1, l2 = float(strength.get("l1", 0.0)), float(strength.get("l2", 0.0))
            self.regularised.append((attribute, l1, l2))

    def penalties(self) -> Iterator[Tensor]:
        """The L1 and L2 regularisers on this layer's weights."""
        for attribute, l1, l2 in self.regularised:
            weight = getattr(self, attribute)
            if l1:
                yield l1 * weight.abs().sum()
            if l2:
                yield l2 * weight.square().sum()

    def weights(self) -> Iterator[Weight]:
        """The parameters that train, with the Keras variables that they came from."""
        for binding in self.bindings:
            tensor = getattr(self, binding.attribute)
            if isinstance(tensor, nn.Parameter):
                yield Weight(tensor, binding.variable, binding.axes)

    def write_back(self) -> None:
        """Copy every tensor into the Keras variable that it came from."""
        for binding in self.bindings:
            tensor = getattr(self, binding.attribute)
            binding.variable.assign(turned_back(tensor, binding.axes))

    @torch.no_grad()
    def read(self) -> None:
        """Copy every Keras variable into its tensor."""
        for binding in self.bindings:
            tensor = getattr(self, binding.attribute)
            tensor.copy_(turned(array_of(binding.variable), binding.axes))


def turned(array: NDArray[Any], axes: tuple[int, ...] | None) -> Tensor:
    """An array of Keras as a tensor with its axes in that order; memory may be shared."""
    # JAX's arrays are read-only, and torch warns of those.
    tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
    return tensor if axes is None else tensor.permute(axes)


def turned_back(tensor: Tensor, axes: tuple[int, ...] | None) -> NDArray[Any]:
    """A tensor as an array with its axes as Keras has them; always a copy."""
    if axes is not None:
        tensor = tensor.permute([axes.index(axis) for axis in range(len(axes))])
    # torch turns the axes several times faster than NumPy.
    array: NDArray[Any] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format).numpy()
    return array


def array_of(variable: Any) -> NDArray[Any]:
    """The numbers of a Keras variable or tensor of any backend."""
    from keras import ops

    # Not variable.numpy(): Keras 3.15 warns there with NumPy 2.4.
    array: NDArray[Any] = ops.convert_to_numpy(getattr(variable, "value", variable))
    return array
