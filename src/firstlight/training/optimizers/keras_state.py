"""Steps taken and moments, from a Keras optimizer and back into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from firstlight.core.errors import NotHonouredError
from firstlight.training.lowered import array_of, turned, turned_back
from firstlight.training.optimizers.optimizer import ACCUMULATED, AVERAGE, Optimizer

# Where Keras keeps what any optimizer may keep.
_COMMON = {AVERAGE: "_model_variables_moving_average", ACCUMULATED: "_accumulated_gradients"}


def read_state(ours: Optimizer, theirs: Any) -> None:
    """Go on from where a built Keras optimizer stands."""
    ours.taken = int(array_of(theirs._iterations))
    for name, attribute in ours.kept_scalars.items():
        ours.scalars[name] = float(array_of(getattr(theirs, attribute)))
    for tensor, variable, axes in _pairs(ours, theirs):
        tensor.copy_(turned(array_of(variable), axes))


def write_state(ours: Optimizer, theirs: Any) -> None:
    """Make a Keras optimizer stand where ours does; it is built first, if it is not yet."""
    if not theirs.built:
        theirs.build([weight.variable for weight in ours.weights])
    theirs._iterations.assign(ours.taken)
    for name, attribute in ours.kept_scalars.items():
        getattr(theirs, attribute).assign(ours.scalars[name])
    for tensor, variable, axes in _pairs(ours, theirs):
        variable.assign(turned_back(tensor, axes))


def _pairs(ours: Optimizer, theirs: Any) -> Iterator[tuple[Tensor, Any, tuple[int, ...] | None]]:
    """Each tensor that is kept, the Keras variable that holds the same, and the order of axes."""
    for name, tensors in ours.moments.items():
        variables = getattr(theirs, (_COMMON | ours.kept)[name])
        for weight, tensor in zip(ours.weights, tensors, strict=True):
            variable = variables[_position(theirs, weight.variable)]
            if variable is not None:
                # Means over rows or columns have fewer axes and lie as Keras's do.
                axes = weight.axes if tensor.dim() == weight.tensor.dim() else None
                yield tensor, variable, axes


def _position(theirs: Any, variable: Any) -> int:
    try:
        return int(theirs._get_variable_index(variable))
    except KeyError:
        raise NotHonouredError(
            f"optimizer {type(theirs).__name__} was built for other weights than "
            f"{variable.path}: compile the model anew with a new optimizer."
        ) from None
