"""Lists of layers as YAML files that people write and programs mend.

    - Conv2D: {filters: 16, kernel_size: 5, activation: relu}
    - Flatten
    - Dense: {units: outputs, activation: softmax}

A file is data, never code: `safe_load` without aliases, with limits on size, depth and length.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from firstlight.core.errors import ModelError
from firstlight.core.files import write_text
from firstlight.core.findings import Layer
from firstlight.models.catalogue import CATALOGUE

LARGEST_FILE = 256 * 1024
MOST_LAYERS = 1000
DEEPEST = 8


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses aliases, repeated keys and deep nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it uses an alias (*name): write the layer out")
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"it says {name} twice")
        return super().construct_mapping(node, deep)


# libyaml's where PyYAML was built with it: ten times as fast.
class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """A dumper that puts words in quotes which the loader would take for numbers."""


# YAML 1.1 reads 1e-3 as a word; people mean the number.
for _reader_or_writer in (_Loader, _Dumper):
    _reader_or_writer.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
        list("-+0123456789"),
    )


def read_layers(path: str | os.PathLike[str]) -> tuple[Layer, ...]:
    r"""The list of layers in a YAML file.

    Each item is a layer's class name, or the class name with its arguments. `units` or
    `filters` may be the word `outputs`.

    Args:
        path: a `.yaml` or `.yml` file of at most 256 kB and 1,000 layers.

    Returns:
        The layers. Whether there are such layers with such arguments is not looked at here:
        the doctor says it with a remedy, and they cannot be built otherwise.

    Raises:
        ModelError: the file cannot be read, or is no list of layers.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.yaml"
        >>> _ = path.write_text("- Flatten\n- Dense: {units: outputs}\n")
        >>> read_layers(path)[1]
        Layer(kind='Dense', arguments={'units': 'outputs'})
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error
    return parse_layers(content, path.name)


def parse_layers(text: str | bytes, name: str = "the network") -> tuple[Layer, ...]:
    r"""The list of layers in a YAML text; see `read_layers`.

    Args:
        text: the text.
        name: what an error message calls it.

    Raises:
        ModelError: it is no list of layers.

    Example:
        >>> parse_layers("- Flatten\n- Dense: {units: 3}\n")[0]
        Layer(kind='Flatten', arguments={})
    """
    if len(text) > LARGEST_FILE:
        raise ModelError(f"{name} is larger than {LARGEST_FILE // 1024} kB: no list of layers.")
    items = parse_yaml(text, name)
    if not isinstance(items, list) or not items:
        raise ModelError(f"{name} has to be a list of layers, one line with a dash for each.")
    if len(items) > MOST_LAYERS:
        raise ModelError(f"{name} lists {len(items):,} layers: {MOST_LAYERS:,} is the most.")
    return tuple(_layer(name, position, item) for position, item in enumerate(items))


def write_layers(layers: Sequence[Layer], path: str | os.PathLike[str]) -> None:
    """Write a list of layers as YAML that `read_layers` reads back as it was.

    Args:
        layers: the layers in order.
        path: the file; one that is there already is replaced.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.yaml"
        >>> write_layers([Layer("Flatten"), Layer("Dense", {"units": "outputs"})], path)
        >>> print(path.read_text().strip())
        - Flatten
        - Dense: {units: outputs}
    """
    write_text(Path(path), format_layers(layers))


def format_layers(layers: Sequence[Layer]) -> str:
    """A list of layers as the YAML text that `write_layers` writes.

    Example:
        >>> print(format_layers([Layer("Dense", {"units": 3})]), end="")
        - Dense: {units: 3}
    """
    lines = []
    for layer in layers:
        kind = layer.kind if layer.kind in CATALOGUE else _flow([layer.kind])[1:-1]
        lines.append(f"- {kind}: {_flow(layer.arguments)}\n" if layer.arguments else f"- {kind}\n")
    return "".join(lines)


def _flow(arguments: Any) -> str:
    """Values on one line; tuples as lists, since YAML has no tuples."""
    return yaml.dump(
        _as_lists(arguments),
        Dumper=_Dumper,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=2**30,
    ).strip()


def _as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_lists(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_lists(item) for item in value]
    return value


def parse_yaml(text: str | bytes, name: str) -> Any:
    """What a YAML text says, as plain values.

    Args:
        text: the text.
        name: what an error message calls it.

    Raises:
        ModelError: it is no YAML that can be used.

    Example:
        >>> parse_yaml("[3, 1e-3]", "the text")
        [3, 0.001]
    """
    try:
        value = yaml.load(text, Loader=_Loader)
        _check_plain(value)
    except (yaml.YAMLError, ValueError) as error:
        raise ModelError(f"{name} is no YAML that can be used: {_reason(error)}.") from error
    return value


def _check_plain(value: Any) -> None:
    """Refuse dates, sets, endless numbers: what could not be written down for another program."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"it has the name {key!r}, where a word is expected")
            _check_plain(item)
    elif isinstance(value, list):
        for item in value:
            _check_plain(item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"it says {value}, where a number is expected")
    elif not isinstance(value, bool | int | float | str | None):
        raise ValueError(f"it says {value}, where a number or a word is expected")


def _reason(error: Exception) -> str:
    """What is wrong with a YAML file, and where, on one line."""
    mark = getattr(error, "problem_mark", None)
    text = getattr(error, "problem", None) or str(error)
    return f"{text} (line {mark.line + 1})" if mark is not None else " ".join(text.split())


def _layer(file: str, position: int, item: Any) -> Layer:
    """One item of the list as a record."""
    if isinstance(item, str):
        return Layer(item)
    if isinstance(item, dict) and len(item) == 1:
        ((kind, arguments),) = item.items()
        arguments = {} if arguments is None else arguments
        if isinstance(kind, str) and isinstance(arguments, dict):
            return Layer(kind, arguments)
    raise ModelError(
        f"{file}, layer {position + 1}: expected `- Name` or `- Name: {{argument: value}}`, "
        f"but {str(item)[:60]!r} came."
    )
