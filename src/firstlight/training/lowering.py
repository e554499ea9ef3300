"""Keras model in, torch network out, weights back; docs/engine.md says what must come out right."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from firstlight.core.errors import ModelError
from firstlight.models.graph import Call, Graph, graph_of, is_plain
from firstlight.models.graph import Tensor as Place
from firstlight.training.keras_layer import KerasLayer
from firstlight.training.lowered import Lowered, Weight
from firstlight.training.lowerings import NotLoweredError, lower_layer, lower_operation
from firstlight.training.steps import Step, cut_heads, pool_before_relu, with_releases
from firstlight.training.tensors import channels_first, channels_last

# The only classes whose configuration says everything that they do.


class Item(nn.Module):
    """One of the answers of a layer that has several."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, answers: Tensor | tuple[Tensor, ...]) -> Tensor:
        """The answer of that number; a single tensor is its own first."""
        return answers[self.number] if isinstance(answers, tuple) else answers


class Network(nn.Module):
    """A Keras model as a torch network.

    Attributes:
        heads: for each output the activation at its end, `softmax`, `sigmoid` or `linear`;
            `forward` stops before it.
        in_keras: one line for each layer that runs as Keras's own, slower layer, and why.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        graph = _readable(model)
        self.name = str(model.name)
        self.parts = nn.ModuleList()
        self.in_keras: list[str] = []
        self._parts_of: dict[int, list[int]] = {}
        self._inputs = len(graph.inputs)
        self._arrange(graph, *self._walk(graph))

    @property
    def head(self) -> str:
        """The head of a model with one output."""
        return self.heads[0]

    def forward(self, *inputs: Tensor) -> Any:
        """Logits (or values) of a batch of inputs of any type.

        Args:
            inputs: one tensor for each of the model's inputs, `(N, H, W, C)` for images.

        Returns:
            One tensor, `(N, outputs)` for most models, before the softmax or sigmoid at the end
            if there is one; a tuple of them for a model with several outputs.
        """
        values = self._received(inputs)
        for step in self._steps:
            arguments = [values[key] for key in step.inputs]
            values[step.output] = self.parts[step.part](*arguments)
            for key in step.finished:
                del values[key]
        answers = tuple(channels_last(values[key]) for key in self._answers)
        return answers if len(answers) > 1 else answers[0]

    def answers(self, logits: Any) -> Any:
        """What the Keras model answers: the logits after the activation at the end.

        Args:
            logits: what `forward` gave: a tensor, or a tuple for a model with several outputs.
        """
        if isinstance(logits, tuple):
            return tuple(_answered(*pair) for pair in zip(self.heads, logits, strict=True))
        return _answered(self.head, logits)

    def penalty(self) -> Tensor | None:
        """The sum of all weight regularisers, or None where there are none."""
        total: Tensor | None = None
        for part in self._with_weights():
            for term in part.penalties():
                total = term if total is None else total + term
        return total

    def weights(self) -> list[Weight]:
        """The parameters that train, in the order of `parameters()`."""
        sources = {
            id(weight.tensor): weight for part in self._with_weights() for weight in part.weights()
        }
        return [sources[id(tensor)] for tensor in self.parameters() if tensor.requires_grad]

    def write_back(self) -> None:
        """Copy weights and moving statistics into the Keras model's variables."""
        for part in self._with_weights():
            part.write_back()

    def read(self) -> None:
        """Copy the Keras model's variables into weights and moving statistics."""
        for part in self._with_weights():
            part.read()

    def require_single(self, inputs: int = 1) -> None:
        """Refuse a model that `firstlight train` cannot train.

        Args:
            inputs: how many it has to have: the image, and the numbers beside it if there are any.

        Raises:
            ModelError: it has others, or several outputs.
        """
        require_single(self.name, self._inputs, len(self.heads), inputs)

    def _received(self, inputs: tuple[Tensor, ...]) -> dict[int, Tensor]:
        """The inputs by number, in the type of the weights."""
        weights = (tensor.dtype for tensor in self.parameters() if tensor.is_floating_point())
        wide = next(weights, torch.float32)
        return {number: channels_first(x).to(wide) for number, x in enumerate(inputs)}

    def _with_weights(self) -> list[Lowered | KerasLayer]:
        return [part for part in self.parts if isinstance(part, Lowered | KerasLayer)]

    def _arrange(self, graph: Graph, steps: list[Step], made: dict[tuple[int, int], int]) -> None:
        """Bring the steps into the order that is fastest."""
        answers = [made[place.call, place.output] for place in graph.outputs]
        self.heads, ends = cut_heads(steps, list(self.parts), answers, self._inputs)
        self._answers = tuple(ends)
        self._steps = with_releases(pool_before_relu(steps, list(self.parts), ends), ends)

    def _walk(self, graph: Graph) -> tuple[list[Step], dict[tuple[int, int], int]]:
        """One step for each module that a call needs, and the tensor of each (call, output).

        Tensors are numbered as they are made, the model's inputs first.
        """
        steps: list[Step] = []
        made = {(call, 0): number for number, call in enumerate(graph.inputs)}

        def add(part: int, inputs: tuple[int, ...]) -> int:
            steps.append(Step(part, inputs, self._inputs + len(steps)))
            return steps[-1].output

        def find(place: Place) -> int:
            """The tensor of a place; one of several answers is taken out where it is needed."""
            key = (place.call, place.output)
            if key not in made:
                self.parts.append(Item(place.output))
                made[key] = add(len(self.parts) - 1, (several[place.call],))
            return made[key]

        several: dict[int, int] = {}
        for number, call in enumerate(graph.calls):
            if call.layer is None:
                continue
            inputs = tuple(find(place) for place in call.tensors)
            parts = self._parts(call)
            for part in parts:
                inputs = (add(part, inputs),)
            if getattr(self.parts[parts[-1]], "several", False):
                several[number] = inputs[0]
            else:
                made[number, 0] = inputs[0]
        for place in graph.outputs:
            find(place)
        return steps, made

    def _parts(self, call: Call) -> list[int]:
        """Positions in `parts` of the modules that do what a layer does, made once a layer."""
        layer = call.layer
        if id(layer) not in self._parts_of:
            try:
                modules = _lowered(call)
            except NotLoweredError as reason:
                self.in_keras.append(_named(call, reason))
                modules = [KerasLayer(call)]
            start = len(self.parts)
            self.parts.extend(modules)
            self._parts_of[id(layer)] = list(range(start, len(self.parts)))
        return self._parts_of[id(layer)]


def lower(model: Any) -> Network:
    """The torch network of a built Keras model, with the same weights.

    Args:
        model: a Keras model of any backend. One with code of its own runs whole as Keras's own,
            which takes the torch backend.

    Returns:
        The network; layers without a lowering run inside it as Keras's own, and are
        named in `in_keras`.

    Raises:
        ModelError: the model is not built, or needs Keras's own layers on another backend.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
        >>> lower(model)(torch.zeros(2, 4, 4, 1)).shape
        torch.Size([2, 16])
    """
    return Network(model)


def not_lowered(model: Any) -> list[str]:
    """What of a model has no lowering, so that Keras itself has to run it.

    Args:
        model: a built Keras model of any backend.

    Returns:
        One line for each such layer, or for the model as a whole, naming it and the reason; none
        where everything is lowered. One layer's weights are copied at a time.

    Raises:
        ModelError: the model is not built.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> model = keras.Sequential([keras.Input((8, 2)), keras.layers.GRU(3, name="memory")])
        >>> not_lowered(model)
        ['layer memory (GRU) is of a kind that has no lowering']
    """
    lines: dict[int, str] = {}
    seen: set[int] = set()
    for call in _readable(model).calls:
        if call.layer is None or id(call.layer) in seen:
            continue
        seen.add(id(call.layer))
        try:
            _lowered(call)
        except NotLoweredError as reason:
            lines[id(call.layer)] = _named(call, reason)
    return list(lines.values())


def require_single(name: str, inputs: int, outputs: int, wanted: int) -> None:
    """Refuse a model that `firstlight train` cannot train; see `Network.require_single`."""
    if inputs != wanted or outputs != 1:
        beside = " and the numbers beside it" if wanted == 2 else ""
        raise ModelError(
            f"{name} has {inputs} inputs and {outputs} outputs: training takes a model with one "
            f"image{beside} in and one answer out."
        )


def _lowered(call: Call) -> list[nn.Module]:
    if _is_model(call.layer):
        plain = is_plain(call.layer)
        reason = "masks time steps" if plain else "is a model with code of its own"
        raise NotLoweredError(reason)
    if type(call.layer).__module__.startswith("keras.src.ops."):
        return lower_operation(call)
    # Keras itself overrides a recorded `training` with that of the whole model.
    if any(value is not None for key, value in call.keywords.items() if key != "training"):
        raise NotLoweredError("is called with options")
    if not all(_is_tensors(argument) for argument in call.arguments):
        raise NotLoweredError("is called with numbers")
    return lower_layer(call.layer)


def _named(call: Call, reason: NotLoweredError) -> str:
    kind = "model" if _is_model(call.layer) else "layer"
    return f"{kind} {call.name} ({type(call.layer).__name__}) {reason}"


def _answered(head: str, logits: Tensor) -> Tensor:
    # Half the width is for products of matrices, not for probabilities.
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if head == "softmax":
        return torch.softmax(wide, -1)
    return torch.sigmoid(wide) if head == "sigmoid" else wide


def _readable(model: Any) -> Graph:
    """The calls of a model: of its layers, or one call of the whole model."""
    if not model.built:
        raise ModelError(
            f"{model.name} does not know its input shape yet: begin it with keras.Input(shape)."
        )
    if not is_plain(model):
        return _whole(model)
    graph = graph_of(model)
    # Keras hands masks on beside the tensors, from layer to layer.
    return _whole(model) if any(_masks(call.layer) for call in graph.calls) else graph


def _whole(model: Any) -> Graph:
    """A model as one call, for Keras to run."""
    from keras import KerasTensor, tree

    shapes = getattr(model, "input_shape", None) if is_plain(model) else None
    shapes = shapes or (model.get_build_config() or {}).get("input_shape")
    if shapes is None:
        raise ModelError(
            f"{model.name} has code of its own and does not know its input shape: call it once on "
            "a batch of the data before it is trained."
        )
    inputs: list[Place] = []

    def place(shape: Any) -> Place:
        inputs.append(Place(len(inputs)))
        return inputs[-1]

    argument = tree.map_shape_structure(place, shapes)
    outputs = getattr(model, "outputs", None)
    if outputs is None:
        symbols = tree.map_shape_structure(KerasTensor, shapes)
        outputs = tree.flatten(model.compute_output_spec(symbols))
    count = len(inputs)
    calls = [Call(f"input {number}", None) for number in range(count)]
    return Graph(
        (*calls, Call(model.name, model, (argument,))),
        tuple(range(count)),
        tuple(Place(count, number) for number in range(len(outputs))),
    )


def _masks(layer: Any) -> bool:
    return type(layer).__name__ == "Masking" or bool(getattr(layer, "mask_zero", False))


def _is_model(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.Model)


def _is_tensors(argument: Any) -> bool:
    """Whether an argument is a tensor or a list of them, and nothing else."""
    if isinstance(argument, list):
        return all(isinstance(item, Place) for item in argument)
    return isinstance(argument, Place)
