"""Whether two models are the same network, whatever their layers are called and weigh."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from firstlight.models.graph import calls_of

if TYPE_CHECKING:
    import keras


def architecture_digest(model: keras.Model) -> str:
    """SHA-256 (hexadecimal) over the layers, their settings and how they follow one another.

    Names and weights do not count: Keras names layers anew in every process.

    Args:
        model: a built Sequential or Functional model.

    Example:
        >>> from firstlight.models import build_model
        >>> one, two = (build_model("simple", (28, 28, 1), 10, "classify") for _ in range(2))
        >>> architecture_digest(one) == architecture_digest(two)
        True
    """
    calls = [
        [type(call.layer).__name__, _settings(call.layer), call.inputs, _plain(call.keywords)]
        for call in calls_of(model)
    ]
    return hashlib.sha256(json.dumps(calls, sort_keys=True, default=str).encode()).hexdigest()


def _settings(layer: Any) -> Any:
    return None if layer is None else _plain(layer.get_config())


def _plain(value: Any) -> Any:
    """The value without names and without tensors, which `inputs` stands for."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "name"}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
