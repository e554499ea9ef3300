"""Whether two models are the same network, whatever their layers are called and weigh."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.models.backend import import_keras
from firstlight.models.graph import Call, Tensor, calls_of

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
        [
            type(call.layer).__name__,
            _settings(call.layer),
            call.inputs,
            _plain(call.keywords),
            *_beside_tensors(call),
        ]
        for call in calls_of(model)
    ]
    return hashlib.sha256(json.dumps(calls, sort_keys=True, default=str).encode()).hexdigest()


def _settings(layer: Any) -> Any:
    return None if layer is None else _plain(layer.get_config())


def _beside_tensors(call: Call) -> list[Any]:
    """The arguments of a call that gets more than tensors, as `2.0 - x` and `x[:, 1:]` do."""
    given = import_keras().tree.flatten(call.arguments)
    return [] if all(isinstance(one, Tensor) for one in given) else [_plain(call.arguments)]


def _plain(value: Any) -> Any:
    """The value without names and without tensors, which `inputs` stands for."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key != "name"}
    if isinstance(value, slice):
        return [value.start, value.stop, value.step]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
