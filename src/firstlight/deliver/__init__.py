"""Take a network out of here: ONNX, Keras, and a Keras program that stands alone.

What leaves needs no firstlight, and has been held against the run before it is left in place.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Lesson": "lesson",
    "ask_onnx": "onnx_file",
    "averaged": "ensembles",
    "calls_in_order": "network_code",
    "in_form": "ensembles",
    "notebook_of": "sections",
    "program_of": "program",
    "require_onnx": "onnx_file",
    "run_notebook": "sections",
    "script_text": "sections",
    "to_onnx": "onnx_file",
    "write_network": "network_code",
}

__all__ = [
    "Lesson",
    "ask_onnx",
    "averaged",
    "calls_in_order",
    "in_form",
    "notebook_of",
    "program_of",
    "require_onnx",
    "run_notebook",
    "script_text",
    "to_onnx",
    "write_network",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
