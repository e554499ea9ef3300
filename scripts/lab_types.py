#!/usr/bin/env python3
"""Write the TypeScript types of the lab's messages, made from the server's own classes.

Run it after a change in src/firstlight/shells/lab/messages.py.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

from msgspec import inspect as types

from firstlight.shells.lab.messages import FromTab, ToTab
from firstlight.shells.lab.records import Value

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "lab/src/messages.ts"
HEAD = "// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages.py: change that.\n"
PLAIN = {
    types.StrType: "string",
    types.IntType: "number",
    types.FloatType: "number",
    types.BoolType: "boolean",
    types.NoneType: "null",
    types.AnyType: "unknown",
}
Fields = types.StructType | types.DataclassType


class Writer:
    """Collects the declarations that a type needs, each once."""

    def __init__(self) -> None:
        self.declared: dict[str, str] = {}
        self._classes: dict[str, type] = {}
        self.value = ""
        # The one union that the page needs a name for.
        self.value = self.word(types.type_info(Value))

    def word(self, kind: types.Type) -> str:
        """How TypeScript writes a type."""
        if type(kind) in PLAIN:
            return PLAIN[type(kind)]
        if isinstance(kind, types.LiteralType):
            return " | ".join(f'"{value}"' for value in kind.values)
        if isinstance(kind, types.UnionType):
            words = [self.word(one) for one in kind.types]
            word = " | ".join(sorted(dict.fromkeys(words), key=lambda word: word == "null"))
            return "Value" if word == self.value else word
        if isinstance(kind, types.DictType):
            return f"Record<string, {self.word(kind.value_type)}>"
        if isinstance(kind, types.VarTupleType | types.ListType):
            word = self.word(kind.item_type)
            return f"({word})[]" if "|" in word else f"{word}[]"
        if isinstance(kind, types.TupleType):
            return f"[{', '.join(map(self.word, kind.item_types))}]"
        if isinstance(kind, types.StructType | types.DataclassType):
            return self._declare(kind)
        raise TypeError(f"no rule for {kind}")

    def _declare(self, kind: Fields) -> str:
        name = kind.cls.__name__
        if self._classes.setdefault(name, kind.cls) is not kind.cls:
            raise TypeError(f"two classes are called {name}: rename one")
        if name not in self.declared:
            self.declared[name] = ""  # it may hold itself
            self.declared[name] = self._declaration(name, kind)
        return name

    def _declaration(self, name: str, kind: Fields) -> str:
        about = (inspect.getdoc(kind.cls) or "").partition("\n")[0]
        if isinstance(kind, types.StructType) and kind.array_like:
            words = ", ".join(f"{one.name}: {self.word(one.type)}" for one in kind.fields)
            return f"/** {about} */\nexport type {name} = [{words}];\n"
        lines = [f"/** {about} */", f"export interface {name} {{"]
        if isinstance(kind, types.StructType) and kind.tag is not None:
            lines.append(f'  kind: "{kind.tag}";')
        lines += [f"  {one.encode_name}: {self.word(one.type)};" for one in kind.fields]
        return "\n".join([*lines, "}\n"])


def typescript() -> str:
    """The whole file."""
    writer = Writer()
    unions: dict[str, Any] = {"FromTab": FromTab, "ToTab": ToTab}
    ends = [
        f"export type {name} =\n"
        + "".join(f"  | {writer.word(types.type_info(one))}\n" for one in get_args(union)).rstrip()
        + ";\n"
        for name, union in unions.items()
    ]
    value = f"/** What a setting can be; null is unset. */\nexport type Value = {writer.value};\n"
    return "\n".join([HEAD, value, *writer.declared.values(), *ends])


if __name__ == "__main__":
    FILE.write_text(typescript(), encoding="utf-8")
