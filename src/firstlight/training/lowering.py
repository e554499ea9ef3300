"""Keras model in, torch network out, weights back; docs/engine.md says what must come out right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from firstlight.core.errors import ModelError
from firstlight.models.graph import Call, calls_of
from firstlight.models.graph import Tensor as Place
from firstlight.training.activations import Activation
from firstlight.training.lowered import Lowered, Weight
from firstlight.training.lowerings import NotLoweredError, lower_layer, lower_operation
from firstlight.training.steps import Step, pool_before_relu, with_releases
from firstlight.training.tensors import channels_first, channels_last

# Activations that are cut off the end and folded into the loss, which is exact on logits.
HEADS = ("softmax", "sigmoid")
# The number of the images among the tensors that the steps make.
IMAGES = 0


class Network(nn.Module):
    """A Keras model as a torch network.

    Attributes:
        head: the activation at the end, `softmax`, `sigmoid` or `linear`; `forward` stops
            before it.
        in_keras: one line for each layer that runs as Keras's own, slower layer, and why.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        calls = _readable(model)
        self.parts = nn.ModuleList()
        self.in_keras: list[str] = []
        self._parts_of: dict[int, list[int]] = {}
        steps = self._walk(calls)
        self._answer = steps[-1].output if steps else IMAGES
        self.head = self._cut_head(steps)
        self._steps = with_releases(pool_before_relu(steps, list(self.parts)), self._answer)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (or values) of `(N, H, W, C)` images of any type.

        Returns:
            `(N, outputs)` before the softmax or sigmoid at the end, if there is one.
        """
        values = {IMAGES: channels_first(images).float()}
        for step in self._steps:
            arguments = [values[key] for key in step.inputs]
            values[step.output] = self.parts[step.part](*arguments)
            for key in step.finished:
                del values[key]
        return channels_last(values[self._answer])

    def answers(self, logits: Tensor) -> Tensor:
        """What the Keras model answers: the logits after the activation at the end."""
        if self.head == "softmax":
            return torch.softmax(logits.float(), -1)
        return torch.sigmoid(logits.float()) if self.head == "sigmoid" else logits.float()

    def penalty(self) -> Tensor | None:
        """The sum of all weight regularisers, or None where there are none."""
        total: Tensor | None = None
        for part in self.parts:
            for term in _penalties(part):
                total = term if total is None else total + term
        return total

    def weights(self) -> list[Weight]:
        """The weights that train, in the order of `parameters()`."""
        found: dict[int, Weight] = {}
        for part in self.modules():
            if isinstance(part, Lowered):
                for binding in part.bindings:
                    tensor = getattr(part, binding.attribute)
                    found[id(tensor)] = Weight(tensor, binding.variable, binding.axes)
            elif isinstance(part, KerasLayer):
                for variable in part.layer.trainable_variables:
                    found[id(variable.value)] = Weight(variable.value, variable, None)
        return [found[id(tensor)] for tensor in self.parameters() if tensor.requires_grad]

    def write_back(self) -> None:
        """Copy weights and moving statistics into the Keras model's variables."""
        for part in self.parts:
            if isinstance(part, Lowered):
                part.write_back()

    def _walk(self, calls: Sequence[Call]) -> list[Step]:
        """One step for each module that a call needs; tensors are numbered as they are made."""
        steps: list[Step] = []
        made: dict[int, int] = {}
        for number, call in enumerate(calls):
            if call.layer is None:
                made[number] = IMAGES
                continue
            inputs = tuple(made[source] for source in call.inputs)
            for part in self._parts(call):
                steps.append(Step(part, inputs, len(steps) + 1))
                inputs = (len(steps),)
            made[number] = len(steps)
        return steps

    def _parts(self, call: Call) -> list[int]:
        """Positions in `parts` of the modules that do what a layer does, made once a layer."""
        layer = call.layer
        if id(layer) not in self._parts_of:
            try:
                modules = _lowered(call)
            except NotLoweredError as reason:
                self.in_keras.append(f"layer {call.name} ({type(layer).__name__}) {reason}")
                modules = [KerasLayer(call)]
            start = len(self.parts)
            self.parts.extend(modules)
            self._parts_of[id(layer)] = list(range(start, len(self.parts)))
        return self._parts_of[id(layer)]

    def _cut_head(self, steps: list[Step]) -> str:
        """Take a softmax or sigmoid off the end; its name, or `linear`."""
        last = self.parts[steps[-1].part] if steps else None
        if isinstance(last, Activation) and last.name in HEADS and len(steps) > 1:
            self._answer = steps.pop().inputs[0]
            return last.name
        return "linear"


class KerasLayer(nn.Module):
    """A Keras layer that has no lowering, run by Keras itself on the torch backend."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        import keras

        if keras.backend.backend() != "torch":
            raise ModelError(
                f"layer {call.layer.name} ({type(call.layer).__name__}) has no lowering, and Keras "
                f"runs on {keras.backend.backend()}: set KERAS_BACKEND=torch to train this model."
            )
        # On the torch backend a Keras layer is a torch module: its weights train with the others.
        self.layer = call.layer
        self.arguments = call.arguments
        self.keywords = call.keywords
        self.accepts_training = "training" in getattr(call.layer, "_call_arg_names", ())

    def forward(self, *inputs: Tensor) -> Tensor:
        """The layer's own call on Keras's order of axes."""
        waiting = iter([channels_last(x).contiguous() for x in inputs])
        arguments = [_filled(argument, waiting) for argument in self.arguments]
        keywords = {key: _filled(value, waiting) for key, value in self.keywords.items()}
        if self.accepts_training:
            keywords["training"] = self.training
        out: Tensor = self.layer(*arguments, **keywords)
        return channels_first(out)


def lower(model: Any) -> Network:
    """The torch network of a built Keras model, with the same weights.

    Args:
        model: a Sequential or Functional model of any backend, one image in, one answer out.

    Returns:
        The network; layers without a lowering run inside it as Keras's own, and are
        named in `in_keras`.

    Raises:
        ModelError: the model is not built, has code of its own, or several inputs.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
        >>> lower(model)(torch.zeros(2, 4, 4, 1)).shape
        torch.Size([2, 16])
    """
    return Network(model)


def _lowered(call: Call) -> list[nn.Module]:
    # Keras itself overrides a recorded `training` with that of the whole model.
    if any(value is not None for key, value in call.keywords.items() if key != "training"):
        raise NotLoweredError("is called with options")
    if type(call.layer).__module__.startswith("keras.src.ops."):
        return lower_operation(call)
    if not all(_is_tensors(argument) for argument in call.arguments):
        raise NotLoweredError("is called with numbers")
    return lower_layer(call.layer)


def _penalties(part: nn.Module) -> Iterator[Tensor]:
    if isinstance(part, Lowered):
        yield from part.penalties()
    elif isinstance(part, KerasLayer):
        yield from getattr(part.layer, "losses", ())


def _readable(model: Any) -> tuple[Call, ...]:
    """The calls of a model that has one image in and one answer out."""
    kind = type(model).__name__
    if kind not in ("Sequential", "Functional"):
        raise ModelError(
            f"{model.name} is a {kind} with code of its own, so its layers cannot be read off: "
            "write it as a Sequential or Functional model."
        )
    if not model.built:
        raise ModelError(
            f"{model.name} does not know its input shape yet: begin it with keras.Input(shape)."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"{model.name} has {len(model.inputs)} inputs and {len(model.outputs)} outputs: "
            "training takes a model with one image in and one answer out."
        )
    return calls_of(model)


def _is_tensors(argument: Any) -> bool:
    """Whether an argument is a tensor or a list of them, and nothing else."""
    if isinstance(argument, list):
        return all(isinstance(item, Place) for item in argument)
    return isinstance(argument, Place)


def _filled(argument: Any, waiting: Iterator[Tensor]) -> Any:
    """The argument with each tensor's place taken by the next tensor."""
    if isinstance(argument, Place):
        return next(waiting)
    if isinstance(argument, list):
        return [_filled(item, waiting) for item in argument]
    return argument
