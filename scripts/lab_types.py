#!/usr/bin/env python3
"""Write the TypeScript types of the lab's messages, made from the server's own classes.

Run it after a change in src/firstlight/shells/lab/messages: each module there, and what the
messages take from firstlight.core, becomes a file of lab/src/messages.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

from msgspec import inspect as types

from firstlight.shells.lab import messages
from firstlight.shells.lab.messages.base import Value

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "lab/src/messages"
HEAD = "// Made by scripts/lab_types.py from src/firstlight/shells/lab/messages: change that.\n"
PLAIN = {
    types.StrType: "string",
    types.BytesType: "string",  # base64
    types.IntType: "number",
    types.FloatType: "number",
    types.BoolType: "boolean",
    types.NoneType: "null",
    types.AnyType: "unknown",
}
Fields = types.StructType | types.DataclassType


def home_of(cls: type) -> str:
    """The file that a class is declared in."""
    package, _, module = cls.__module__.rpartition(".")
    if cls.__module__ == messages.__name__:
        return "index"
    return module if package == messages.__name__ else "core"


class Writer:
    """Collects the declarations that a type needs, each once, by file."""

    def __init__(self) -> None:
        self.declared: dict[str, dict[str, str]] = {}
        self.uses: dict[str, set[str]] = {}
        self.homes: dict[str, str] = {"Value": "base"}
        self._classes: dict[str, type] = {}
        self.value = ""
        # The one union that the page needs a name for.
        self.value = self.word(types.type_info(Value), "base")
        about = "/** What a setting can be; null is unset. */"
        self.declared["base"] = {"Value": f"{about}\nexport type Value = {self.value};\n"}

    def word(self, kind: types.Type, home: str) -> str:
        """How TypeScript writes a type in the file `home`."""
        if type(kind) in PLAIN:
            return PLAIN[type(kind)]
        if isinstance(kind, types.LiteralType):
            return " | ".join(f'"{value}"' for value in kind.values)
        if isinstance(kind, types.UnionType):
            words = [self.word(one, home) for one in kind.types]
            word = " | ".join(sorted(dict.fromkeys(words), key=lambda word: word == "null"))
            return self._use("Value", home) if word == self.value else word
        if isinstance(kind, types.DictType):
            return f"Record<string, {self.word(kind.value_type, home)}>"
        if isinstance(kind, types.VarTupleType | types.ListType):
            word = self.word(kind.item_type, home)
            return f"({word})[]" if "|" in word else f"{word}[]"
        if isinstance(kind, types.TupleType):
            return f"[{', '.join(self.word(one, home) for one in kind.item_types)}]"
        if isinstance(kind, types.StructType | types.DataclassType):
            return self._use(self._declare(kind), home)
        raise TypeError(f"no rule for {kind}")

    def _use(self, name: str, home: str) -> str:
        self.uses.setdefault(home, set()).add(name)
        return name

    def _declare(self, kind: Fields) -> str:
        name = kind.cls.__name__
        if self._classes.setdefault(name, kind.cls) is not kind.cls:
            raise TypeError(f"two classes are called {name}: rename one")
        if name not in self.homes:
            home = self.homes[name] = home_of(kind.cls)  # first: it may hold itself
            self.declared.setdefault(home, {})[name] = self._declaration(name, kind, home)
        return name

    def _declaration(self, name: str, kind: Fields, home: str) -> str:
        about = (inspect.getdoc(kind.cls) or "").partition("\n")[0]
        if isinstance(kind, types.StructType) and kind.array_like:
            words = ", ".join(f"{one.name}: {self.word(one.type, home)}" for one in kind.fields)
            return f"/** {about} */\nexport type {name} = [{words}];\n"
        lines = [f"/** {about} */", f"export interface {name} {{"]
        if isinstance(kind, types.StructType) and kind.tag is not None:
            lines.append(f'  kind: "{kind.tag}";')
        lines += [f"  {one.encode_name}: {self.word(one.type, home)};" for one in kind.fields]
        return "\n".join([*lines, "}\n"])

    def imports(self, home: str) -> list[str]:
        """What the file `home` takes from the others."""
        wanted: dict[str, list[str]] = {}
        for name in sorted(self.uses.get(home, ())):
            if self.homes[name] != home:
                wanted.setdefault(self.homes[name], []).append(name)
        lines = []
        for other, names in sorted(wanted.items()):
            line = f'import type {{ {", ".join(names)} }} from "./{other}";'
            if len(line) > 100:
                line = "\n".join(
                    ["import type {", *(f"  {name}," for name in names), f'}} from "./{other}";']
                )
            lines.append(line)
        return ["\n".join(lines) + "\n"] if lines else []


def typescript() -> dict[str, str]:
    """The text of every file, by its name."""
    writer = Writer()
    unions: dict[str, Any] = {"FromTab": messages.FromTab, "ToTab": messages.ToTab}
    ends = [
        f"export type {name} =\n"
        + "\n".join(f"  | {writer.word(types.type_info(one), 'index')}" for one in get_args(union))
        + ";\n"
        for name, union in unions.items()
    ]
    others = sorted(set(writer.declared) - {"index"})
    exported = "\n".join(f'export type * from "./{other}";' for other in others) + "\n"
    files = {}
    for home in ["index", *others]:
        parts = [HEAD, *writer.imports(home), *writer.declared[home].values()]
        if home == "index":
            parts = [*parts[:2], exported, *parts[2:], *ends]
        files[f"{home}.ts"] = "\n".join(parts)
    return files


def write() -> None:
    """Write the files and take away those that are no longer made."""
    files = typescript()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.ts"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
