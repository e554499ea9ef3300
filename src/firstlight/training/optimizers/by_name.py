"""Optimizers by name, as `--optimizer` takes them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Protocol

from firstlight.training.lowered import Weight
from firstlight.training.optimizers.adam import Adam, Adamax, AdamW, Lamb, Nadam
from firstlight.training.optimizers.descent import SGD, Adadelta, Adagrad, Ftrl, Lion, RMSprop
from firstlight.training.optimizers.matrices import Adafactor, Muon
from firstlight.training.optimizers.optimizer import Optimizer
from firstlight.training.optimizers.shared import Shared

KINDS: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (
        *(Adam, AdamW, Nadam, RMSprop, SGD, Adadelta, Adafactor, Adagrad, Adamax, Ftrl, Lamb),
        *(Lion, Muon),
    )
}


class Weighted(Protocol):
    """Whatever has weights that train, such as a lowered network."""

    def weights(self) -> list[Weight]:
        """The weights that train."""


def make_optimizer(
    name: str,
    network: Weighted,
    momentum: float | None = None,
    weight_decay: float | None = None,
) -> Optimizer:
    """The optimizer of that name over the weights of a network that train.

    Args:
        name: one of `firstlight.core.settings.OPTIMIZERS`; Keras's name in small letters.
        network: a lowered network.
        momentum: how much of the last step goes into the next, 0 to 1; for those of
            `firstlight.core.settings.WITH_MOMENTUM`. None: Keras's default.
        weight_decay: share of a weight that goes in a step of length 1; None: Keras's default.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> from firstlight.training.lowering import lower
        >>> layers = [import_keras().Input((4,)), import_keras().layers.Dense(2)]
        >>> network = lower(import_keras().Sequential(layers))
        >>> sorted(make_optimizer("adamw", network).moments)
        ['mean', 'square']
    """
    kind = KINDS[name]
    options: dict[str, Any] = {} if momentum is None else {"momentum": momentum}
    decay = kind.default_decay if weight_decay is None else weight_decay
    return kind(network.weights(), shared=Shared(weight_decay=decay), **options)


def option_names(kind: type[Optimizer]) -> list[str]:
    """The options that an optimizer has beside those that all share, by Keras's names.

    Example:
        >>> option_names(KINDS["nadam"])
        ['beta_1', 'beta_2', 'epsilon']
    """
    return sorted(set(_keywords(kind)))


def _keywords(kind: type[Optimizer]) -> Iterator[str]:
    for ancestor in kind.__mro__:
        if "__init__" in vars(ancestor):
            for parameter in inspect.signature(ancestor).parameters.values():
                if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                    yield parameter.name
