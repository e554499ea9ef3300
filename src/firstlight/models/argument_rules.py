"""What is wrong with a layer as it was written down, and the nearest layer that is right."""

from __future__ import annotations

import difflib
import functools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.core.network import Argument, LayerKind
from firstlight.models.arguments import ACTIVATIONS, MATRICES, PARTS
from firstlight.models.catalogue import CATALOGUE

OUTPUTS = "outputs"


@dataclass(frozen=True)
class Refusal:
    """Why a layer cannot be made, whatever it receives.

    Attributes:
        message: what was expected and what came.
        remedy: what to do, in a few words.
        instead: the layer to put in its place, or None: take it away.
    """

    message: str
    remedy: str
    instead: Layer | None = None

    @property
    def sentence(self) -> str:
        """The message with its remedy."""
        return f"{self.message}: {self.remedy}{'' if self.remedy.endswith('?') else '.'}"


def refusal(layer: Layer) -> Refusal | None:
    """What is wrong with a layer's class or arguments, or None.

    Args:
        layer: the record, with any values whatever.

    Example:
        >>> refusal(Layer("Dense", {"units": "1o"})).message
        "Dense takes a whole number of 1 or more for units, but '1o' came"
        >>> refusal(Layer("Conv2d")).instead
        Layer(kind='Conv2D', arguments={'filters': 16, 'kernel_size': 3, 'activation': 'relu'})
    """
    if layer.kind in ("Input", "InputLayer"):
        return Refusal("the input's shape comes from the images", "leave the Input layer out")
    known = CATALOGUE.get(layer.kind)
    if known is None:
        return _unknown_kind(layer)
    names = [argument.name for argument in known.arguments]
    for name, value in layer.arguments.items():
        argument = known.argument(name)
        if argument is None:
            return _unknown_argument(layer, str(name), names)
        wrong = _wrong_value(known, argument, value)
        if wrong:
            return _with(layer, known, argument, wrong)
    for argument in known.arguments:
        if argument.needed and argument.name not in layer.arguments:
            message = f"{layer.kind} needs the argument {argument.name}"
            return _with(layer, known, argument, message, "add it")
    return _together(layer, known)


def check_layer(layer: Layer) -> None:
    """Refuse a layer whose class or arguments are not known, naming the nearest that is.

    Raises:
        ModelError: the class or an argument is unknown, one is missing, or a value is no plain one.

    Example:
        >>> check_layer(Layer("Conv2d", {}))
        Traceback (most recent call last):
        ...
        firstlight.core.errors.ModelError: there is no layer called Conv2d: did you mean Conv2D?
    """
    refused = refusal(layer)
    if refused is not None:
        raise ModelError(refused.sentence)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known name, or all of them.

    Example:
        >>> suggestion("filter", ["filters", "strides"])
        'did you mean filters?'
    """
    names = sorted(known)
    near = _nearest(name, names)
    return f"did you mean {near}?" if near else f"choose one of {', '.join(names)}."


def filled(layer: Layer) -> dict[str, Any]:
    """Every argument of a layer that is right: as given, else its default.

    Example:
        >>> filled(Layer("MaxPooling2D"))["pool_size"]
        2
    """
    known = CATALOGUE[layer.kind]
    return {
        argument.name: layer.arguments.get(argument.name, argument.default)
        for argument in known.arguments
    }


def expected(argument: Argument) -> str:
    """What an argument takes, in words.

    Example:
        >>> expected(CATALOGUE["Dropout"].argument("rate"))
        'a number from 0 to 1'
    """
    reach = _reach(argument)
    return {
        "axes": "a whole number other than 0, or a list of them",
        "choice": f"one of {', '.join(argument.choices)}",
        "count": f"a whole number{reach}",
        "number": f"a number{reach}",
        "numbers": "a number, or a list of numbers",
        "pair": f"a whole number{reach}, or two (height, width)",
        "shape": "a list of whole numbers",
        "sides": f"a whole number{reach}, two (height, width), or two for each",
        "switch": "true or false",
        "text": "a name without / and .",
    }[argument.kind]


def _reach(argument: Argument) -> str:
    """The range that a number has to be in."""
    if argument.least is None:
        return ""
    if argument.most is None or argument.most >= 1000:
        return f" of {argument.least} or more"
    return f" from {argument.least} to {argument.most}"


def _nearest(name: str, names: Iterable[str]) -> str | None:
    by_lower = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def _unknown_kind(layer: Layer) -> Refusal:
    message = f"there is no layer called {layer.kind}"
    near = _nearest(layer.kind, sorted(CATALOGUE))
    if near is None:
        return Refusal(message, suggestion(layer.kind, CATALOGUE).rstrip("."))
    arguments = CATALOGUE[near].start | {
        name: value
        for name, value in layer.arguments.items()
        if CATALOGUE[near].argument(name) is not None
    }
    return Refusal(message, f"did you mean {near}?", Layer(near, arguments))


def _unknown_argument(layer: Layer, name: str, names: list[str]) -> Refusal:
    message = f"{layer.kind} has no argument {name}"
    rest = {key: value for key, value in layer.arguments.items() if key != name}
    near = _nearest(name, names)
    if near is not None and near not in rest:
        rest[near] = layer.arguments[name]
    return Refusal(message, suggestion(name, names).rstrip("."), Layer(layer.kind, rest))


def _with(
    layer: Layer, known: LayerKind, argument: Argument, message: str, remedy: str = ""
) -> Refusal:
    """A refusal whose remedy gives one argument its usual value."""
    rest = dict(layer.arguments)
    usual = argument.default
    if argument.needed:
        usual = rest[argument.name] = known.start[argument.name]
    else:
        del rest[argument.name]
    said = "leave it away" if usual is None else f"use {_plain(usual)}"
    head, _, near = message.partition(": did you mean ")
    return Refusal(
        head, f"did you mean {near}" if near else remedy or said, Layer(layer.kind, rest)
    )


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrong_value(known: LayerKind, argument: Argument, value: Any) -> str:
    """What is wrong with the value of an argument, or ""."""
    if value is None and (argument.optional or (argument.default is None and not argument.needed)):
        return ""
    if argument.kind == "activation":
        if isinstance(value, str) and value in ACTIVATIONS:
            return ""
        return f"{known.kind} has no activation {value}: {suggestion(str(value), ACTIVATIONS)}"
    if argument.kind in PARTS:
        return _wrong_part(argument, value)
    if argument.name in ("units", "filters") and value == OUTPUTS:
        return ""
    if _fits(argument, value):
        return ""
    came = "nothing" if value in ("", None) else repr(value)
    return f"{known.kind} takes {expected(argument)} for {argument.name}, but {came} came"


def _fits(argument: Argument, value: Any) -> bool:
    """Whether a plain value is one that an argument takes."""

    def whole(item: Any) -> bool:
        return isinstance(item, int) and not isinstance(item, bool) and _within(argument, item)

    def pair(item: Any) -> bool:
        return isinstance(item, list | tuple) and len(item) == 2 and all(map(whole, item))

    kind, several = argument.kind, isinstance(value, list | tuple) and len(value) > 0
    if kind == "switch":
        return isinstance(value, bool)
    if kind == "choice":
        return isinstance(value, str) and value in argument.choices
    if kind == "text":
        return isinstance(value, str) and value != "" and not set("/.") & set(value)
    if kind == "count":
        return whole(value) and (value != 0 or argument.least == 0)
    if kind == "number":
        return _is_number(value) and _within(argument, value)
    if kind == "numbers":
        return _is_number(value) or (several and all(map(_is_number, value)))
    if kind == "pair":
        return whole(value) or pair(value)
    if kind == "sides":
        return (
            whole(value) or pair(value) or (several and len(value) == 2 and all(map(pair, value)))
        )
    if kind == "axes":
        axes = value if several else [value]
        return all(whole(axis) and axis != 0 for axis in axes) and len(set(axes)) == len(axes)
    # A shape: null stands for an axis's own size in the shape of noise, -1 once in any other.
    own = argument.name == "noise_shape"
    return (
        several
        and all((whole(size) and size != 0) or (own and size is None) for size in value)
        and list(value).count(-1) <= 1
    )


def _within(argument: Argument, number: float) -> bool:
    return (argument.least is None or number >= argument.least) and (
        argument.most is None or number <= argument.most
    )


def _is_number(value: Any) -> bool:
    # Of more than 300 digits no float can be made.
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < 1e300
        and math.isfinite(value)
    )


def _wrong_part(argument: Argument, value: Any) -> str:
    """What is wrong with the name or the arguments of an initializer, say, or ""."""
    part = argument.kind
    known = dict(PARTS[part])
    if argument.name.rpartition("_")[0] not in MATRICES:
        known.pop("Orthogonal", None)
    if isinstance(value, dict) and len(value) == 1:
        name, arguments = next(iter(value.items()))
        arguments = {} if arguments is None else arguments
    else:
        name, arguments = value, {}
        known = known | {snake_case(kind): () for kind in known}
    if not isinstance(name, str) or name not in known:
        return f"there is no {part} called {name}: {suggestion(str(name), known)}"
    if not isinstance(arguments, dict):
        return f"{name} takes its arguments as a mapping of plain values, but {arguments!r} came"
    for key, item in arguments.items():
        if key not in known[name]:
            takes = ", ".join(known[name]) or "nothing"
            return f"{name} does not take {key}: it takes {takes}"
        if item is not None and not isinstance(item, str) and not _is_number(item):
            return f"{name} takes a plain value for {key}, but {item!r} came"
    return ""


def _together(layer: Layer, known: LayerKind) -> Refusal | None:
    """Arguments that are right each by itself, but not together."""
    given = filled(layer)
    strides, dilation = (_largest(given.get(name)) for name in ("strides", "dilation_rate"))
    if layer.kind in ("Conv2D", "Conv2DTranspose") and strides > 1 and dilation > 1:
        message = f"{layer.kind} cannot both take strides of {strides} and spread its window"
        return _with(layer, known, _argument(known, "dilation_rate"), message)
    groups, filters = given.get("groups", 1), given.get("filters", OUTPUTS)
    if filters != OUTPUTS and filters % groups:
        message = f"{groups} groups cannot share {filters} filters evenly"
        return _with(layer, known, _argument(known, "groups"), message)
    if given.get("output_padding") is not None:
        added, steps = (as_pair(given[name]) for name in ("output_padding", "strides"))
        if any(more >= step for more, step in zip(added, steps, strict=True)):
            message = "output_padding has to be smaller than strides"
            return _with(layer, known, _argument(known, "output_padding"), message)
    if layer.kind == "Normalization" and (given["mean"] is None) != (given["variance"] is None):
        message = "Normalization needs both mean and variance, or neither"
        missing = "mean" if given["mean"] is None else "variance"
        usual = known.start[missing]
        both = layer.arguments | {missing: usual}
        return Refusal(message, f"use {missing} {usual}", Layer(layer.kind, both))
    if layer.kind == "Normalization" and _length(given["mean"]) != _length(given["variance"]):
        message = "Normalization needs as many variances as means"
        return Refusal(message, "use one of each", Layer(layer.kind, layer.arguments | known.start))
    return None


def as_pair(value: Any) -> tuple[int, int]:
    """A whole number twice, or two of them.

    Example:
        >>> as_pair(3), as_pair([3, 5])
        ((3, 3), (3, 5))
    """
    height, width = value if isinstance(value, list | tuple) else (value, value)
    return height, width


def as_list(value: Any) -> list[Any]:
    """A number, several or None as a list.

    Example:
        >>> as_list(-1), as_list([1, 2]), as_list(None)
        ([-1], [1, 2], [])
    """
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, list | tuple) else None


def _largest(value: Any) -> int:
    return 1 if value is None else max(as_pair(value))


def _argument(known: LayerKind, name: str) -> Argument:
    return next(argument for argument in known.arguments if argument.name == name)


@functools.lru_cache(maxsize=1024)
def snake_case(name: str) -> str:
    """A class name as Keras writes it in names and strings.

    Example:
        >>> snake_case("GlorotNormal"), snake_case("Conv2DTranspose")
        ('glorot_normal', 'conv2d_transpose')
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
