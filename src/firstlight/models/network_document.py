"""A network in the making: a list of layers that is edited step by step, and can go back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from firstlight.core.errors import ModelError
from firstlight.core.findings import Fix, Layer
from firstlight.core.network import Argument
from firstlight.models.argument_rules import OUTPUTS, suggestion
from firstlight.models.catalogue import CATALOGUE
from firstlight.models.doctor import apply_fix
from firstlight.models.layer_files import MOST_LAYERS, parse_layers, parse_yaml

# Steps back that are kept.
MOST_STEPS = 200
# No argument needs more; keeps a pasted book out of the list.
LONGEST_TEXT = 200


@dataclass(frozen=True)
class KeyedLayer:
    """A layer with a number that stays with it wherever it is moved to."""

    key: int
    layer: Layer


@dataclass
class NetworkDocument:
    """A list of layers with its history.

    Half-typed arguments are part of it: they are kept as they were typed, and the doctor says
    what is wrong with them. Each change makes a new revision; a change that changes nothing
    makes none.

    Example:
        >>> document = NetworkDocument.of([Layer("Flatten")])
        >>> document.add("Dense", 1)
        2
        >>> document.set_argument(2, "units", "12")
        >>> document.layers[1].arguments
        {'units': 12, 'activation': 'relu'}
        >>> document.undo()
        >>> document.layers[1].arguments["units"], document.revision
        (64, 3)
    """

    rows: tuple[KeyedLayer, ...] = ()
    revision: int = 0
    _past: list[tuple[KeyedLayer, ...]] = field(default_factory=list)
    _future: list[tuple[KeyedLayer, ...]] = field(default_factory=list)
    _keys: count[int] = field(default_factory=lambda: count(1))
    # Layer and argument of the last change: typing on in one field is one step back.
    _typing: tuple[int, str] | None = None

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> NetworkDocument:
        """A document that starts with some layers."""
        document = cls()
        document.rows = document._keyed(layers)
        return document

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers as they stand."""
        return tuple(row.layer for row in self.rows)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to make again."""
        return bool(self._future)

    def add(self, kind: str, index: int) -> int:
        """Put a new layer before position `index`; returns its key.

        Raises:
            ModelError: there is no such layer, or the list is full.
        """
        if kind not in CATALOGUE:
            raise ModelError(f"there is no layer called {kind}: {suggestion(kind, CATALOGUE)}")
        _check_length(len(self.rows) + 1)
        (made,) = self._keyed([Layer(kind, dict(CATALOGUE[kind].start))])
        index = min(max(index, 0), len(self.rows))
        self._change((*self.rows[:index], made, *self.rows[index:]))
        return made.key

    def remove(self, key: int) -> None:
        """Take a layer away.

        Raises:
            ModelError: it is gone already.
        """
        self._change(_without(self.rows, self._place(key)))

    def move(self, key: int, index: int) -> None:
        """Bring a layer to position `index` of the list.

        Raises:
            ModelError: it is gone.
        """
        place = self._place(key)
        rest = _without(self.rows, place)
        index = min(max(index, 0), len(rest))
        self._change((*rest[:index], self.rows[place], *rest[index:]))

    def set_argument(self, key: int, name: str, value: Any) -> None:
        """Give an argument of a layer a value, or what was typed for it so far.

        A text becomes the value that it stands for, once it stands for one. A value equal to
        the default is not written down, and neither is an empty text where none is needed.

        Raises:
            ModelError: the layer is gone, has no such argument, or the text is far too long.
        """
        place = self._place(key)
        layer = self.rows[place].layer
        known = CATALOGUE.get(layer.kind)
        argument = None if known is None else known.argument(name)
        if argument is None:
            raise ModelError(f"{layer.kind} has no argument {name}: choose one that it has.")
        if len(str(value)) > LONGEST_TEXT:
            raise ModelError(f"{LONGEST_TEXT} characters are the most for {name}: give fewer.")
        value = as_typed(argument, value) if isinstance(value, str) else value
        arguments = {**layer.arguments, name: value}
        if not argument.needed and (value == "" or _same(value, argument.default)):
            del arguments[name]
        changed = replace(self.rows[place], layer=Layer(layer.kind, arguments))
        rows = (*self.rows[:place], changed, *self.rows[place + 1 :])
        self._change(rows, typing=(key, name))

    def become(self, layers: Sequence[Layer]) -> None:
        """Put a list of layers in place; those that it starts and ends with keep their keys.

        Raises:
            ModelError: the list is too long.
        """
        _check_length(len(layers))
        old, new = self.rows, tuple(layers)
        shorter = min(len(old), len(new))
        start = 0
        while start < shorter and old[start].layer == new[start]:
            start += 1
        end = 0
        while end < shorter - start and old[-1 - end].layer == new[-1 - end]:
            end += 1
        middle = new[start : len(new) - end]
        if len(old) == len(new):
            kept = zip(old[start : len(old) - end], middle, strict=True)
            rows = tuple(replace(row, layer=layer) for row, layer in kept)
        else:
            rows = self._keyed(middle)
        self._change((*old[:start], *rows, *old[len(old) - end :]))

    def set_yaml(self, text: str) -> None:
        """Put the layers of a YAML text in place; layers that stay the same keep their keys.

        Raises:
            ModelError: the text is no list of layers; the document stays as it was.
        """
        self.become(parse_layers(text) if text.strip() else ())

    def mend(self, fix: Fix) -> None:
        """Apply the edits of a fix, as the doctor found it for these layers."""
        self.become(apply_fix(self.layers, fix))

    def undo(self) -> None:
        """Take the last change back, if there is one."""
        self._step(self._past, self._future)

    def redo(self) -> None:
        """Make the change that was taken back last again, if there is one."""
        self._step(self._future, self._past)

    def _step(self, source: list[Any], target: list[Any]) -> None:
        if source:
            target.append(self.rows)
            self.rows = source.pop()
            self.revision += 1
            self._typing = None

    def _change(self, rows: tuple[KeyedLayer, ...], typing: tuple[int, str] | None = None) -> None:
        """Make a change, with a step to go back to."""
        if rows == self.rows:
            return
        if typing is None or typing != self._typing:
            self._past.append(self.rows)
            del self._past[:-MOST_STEPS]
        self._future.clear()
        self._typing = typing
        self.rows = rows
        self.revision += 1
        if rows == self._past[-1]:
            # What was typed is deleted again: there is nothing to take back.
            self._past.pop()
            self._typing = None

    def _keyed(self, layers: Sequence[Layer]) -> tuple[KeyedLayer, ...]:
        return tuple(KeyedLayer(next(self._keys), layer) for layer in layers)

    def _place(self, key: int) -> int:
        for place, row in enumerate(self.rows):
            if row.key == key:
                return place
        raise ModelError("that layer has been taken away: look at the list as it is now.")


def as_typed(argument: Argument, text: str) -> Any:
    """The value that a typed text stands for; the text itself where it stands for none.

    Args:
        argument: what the text was typed for.
        text: `3`, `1e-3`, `3, 5`, `3x5`, `[2, 2]`, `relu`, `{L2: {l2: 0.01}}`.

    Example:
        >>> as_typed(CATALOGUE["Conv2D"].argument("kernel_size"), "3x5")
        [3, 5]
        >>> as_typed(CATALOGUE["Conv2D"].argument("kernel_size"), "3,")
        '3,'
    """
    text = text.strip()
    if argument.kind in ("text", "choice", "activation") or text in ("", OUTPUTS):
        return text
    written = text
    if argument.kind in ("pair", "sides", "axes", "shape", "numbers") and not text.startswith("["):
        parts = re.split("[,x×]", text)
        if len(parts) > 1 and all(part.strip() for part in parts):
            written = f"[{','.join(parts)}]"
    try:
        value = parse_yaml(written, argument.name)
    except ModelError:
        return text
    if argument.kind == "shape" and isinstance(value, int) and not isinstance(value, bool):
        return [value]
    plain = isinstance(value, bool | int | float | list | dict)
    return value if plain else text


def _same(value: Any, default: Any) -> bool:
    """Equal, and both or neither of them true or false: 1 is not `true`."""
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def _without(rows: tuple[KeyedLayer, ...], place: int) -> tuple[KeyedLayer, ...]:
    return rows[:place] + rows[place + 1 :]


def _check_length(layers: int) -> None:
    if layers > MOST_LAYERS:
        raise ModelError(f"{MOST_LAYERS:,} layers are the most: take some away first.")
