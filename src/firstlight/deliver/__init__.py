"""Take a network out of here: ONNX, Keras, and a Keras program that stands alone.

What leaves needs no firstlight, and has been held against the run before it is left in place.
"""

from __future__ import annotations

from firstlight.core.on_demand import on_demand

_HOMES = {
    "Lesson": "lesson",
    "ask_onnx": "onnx_file",
    "averaged": "ensembles",
    "calls_in_order": "network_code",
    "in_form": "ensembles",
    "notebook_of": "sections",
    "printed_scores": "program",
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
    "printed_scores",
    "program_of",
    "require_onnx",
    "run_notebook",
    "script_text",
    "to_onnx",
    "write_network",
]

__getattr__, __dir__ = on_demand(__name__, _HOMES)
