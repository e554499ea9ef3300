"""A Keras model as the Keras code that builds it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.core.errors import ModelError
from firstlight.deliver.plain_graph import graph_with_one_output
from firstlight.deliver.values import LONGEST_LINE, call_code, identifier, value_code
from firstlight.models import import_keras
from firstlight.models.graph import Call, Graph, Tensor
from firstlight.models.layers import arguments_of, differing_arguments, snake_case, unpaired
from firstlight.training.lowered import array_of

if TYPE_CHECKING:
    import keras

# What the program calls by these names itself.
TAKEN = frozenset("keras layers math network np os x".split())
SIGNS = {
    "Add": "+",
    "Divide": "/",
    "Multiply": "*",
    "Power": "**",
    "Subtract": "-",
    "TrueDivide": "/",
}


def write_network(model: keras.Model, shapes: Sequence[tuple[int, ...]]) -> str:
    """The code that builds a network like this one, as the variable `network`.

    A Sequential model is written as a list, any other as tensors that go through layers; models
    inside of it are laid out flat. Beside each layer stands the shape that it makes.

    Args:
        model: a Sequential or Functional model with one output.
        shapes: what each of its calls makes, without the batch axis, as `walk` gives them.

    Returns:
        Lines of code that need `keras` and `keras.layers`. The weights are new ones, in layers of
        the order that `calls_in_order` gives.

    Raises:
        ModelError: a layer is the user's own, or made with what cannot be written; it is named.

    Example:
        >>> from firstlight.models import build_layers
        >>> from firstlight.core.findings import Layer
        >>> model = build_layers([Layer("Flatten"), Layer("Dense", {"units": 3})], (4, 4, 1), 3)
        >>> print(write_network(model, [(16,), (3,)]))
        network = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                layers.Flatten(),  # 16
                layers.Dense(3),  # 3
            ]
        )
    """
    graph = graph_with_one_output(model)
    numbers = [number for number, call in enumerate(graph.calls) if call.layer is not None]
    made = dict(zip(numbers, shapes, strict=True))
    if isinstance(model, import_keras().Sequential) and _is_chain(graph):
        return _sequential(model, graph, made)
    return _functional(model, graph, made)


def calls_in_order(graph: Graph) -> list[int]:
    """The numbers of the calls that the output needs, one branch after the other.

    Example:
        >>> from firstlight.models.graph import Call, Graph, Tensor
        >>> calls = (Call("in", None), Call("a", "layer", (Tensor(0),)))
        >>> calls_in_order(Graph(calls, (0,), (Tensor(1),)))
        [0, 1]
    """
    order: dict[int, None] = {}
    waiting = [(graph.outputs[0].call, False)]
    while waiting:
        number, ready = waiting.pop()
        if ready or not graph.calls[number].inputs:
            order.setdefault(number)
        elif number not in order:
            waiting.append((number, True))
            waiting += [(before, False) for before in reversed(graph.calls[number].inputs)]
    return list(order)


def layer_code(name: str, layer: Any) -> str:
    """The code that makes one of Keras's layers.

    Args:
        name: what an error message calls it.
        layer: the layer.

    Raises:
        ModelError: it is the user's own, or made with what cannot be written.

    Example:
        >>> keras = import_keras()
        >>> layer_code("first", keras.layers.Conv2D(8, (3, 3), activation="relu"))
        'layers.Conv2D(8, 3, activation="relu")'
    """
    kind = type(layer).__name__
    if type(layer) is not getattr(import_keras().layers, kind, None):
        raise ModelError(
            f"layer {name} ({kind}) is none of Keras's own, so the program would need the file "
            "that defines it: export the network with --to keras, or build it without that layer."
        )
    try:
        arguments = differing_arguments(layer)
        if kind == "Normalization" and arguments.get("mean") is None:
            # It was adapted to images: what it has learned is in its weights.
            arguments |= {"mean": array_of(layer.mean).squeeze()}
            arguments |= {"variance": array_of(layer.variance).squeeze()}
        known = arguments_of(kind)
        needed = [
            value_code(unpaired(key, value))
            for key, value in arguments.items()
            if (parameter := known.get(key)) is not None and parameter.default is parameter.empty
        ]
        others = {k: unpaired(k, v) for k, v in list(arguments.items())[len(needed) :]}
        return call_code(f"layers.{kind}", needed, others)
    except ModelError as error:
        raise ModelError(
            f"layer {name} ({kind}) cannot be written as code: {str(error).rstrip('.')}. Export "
            "the network with --to keras, or build it without that."
        ) from None


def _is_chain(graph: Graph) -> bool:
    """Whether each call takes the answer of the one before, and no layer is called twice."""
    layers = [id(call.layer) for call in graph.calls]
    return len(set(layers)) == len(layers) and all(
        call.inputs == (number,) and call.arguments == (call.tensors[0],)
        for number, call in enumerate(graph.calls[1:])
    )


def _sequential(model: keras.Model, graph: Graph, made: dict[int, tuple[int, ...]]) -> str:
    lines = ["network = keras.Sequential(", "    [", f"        {_input(model.input_shape, '')},"]
    for number, call in enumerate(graph.calls[1:], 1):
        code = layer_code(call.name, call.layer) + ","
        lines += _with_shape(code, made[number], "        ")
    return "\n".join([*lines, "    ]", ")"])


def _functional(model: keras.Model, graph: Graph, made: dict[int, tuple[int, ...]]) -> str:
    order = calls_in_order(graph)
    taken = set(TAKEN)
    names = _names(graph, order, taken)
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    several = len(graph.inputs) > 1
    lines = [
        f"{names[number]} = {_input(shape, names[number] if several else '')}"
        for number, shape in zip(graph.inputs, shapes, strict=True)
    ]
    calls = [graph.calls[number] for number in order]
    uses = [id(call.layer) for call in calls]
    objects: dict[int, str] = {}
    for number, call in zip(order, calls, strict=True):
        if call.layer is None:
            continue
        if type(call.layer).__module__.startswith("keras.src.ops."):
            code = _operation(call, names)
        else:
            key = id(call.layer)
            made_by = objects.get(key) or layer_code(call.name, call.layer)
            if uses.count(key) > 1 and key not in objects:
                # One layer, with one set of weights, that is used more than once.
                objects[key] = identifier(f"shared {call.layer.name}", taken)
                lines += _with_shape(f"{objects[key]} = {made_by}", (), "")
                made_by = objects[key]
            code = f"{made_by}({_arguments(call, names)})"
        lines += _with_shape(f"{names[number]} = {code}", made[number], "")
    inputs = [names[number] for number in graph.inputs]
    whole = f"[{', '.join(inputs)}]" if several else inputs[0]
    return "\n".join([*lines, f"network = keras.Model({whole}, {names[order[-1]]})"])


def _names(graph: Graph, order: list[int], taken: set[str]) -> dict[int, str]:
    """A variable for each call: `x` while one is made of the other, else a branch."""
    followers: dict[int, set[int]] = {number: set() for number in order}
    place = {number: position for position, number in enumerate(order)}
    for number in order:
        for before in graph.calls[number].inputs:
            followers[before].add(place[number])
    names = {}
    for number in order:
        call = graph.calls[number]
        if call.layer is None:
            stem = "image" if number == graph.inputs[0] else call.name
            names[number] = identifier(stem, taken)
        elif followers[number] <= {place[number] + 1}:
            names[number] = "x"
        else:
            names[number] = identifier("branch", taken)
    # An input of the model that nothing needs is one all the same.
    for number in graph.inputs:
        if number not in names:
            names[number] = identifier(graph.calls[number].name, taken)
    return names


def _input(shape: Any, name: str) -> str:
    return call_code("keras.Input", [value_code(tuple(shape[1:]))], {"name": name} if name else {})


def _with_shape(code: str, shape: tuple[int, ...], indent: str) -> list[str]:
    """Lines of code, with the shape beside them."""
    line = indent + code
    comment = f"  # {' x '.join(map(str, shape))}" if shape else ""
    if len(line) > LONGEST_LINE:
        return _broken(code, comment, indent)
    return [line + comment]


def _broken(code: str, comment: str, indent: str) -> list[str]:
    """A call with each of its arguments on a line of its own."""
    tree = code.rstrip(",")
    start, depth, parts = tree.index("(") + 1, 0, []
    begin = start
    for place in range(start, len(tree)):
        depth += (tree[place] in "([{") - (tree[place] in ")]}")
        if depth < 0 or (depth == 0 and tree[place] == ","):
            parts.append(tree[begin:place].strip())
            begin = place + 1
        if depth < 0:
            break
    end = tree[begin - 1 :] + code[len(tree) :]
    head = indent + tree[:start]
    return [head + comment, *(f"{indent}    {part}," for part in parts), indent + end]


def _arguments(call: Call, names: dict[int, str]) -> str:
    given = [_argument(call, value, names) for value in call.arguments]
    given += [
        f"{key}={_argument(call, value, names)}"
        for key, value in call.keywords.items()
        if value is not None and key.isidentifier()
    ]
    return ", ".join(given)


def _argument(call: Call, value: Any, names: dict[int, str]) -> str:
    """An argument of a call: a tensor's name, a list of them, or a value."""
    if isinstance(value, Tensor):
        if value.output:
            raise ModelError(f"{call.name} takes one of several answers, which is not written.")
        return names[value.call]
    if isinstance(value, np.ndarray):
        raise ModelError(f"{call.name} takes an array of numbers, which is not written.")
    if isinstance(value, list):
        return "[" + ", ".join(_argument(call, item, names) for item in value) + "]"
    return value_code(value)


def _operation(call: Call, names: dict[int, str]) -> str:
    """An operation on tensors: `a + b`, `x[:, 1:]`, `keras.ops.mean(x, axis=1)`."""
    kind = type(call.layer).__name__
    given = [_argument(call, value, names) for value in call.arguments if kind != "GetItem"]
    if kind in SIGNS and len(given) == 2 and not any(call.keywords.values()):
        return f"{given[0]} {SIGNS[kind]} {given[1]}"
    if kind == "GetItem":
        tensor, key = call.arguments
        items = key if isinstance(key, list) else [key]
        return f"{_argument(call, tensor, names)}[{', '.join(map(_index, items))}]"
    function = snake_case(kind)
    known = getattr(import_keras().ops, function, None)
    if known is None:
        raise ModelError(
            f"operation {call.name} ({kind}) cannot be written as code: export the network with "
            "--to keras, or build it without that."
        )
    usual = {name: p.default for name, p in inspect.signature(known).parameters.items()}
    options = {
        name: value
        for name, value in {**call.layer.get_config(), **call.keywords}.items()
        if name in usual and value != usual[name]
    }
    return call_code(f"keras.ops.{function}", given, options)


def _index(item: Any) -> str:
    """One item of what stands between the brackets."""
    if isinstance(item, slice):
        parts = [item.start, item.stop] + [item.step] * (item.step is not None)
        return ":".join("" if part is None else str(int(part)) for part in parts)
    return "..." if item is ... else value_code(item)
