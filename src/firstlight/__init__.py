"""firstlight: from a pile of images to a trained network that you can trust and see into.

    import firstlight as fl

    data = fl.load("mnist")
    run = fl.train(data)
    run.report

Every verb is documented in `firstlight.api`; what they need is loaded when they run.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = [
    "Run",
    "check",
    "compare",
    "convert",
    "doctor",
    "eject",
    "evaluate",
    "explore",
    "export",
    "fit",
    "inside",
    "list_models",
    "load",
    "look",
    "lr",
    "predict",
    "resume",
    "simulate",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("firstlight.api"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
