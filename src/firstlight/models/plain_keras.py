"""A list of layers as plain Keras code, as a person would write it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from firstlight.core.findings import Layer
from firstlight.models.argument_rules import OUTPUTS
from firstlight.models.arguments import PARTS
from firstlight.models.catalogue import CATALOGUE

# As `black` and `ruff format` break lines.
_LONGEST_LINE = 88


def keras_code(layers: Sequence[Layer], image_shape: tuple[int, int, int], outputs: int) -> str:
    """Python code that builds a list of layers with Keras and nothing else.

    Args:
        layers: the list; what is wrong in it is wrong in the code.
        image_shape: `(H, W, C)` of the images.
        outputs: what the word `outputs` stands for.

    Returns:
        The code; it makes the variable `model`, whose input is `(N, H, W, C)`.

    Example:
        >>> print(keras_code([Layer("Dense", {"units": "outputs"})], (8, 8, 1), 3))
        import keras
        from keras import layers
        <BLANKLINE>
        model = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.Dense(3),
            ]
        )
        <BLANKLINE>
    """
    calls = [f"keras.Input({_literal(tuple(image_shape))}),\n"]
    calls += [_call(layer, outputs) for layer in layers]
    indented = "".join(textwrap.indent(call, " " * 8) for call in calls)
    return (
        "import keras\nfrom keras import layers\n\nmodel = keras.Sequential(\n"
        f"    [\n{indented}    ]\n)\n"
    )


def _call(layer: Layer, outputs: int) -> str:
    """The line that makes a layer; what it cannot be without stands first, without names."""
    known = CATALOGUE.get(layer.kind)
    arguments = () if known is None else known.arguments
    order = [argument.name for argument in arguments]
    needed = [argument.name for argument in arguments if argument.needed]
    given = {str(name): value for name, value in layer.arguments.items()}
    shown: list[str] = []
    for name in sorted(given, key=lambda name: order.index(name) if name in order else len(order)):
        value = given[name]
        if name in ("units", "filters") and value == OUTPUTS:
            value = outputs
        text = _argument(name, value)
        leading = name in needed and order[: len(shown) + 1] == [*needed[: len(shown)], name]
        shown.append(text if leading else f"{name}={text}")
    line = f"layers.{layer.kind}({', '.join(shown)}),\n"
    if len(line) + 8 > _LONGEST_LINE:
        line = f"layers.{layer.kind}(\n" + "".join(f"    {text},\n" for text in shown) + "),\n"
    return line


def _argument(name: str, value: Any) -> str:
    """The value of an argument as Python code."""
    part = name.rpartition("_")[2]
    if part in PARTS and isinstance(value, dict) and len(value) == 1:
        ((kind, arguments),) = value.items()
        inner = ", ".join(f"{key}={_literal(item)}" for key, item in (arguments or {}).items())
        return f"keras.{part}s.{kind}({inner})"
    return _literal(value)


def _literal(value: Any) -> str:
    """A plain value as Python code; lists as tuples, since Keras asks for tuples."""
    if isinstance(value, list | tuple):
        items = [_literal(item) for item in value]
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
