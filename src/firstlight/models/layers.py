"""A network as a plain list of layers, and back: `Layer` records <-> a Keras Sequential model.

Only the layer classes named here can be asked for, with the arguments that their constructors
take; initializers, regularizers and constraints are named the same way. Nothing in a list is
ever run as code.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.models.argument_rules import OUTPUTS, check_layer, snake_case
from firstlight.models.arguments import PARTS
from firstlight.models.backend import import_keras
from firstlight.models.catalogue import CATALOGUE

if TYPE_CHECKING:
    import keras

LAYERS = frozenset(CATALOGUE)
_FROM_THE_LAYER_CLASS = ("name", "trainable")
# Images are (H, W, C) here, and what computes in which precision is a training option.
_FIXED = frozenset("data_format dtype kwargs lora_alpha lora_rank quantization_config self".split())
_PAIRS = ("dilation_rate", "kernel_size", "pool_size", "size", "strides")


def build_layers(
    layers: Sequence[Layer], image_shape: tuple[int, int, int], outputs: int
) -> keras.Sequential:
    """A Keras Sequential model from a list of layers.

    Args:
        layers: the layers in order; `units` or `filters` may be the word `outputs`.
        image_shape: `(H, W, C)` of the images.
        outputs: how many numbers the network answers with: what the word stands for.

    Returns:
        The built model; its input is `(N, H, W, C)`.

    Raises:
        ModelError: a layer or argument is unknown, or does not fit what comes before it.

    Example:
        >>> layers = [Layer("Flatten"), Layer("Dense", {"units": "outputs"})]
        >>> build_layers(layers, (28, 28, 1), 10).count_params()
        7850
    """
    keras = import_keras()
    made = []
    # Named here: Keras counts on through the whole process, and a saved model should not show
    # what was built before it.
    for position, (layer, name) in enumerate(zip(layers, names_of(layers), strict=True)):
        named = replace(layer, arguments={**layer.arguments, "name": name})
        try:
            made.append(make_layer(named, outputs))
        except ModelError as error:
            raise ModelError(f"layer {position + 1}: {error}") from None
    try:
        return keras.Sequential([keras.Input(image_shape), *made])
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"the layers do not fit together: {first_sentence(error)} "
            "`firstlight check` says where, and what to change."
        ) from error


def names_of(layers: Sequence[Layer]) -> list[str]:
    """The layers' names: the given ones, else as Keras names them in a fresh process.

    Example:
        >>> names_of([Layer("Conv2D"), Layer("Conv2D"), Layer("Dense", {"name": "answer"})])
        ['conv2d', 'conv2d_1', 'answer']
    """
    seen: Counter[str] = Counter()
    names = []
    for layer in layers:
        kind = snake_case(layer.kind)
        number = f"_{seen[kind]}" if seen[kind] else ""
        given = layer.arguments.get("name")
        names.append(kind + number if given is None else str(given))
        seen[kind] += given is None
    return names


def make_layer(layer: Layer, outputs: int) -> keras.layers.Layer:
    """The Keras layer that a record describes, not yet built.

    Args:
        layer: the record.
        outputs: what the word `outputs` stands for as `units` or `filters`.

    Raises:
        ModelError: the class, an argument or a value is not one that can be asked for.

    Example:
        >>> make_layer(Layer("Dense", {"units": "outputs"}), outputs=3).units
        3
    """
    keras = import_keras()
    check_layer(layer)
    values = {name: _keras_value(name, value, outputs) for name, value in layer.arguments.items()}
    try:
        return getattr(keras.layers, layer.kind)(**values)
    except Exception as error:
        # Keras constructors raise whatever arithmetic on a wrong value happens to raise.
        raise ModelError(
            f"{layer.kind} does not take these arguments: {first_sentence(error)}"
        ) from error


def layers_of(model: keras.Model) -> tuple[Layer, ...] | None:
    """The list of layers of a Keras Sequential model: the reverse of `build_layers`.

    Args:
        model: any Keras model.

    Returns:
        The layers, each with only those arguments that differ from their defaults, or None
        where the model is no plain chain of layers that a list can hold.

    Example:
        >>> layers = (Layer("Flatten"), Layer("Dense", {"units": 10, "activation": "softmax"}))
        >>> layers_of(build_layers(layers, (28, 28, 1), 10)) == layers
        True
    """
    keras = import_keras()
    if not isinstance(model, keras.Sequential):
        return None
    try:
        layers = tuple(_layer_of(layer) for layer in model.layers)
        for layer in layers:
            check_layer(layer)
    except ModelError:
        return None
    return layers


def first_sentence(error: BaseException) -> str:
    """The first sentence of another library's error message, on one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    sentence = re.split(r"(?<=\w\w[.!?]) (?=[A-Z])", text)[0]
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."


def _part_of(argument: str) -> str | None:
    """`initializer` for `kernel_initializer`, None where the argument takes a plain value."""
    ending = argument.rpartition("_")[2]
    return ending if ending in PARTS else None


def _keras_value(name: str, value: Any, outputs: int) -> Any:
    """What the Keras constructor gets for an argument of a record."""
    if name in ("units", "filters") and value == OUTPUTS:
        return outputs
    part = _part_of(name)
    if part is not None and isinstance(value, dict):
        keras = import_keras()
        ((kind, arguments),) = value.items()
        try:
            return getattr(getattr(keras, part + "s"), kind)(**(arguments or {}))
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{kind} does not take these arguments: {first_sentence(error)}"
            ) from error
    return tuple(value) if isinstance(value, list) else value


def _layer_of(layer: keras.layers.Layer) -> Layer:
    """The record of a Keras layer: what differs from a layer made with defaults alone."""
    kind = type(layer).__name__
    if kind not in LAYERS or type(layer) is not getattr(import_keras().layers, kind):
        raise ModelError(f"{kind} is not a layer that a list can hold.")
    differing = differing_arguments(layer)
    if not differing.keys() <= {argument.name for argument in CATALOGUE[kind].arguments}:
        raise ModelError(f"{layer.name} differs in what a list does not write down.")
    return Layer(kind, {name: _record_value(name, value) for name, value in differing.items()})


def arguments_of(kind: str) -> dict[str, inspect.Parameter | None]:
    """The arguments that one of Keras's layer classes takes, in the constructor's order.

    Args:
        kind: a class in `keras.layers`.

    Returns:
        Name to parameter; None for `name` and `trainable`, which every layer takes.

    Example:
        >>> list(arguments_of("Flatten"))
        ['name', 'trainable']
    """
    signature = inspect.signature(getattr(import_keras().layers, kind).__init__)
    own = {name: p for name, p in signature.parameters.items() if name not in _FIXED}
    return own | dict.fromkeys(_FROM_THE_LAYER_CLASS)


def differing_arguments(layer: keras.layers.Layer) -> dict[str, Any]:
    """The arguments of one of Keras's layers that a layer made with defaults alone has not.

    Args:
        layer: of a class in `keras.layers`.

    Returns:
        Values as in the layer's configuration, in the constructor's order; those that the
        constructor needs always.

    Raises:
        ModelError: it is made with a function of the user's own.

    Example:
        >>> keras = import_keras()
        >>> differing_arguments(keras.layers.Dense(3, use_bias=False))
        {'units': 3, 'use_bias': False}
    """
    config, known = layer.get_config(), arguments_of(type(layer).__name__)
    needed = {
        name: config[name] for name, p in known.items() if p is not None and p.default is p.empty
    }
    try:
        default = type(layer)(**needed).get_config()
    except (TypeError, ValueError) as error:
        # Keras does not find a function of the user's own by its name.
        raise ModelError(f"{layer.name} is made with what no list can hold.") from error
    arguments = {
        name: config[name]
        for name in (*known, "data_format", "dtype")
        if name in config and (name in needed or config[name] != default.get(name))
    }
    if "pool_size" in config and config["strides"] == config["pool_size"]:
        arguments.pop("strides", None)
    if _own_name(config["name"]) == _own_name(default["name"]):
        arguments.pop("name", None)
    return arguments


def _own_name(name: str) -> str:
    """A layer's name without the number that Keras appends."""
    return re.sub(r"_\d+$", "", name)


def _record_value(name: str, value: Any) -> Any:
    """A value of a Keras config as a list of layers writes it."""
    if isinstance(value, dict):
        if not isinstance(value["config"], dict):
            raise ModelError(f"{value['config']} is not a function that a list can hold.")
        arguments = {k: _record_value(k, v) for k, v in value["config"].items() if v is not None}
        return {value["class_name"]: arguments} if arguments else snake_case(value["class_name"])
    if isinstance(value, (list, tuple)):
        return unpaired(name, [_record_value("", item) for item in value])
    return value


def unpaired(name: str, value: Any) -> Any:
    """A layer's argument as it is written: a pair of equal numbers as one number.

    Example:
        >>> unpaired("strides", (2, 2)), unpaired("kernel_size", [3, 5])
        (2, [3, 5])
    """
    several = isinstance(value, list | tuple) and name in _PAIRS
    return value[0] if several and len(set(value)) == 1 else value
