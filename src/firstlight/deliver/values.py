"""Values as Python code, written as a person would."""

from __future__ import annotations

import keyword
import math
import re
from typing import Any

from firstlight.core.errors import ModelError
from firstlight.models import import_keras
from firstlight.models.layers import PARTS, snake_case

LONGEST_LINE = 100


def text_code(text: str) -> str:
    r"""A text as a literal that holds whatever the text does, in double quotes where it can be.

    Example:
        >>> text_code("same"), text_code('a"b'), text_code("a\nb")
        ('"same"', '\'a"b\'', '"a\\nb"')
    """
    literal = ascii(text) if not text.isprintable() else repr(text)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in text else literal


def value_code(value: Any) -> str:
    """A value of a Keras configuration as code.

    Args:
        value: a number, text, or None; a list of them; or a part such as an initializer, as Keras
            writes it down.

    Raises:
        ModelError: it is none of these.

    Example:
        >>> value_code(1 / 255), value_code([1, "a"]), value_code(float("inf"))
        ('1 / 255', '[1, "a"]', 'float("inf")')
    """
    if isinstance(value, str):
        return text_code(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, float):
        whole = round(1 / value) if value else 0
        # 1 / 255 says more than 0.00392156862745098, and 0.01 more than 1 / 100.
        is_share = len(repr(value)) > 8 and whole > 1 and 1 / whole == value
        return f"1 / {whole}" if is_share else repr(value)
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(value_code, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(value_code, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, dict) and "class_name" in value:
        return _part_code(value)
    if hasattr(value, "tolist"):
        return value_code(value.tolist())
    raise ModelError(f"{type(value).__name__} cannot be written as code")


def _part_code(part: dict[str, Any]) -> str:
    """An initializer, regularizer, constraint or number type."""
    kind, config = str(part["class_name"]), part.get("config")
    if kind == "DTypePolicy" and isinstance(config, dict):
        return text_code(str(config["name"]))
    family = next((family for family, kinds in PARTS.items() if kind in kinds), None)
    if family is None or not isinstance(config, dict):
        raise ModelError(
            f"{kind if isinstance(config, dict) else config} cannot be written as code"
        )
    home = getattr(import_keras(), f"{family}s")
    try:
        usual = getattr(home, kind)().get_config()
    except TypeError:  # it has arguments without defaults
        usual = {}
    arguments = {k: v for k, v in config.items() if k not in usual or usual[k] != v}
    if not arguments and usual and family == "initializer":
        return text_code(snake_case(kind))
    return call_code(f"keras.{family}s.{kind}", [], arguments)


def call_code(name: str, positional: list[str], keywords: dict[str, Any]) -> str:
    """A call; `positional` are code already, the values of `keywords` are not."""
    named = [f"{key}={value_code(value)}" for key, value in keywords.items()]
    return f"{name}({', '.join([*positional, *named])})"


def identifier(text: str, taken: set[str]) -> str:
    """A variable's name after a text, another than those that are taken; it is taken then.

    Example:
        >>> identifier("conv2d/3", {"np"}), identifier("class", set()), identifier("a", {"a"})
        ('conv2d_3', 'class_2', 'a_2')
    """
    stem = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]
    stem = stem if stem and not stem[0].isdigit() else f"layer_{stem}"
    name, number = stem, 1
    while name in taken or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name
