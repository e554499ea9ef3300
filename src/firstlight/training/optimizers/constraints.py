"""Keras's weight constraints: the optimizer brings a weight back into bounds after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from firstlight.core.errors import NotHonouredError
from firstlight.training.lowered import Weight

Constraint = Callable[[Tensor], object]


def in_keras_order(tensor: Tensor, weight: Weight) -> Tensor:
    """A view of a weight's tensor with its axes in the order of the Keras variable."""
    if weight.axes is None:
        return tensor
    return tensor.permute([int(axis) for axis in np.argsort(weight.axes)])


def constraint_of(weight: Weight) -> Constraint | None:
    """What brings the tensor of a weight back into bounds, in place, or None.

    Raises:
        NotHonouredError: the constraint is not one of Keras's own.
    """
    constraint = getattr(weight.variable, "constraint", None)
    if constraint is None:
        return None
    kind = type(constraint).__name__
    if not type(constraint).__module__.startswith("keras.") or kind not in BOUNDS:
        raise NotHonouredError(
            f"weight {weight.variable.path} has the constraint {kind}, which the engine does not "
            f"know: use one of {', '.join(BOUNDS)}, or train with Keras's own fit."
        )
    bound, options = BOUNDS[kind], constraint.get_config()
    return lambda tensor: bound(in_keras_order(tensor, weight), **options)


def _not_negative(w: Tensor) -> None:
    w.clamp_(min=0.0)


def _unit_norm(w: Tensor, axis: Any) -> None:
    w.div_(_norms(w, axis) + _epsilon())


def _max_norm(w: Tensor, max_value: float, axis: Any) -> None:
    norms = _norms(w, axis)
    w.mul_(norms.clamp(0.0, max_value) / (norms + _epsilon()))


def _min_max_norm(w: Tensor, min_value: float, max_value: float, rate: float, axis: Any) -> None:
    norms = _norms(w, axis)
    wanted = rate * norms.clamp(min_value, max_value) + (1.0 - rate) * norms
    w.mul_(wanted / (norms + _epsilon()))


def _epsilon() -> float:
    from keras import config

    return float(config.epsilon())


def _norms(w: Tensor, axis: Any) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(w, dim=axis, keepdim=True)
    return norms


BOUNDS: dict[str, Callable[..., None]] = {
    "MaxNorm": _max_norm,
    "MinMaxNorm": _min_max_norm,
    "NonNeg": _not_negative,
    "UnitNorm": _unit_norm,
}
