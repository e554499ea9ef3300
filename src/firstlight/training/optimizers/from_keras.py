"""The equal of a compiled model's Keras optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from firstlight.core.errors import NotHonouredError
from firstlight.training.lowered import Weight
from firstlight.training.optimizers.by_name import KINDS, option_names
from firstlight.training.optimizers.optimizer import Optimizer
from firstlight.training.optimizers.shared import Shared

REASONS = {
    "LossScaleOptimizer": "its scale is for 16 bit floats of small range, which the engine does "
    "not use",
    "MultiOptimizer": "the engine moves all weights by one optimizer",
    "ScheduleFreeAdamW": "Keras's backends do not agree on its arithmetic",
}


def optimizer_from_keras(keras_optimizer: Any, weights: Sequence[Weight]) -> Optimizer:
    """The optimizer that does what a Keras optimizer does, and goes on from where it stands.

    Options are read from the object; steps and moments too, where it has been built. The
    learning rate is not: see `schedule_from_keras`.

    Args:
        keras_optimizer: of any backend, as `model.optimizer` of a compiled model.
        weights: what trains; their variables are among those that the optimizer was built for.

    Raises:
        NotHonouredError: it is none of Keras's own classes, or one without an equal here, or was
            built for other weights, or a weight has a constraint of the user's own.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> from firstlight.training.lowering import lower
        >>> keras = import_keras()
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> theirs = keras.optimizers.SGD(momentum=0.9)
        >>> optimizer = optimizer_from_keras(theirs, lower(model).weights())
        >>> optimizer.momentum, optimizer.taken
        (0.9, 0)
    """
    kind = _kind(keras_optimizer)
    shared = Shared(**{item.name: getattr(keras_optimizer, item.name) for item in fields(Shared)})
    options = {name: getattr(keras_optimizer, name) for name in option_names(kind)}
    undecayed = frozenset(
        position
        for position, weight in enumerate(weights)
        if not _decays(keras_optimizer, weight.variable)
    )
    optimizer = kind(weights, shared=shared, undecayed=undecayed, **options)
    optimizer.origin = keras_optimizer
    optimizer.read()
    return optimizer


def _kind(keras_optimizer: Any) -> type[Optimizer]:
    theirs = type(keras_optimizer)
    own = theirs.__module__.startswith("keras.")
    kind = KINDS.get(theirs.__name__.lower())
    if own and kind is not None:
        return kind
    reason = REASONS.get(theirs.__name__) if own else "it is not one of Keras's own classes"
    raise NotHonouredError(
        f"optimizer {theirs.__name__} cannot be honoured: {reason or 'the engine has no equal'}."
    )


def _decays(keras_optimizer: Any, variable: Any) -> bool:
    """Whether weight decay is for this variable: Keras's own word, asked as Keras asks."""
    import keras

    # On TensorFlow, names are matched against those of TensorFlow's variables ("kernel:0"),
    # except by Muon, which has a weight decay of its own.
    raw = keras.backend.backend() == "tensorflow" and type(keras_optimizer).__name__ != "Muon"
    return bool(keras_optimizer._use_weight_decay(variable.value if raw else variable))
