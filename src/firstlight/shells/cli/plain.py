"""Records as values that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any

# Pixels and per-image values are left out: they fill megabytes and lie in the run folder.
LEFT_OUT: dict[str, frozenset[str]] = {
    "Images": frozenset({"images", "targets", "names", "groups", "columns", "side_names"}),
    "Predictions": frozenset({"names", "values", "spread", "intervals", "unlike"}),
    "Report": frozenset({"predictions", "targets", "groups", "columns"}),
}


def plain(value: Any) -> Any:
    """`value` as dictionaries, lists, strings, numbers, booleans and None only.

    Dataclasses become dictionaries of their fields, without those that `LEFT_OUT` names
    for their class; NumPy arrays become lists and NumPy scalars numbers; paths become
    strings; NaN and infinity, which JSON does not have, become None.

    Raises:
        TypeError: there is no rule for a value of this type.

    Example:
        >>> from firstlight.core.scores import Score
        >>> plain(Score(0.5, low=float("nan")))
        {'value': 0.5, 'low': None, 'high': None, 'level': 0.95}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        left_out = LEFT_OUT.get(type(value).__name__, frozenset())
        return {
            item.name: plain(getattr(value, item.name))
            for item in fields(value)
            if item.name not in left_out
        }
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):  # a NumPy array or scalar, without importing NumPy
        return plain(value.tolist())
    raise TypeError(f"no rule for a {type(value).__name__} in a JSON document")
