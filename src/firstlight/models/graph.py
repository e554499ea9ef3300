"""The calls that a Keras model is made of, in the order in which they run.

Read from the model's configuration, which is a public format, so a model can be looked through
before any of its weights exist. Models inside models are laid out flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firstlight.core.errors import ModelError

if TYPE_CHECKING:
    import keras

FindLayer = Callable[[tuple[str, ...], Mapping[str, Any]], Any]


@dataclass(frozen=True, eq=False)
class Tensor:
    """The place of a tensor in a call's arguments: what call number `call` answers."""

    call: int


@dataclass(frozen=True, eq=False)
class Call:
    """One layer applied once.

    Attributes:
        name: the layer's name; `outer/inner` where a model holds models.
        layer: the Keras layer or operation, or None for an input of the model.
        arguments: its positional arguments, each tensor as a `Tensor`.
        keywords: its keyword arguments, in the same way.
    """

    name: str
    layer: Any
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[int, ...]:
        """The calls whose answers this one receives."""
        return tuple(_tensors([self.arguments, self.keywords]))


def calls_of(model: keras.Model) -> tuple[Call, ...]:
    """The calls of a Sequential or Functional model, each after those that it depends on.

    Args:
        model: a Keras model; a network written as a class of its own counts as one call.

    Returns:
        The calls; the model's inputs are calls whose `layer` is None.

    Raises:
        ModelError: a layer of the user's own has no `get_config`, so it could not be saved.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="last")])
        >>> [call.name for call in calls_of(model)][-1]
        'last'
    """
    try:
        config = model.get_config()
    except NotImplementedError as error:
        raise ModelError(
            "a layer of your own needs a get_config method, or the network cannot be saved: "
            "return a dictionary of its constructor's arguments from it."
        ) from error
    if "layers" not in config:
        return (Call("input", None), Call(model.name, model, (Tensor(0),)))

    def find(path: tuple[str, ...], config: Mapping[str, Any]) -> Any:
        found = model
        for name in path:
            found = next(item for item in _operations(found) if item.name == name)
        return found

    return calls_in(config, find)


def calls_in(config: Mapping[str, Any], find: FindLayer) -> tuple[Call, ...]:
    """The calls that a model's configuration describes; see `calls_of`.

    Args:
        config: `get_config()` of a Sequential or Functional model.
        find: gives the layer for its path of names and its part of the configuration.

    Raises:
        ModelError: the configuration refers to something that it does not hold.
    """
    layout = _Layout(find)
    try:
        layout.add_model(config, (), None)
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            "the network's configuration is damaged: save the network anew."
        ) from error
    return tuple(layout.calls)


def _operations(model: Any) -> list[Any]:
    """Layers, and operations on tensors such as `x * 2`, of one model."""
    return list(getattr(model, "operations", None) or model.layers)


def _tensors(value: Any) -> Iterator[int]:
    if isinstance(value, Tensor):
        yield value.call
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


@dataclass
class _Layout:
    """The calls laid out so far, and how to find their layers."""

    find: FindLayer
    calls: list[Call] = field(default_factory=list)

    def add_model(
        self, config: Mapping[str, Any], path: tuple[str, ...], received: list[int] | None
    ) -> list[int]:
        """Append the calls of one model; returns the numbers of those that are its outputs.

        `received` holds the calls whose answers the model gets: None for the outermost, which
        gets inputs.
        """
        if "input_layers" in config:
            return self._add_graph(config, path, received)
        if received is None:
            received = self._add_input("input")
        for item in config["layers"]:
            if item["class_name"] != "InputLayer":
                name = item["config"]["name"]
                received = self._add_call(item, (*path, name), (Tensor(received[0]),), {})
        return received

    def _add_graph(
        self, config: Mapping[str, Any], path: tuple[str, ...], received: list[int] | None
    ) -> list[int]:
        outputs: dict[tuple[str, int], list[int]] = {}
        for position, (name, node, _) in enumerate(_references(config["input_layers"])):
            if received is None:
                outputs[name, node] = self._add_input("/".join((*path, name)))
            else:
                outputs[name, node] = [received[position]]
        waiting = [
            (item, number, node)
            for item in config["layers"]
            for number, node in enumerate(item["inbound_nodes"])
        ]
        while waiting:
            later = []
            for item, number, node in waiting:
                wanted = list(_histories(node))
                if all((name, index) in outputs for name, index, _ in wanted):
                    arguments = tuple(_resolve(value, outputs) for value in node["args"])
                    keywords = {k: _resolve(value, outputs) for k, value in node["kwargs"].items()}
                    inner = (*path, item["name"])
                    outputs[item["name"], number] = self._add_call(item, inner, arguments, keywords)
                else:
                    later.append((item, number, node))
            if len(later) == len(waiting):
                raise KeyError("calls that wait for each other")
            waiting = later
        # Only here, Keras counts the making of a Functional model as its first call.
        made = {item["name"]: int("input_layers" in item["config"]) for item in config["layers"]}
        return [
            _pick(outputs[name, node - made[name]], index)
            for name, node, index in _references(config["output_layers"])
        ]

    def _add_input(self, name: str) -> list[int]:
        self.calls.append(Call(name, None))
        return [len(self.calls) - 1]

    def _add_call(
        self,
        item: Mapping[str, Any],
        path: tuple[str, ...],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> list[int]:
        """Append the call of one layer, or the calls of a model that is used as a layer."""
        if "layers" in item["config"]:
            return self.add_model(item["config"], path, list(_tensors(arguments)))
        self.calls.append(Call("/".join(path), self.find(path, item), arguments, keywords))
        return [len(self.calls) - 1]


def _references(value: Any) -> list[tuple[str, int, int]]:
    """`[name, node, tensor]`, or a list (or mapping) of them, as a list of tuples."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if value and isinstance(value[0], str):
        value = [value]
    return [(str(name), int(node), int(tensor)) for name, node, tensor in value]


def _histories(value: Any) -> Iterator[tuple[str, int, int]]:
    """Where each tensor inside a call's configuration comes from."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            name, node, tensor = value["config"]["keras_history"]
            yield str(name), int(node), int(tensor)
            return
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _histories(item)


def _resolve(value: Any, outputs: dict[tuple[str, int], list[int]]) -> Any:
    """A call's argument with `Tensor`s in place of Keras's references."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            name, node, tensor = value["config"]["keras_history"]
            return Tensor(_pick(outputs[name, node], tensor))
        return {key: _resolve(item, outputs) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolve(item, outputs) for item in value]
    return value


def _pick(outputs: list[int], index: int) -> int:
    """The call that makes output `index`; a layer with several outputs is one call."""
    return outputs[index] if len(outputs) > 1 else outputs[0]
