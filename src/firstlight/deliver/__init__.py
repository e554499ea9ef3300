"""Take a network out of here: ONNX, Keras, and a Keras program that stands alone.

What leaves needs no firstlight, and has been held against the run before it is left in place.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "ask_onnx": "to_onnx",
    "averaged": "ensembles",
    "require_onnx": "to_onnx",
    "to_onnx": "to_onnx",
}

__all__ = ["ask_onnx", "averaged", "require_onnx", "to_onnx"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
