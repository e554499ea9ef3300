"""A Keras model as a torch network that hands out what each of its layers answers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from firstlight.models.graph import Call, Graph
from firstlight.training.lowering import Network
from firstlight.training.steps import Step, cut_heads
from firstlight.training.tensors import channels_last


class OpenNetwork(Network):
    """A `Network` whose layers run in the order in which they were written, none left out.

    Attributes:
        calls: the layers by name, each call of a layer under a name of its own; inputs are not
            among them, nor are layers with several answers.
        logits: the number of the tensor before the softmax or sigmoid at the end.

    Example:
        >>> import torch
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> layers = [keras.layers.Flatten(name="flat"), keras.layers.Dense(3, name="last")]
        >>> network = OpenNetwork(keras.Sequential([keras.Input((4, 4, 1)), *layers]))
        >>> values = network.run(torch.zeros(2, 4, 4, 1))
        >>> values[network.tensor_of("flat")].shape
        torch.Size([2, 16])
    """

    def _arrange(self, graph: Graph, steps: list[Step], made: dict[tuple[int, int], int]) -> None:
        answers = [made[place.call, place.output] for place in graph.outputs]
        self.heads, ends = cut_heads(list(steps), list(self.parts), answers, self._inputs)
        self._answers, self._steps = tuple(ends), steps
        self.logits = ends[0]
        self.calls: dict[str, Call] = {}
        self._tensors: dict[str, int] = {}
        self._sources: dict[str, tuple[int, ...]] = {}
        for number, call in enumerate(graph.calls):
            if call.layer is not None and (number, 0) in made:
                name = _unused(call.name, self.calls)
                self.calls[name] = call
                self._tensors[name] = made[number, 0]
                self._sources[name] = tuple(made[at.call, at.output] for at in call.tensors)

    def run(self, *inputs: Tensor) -> dict[int, Tensor]:
        """Every tensor that there is on the way from the inputs to the answer, by number.

        Args:
            inputs: as for `forward`, or tensors of floating-point numbers whose gradient is wanted.
        """
        values = self._received(inputs)
        for step in self._steps:
            arguments = [values[key] for key in step.inputs]
            values[step.output] = self.parts[step.part](*arguments)
        return values

    def tensor_of(self, layer: str) -> int:
        """The number of what a layer answers."""
        return self._tensors[layer]

    def sources_of(self, layer: str) -> tuple[int, ...]:
        """The numbers of the tensors that a layer receives."""
        return self._sources[layer]


def as_keras(tensor: Tensor) -> Any:
    """A tensor of `OpenNetwork.run` as an array with its axes in Keras's order."""
    return channels_last(tensor).detach().cpu().numpy()


def _unused(name: str, taken: dict[str, Call]) -> str:
    """The name, with a number behind it where a layer is called more than once."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free
