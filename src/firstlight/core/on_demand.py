"""Names of a package whose modules are imported when a name is first asked for (PEP 562)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def on_demand(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`, so that importing it costs nothing.

    Args:
        package: its `__name__`.
        homes: the module of the package in which each name lives.

    Example:
        >>> get, names = on_demand("firstlight.core", {"amount": "sizes"})
        >>> get("amount")(2000), names()
        ('2 KB', ['amount'])
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return get, lambda: sorted(homes)
