"""The losses of `firstlight train` by name: what each of them is for, and what it needs.

Their formulas are in `firstlight.training.losses`; here is what the shape doctor and the options
have to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firstlight.core.dataset import Task

_BOTH: tuple[Task, ...] = ("classify", "measure")


@dataclass(frozen=True)
class LossUse:
    """When a loss can be used.

    Attributes:
        tasks: `classify`, `measure` or both.
        endings: the activation functions that the network's answers must come from; () is any.
        short: other names by which people know it.
    """

    tasks: tuple[Task, ...]
    endings: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


LOSSES: dict[str, LossUse] = {
    "categorical_crossentropy": LossUse(("classify",), ("softmax",)),
    "sparse_categorical_crossentropy": LossUse(("classify",), ("softmax",)),
    "binary_crossentropy": LossUse(("classify",), ("sigmoid",), ("bce",)),
    "categorical_focal_crossentropy": LossUse(("classify",), ("softmax",)),
    "binary_focal_crossentropy": LossUse(("classify",), ("sigmoid",)),
    "categorical_generalized_cross_entropy": LossUse(("classify",), ("softmax",)),
    "kl_divergence": LossUse(("classify",), ("softmax",), ("kld", "kullback_leibler_divergence")),
    "dice": LossUse(("classify",), ("softmax", "sigmoid")),
    "tversky": LossUse(("classify",), ("softmax", "sigmoid")),
    "hinge": LossUse(("classify",)),
    "squared_hinge": LossUse(("classify",)),
    "categorical_hinge": LossUse(("classify",)),
    "mean_squared_error": LossUse(_BOTH, (), ("mse",)),
    "mean_absolute_error": LossUse(_BOTH, (), ("mae",)),
    "huber": LossUse(_BOTH, (), ("huber_loss",)),
    "log_cosh": LossUse(_BOTH),
    "mean_absolute_percentage_error": LossUse(("measure",), (), ("mape",)),
    "mean_squared_logarithmic_error": LossUse(("measure",), (), ("msle",)),
    "poisson": LossUse(("measure",), ("softplus", "exponential", "relu")),
    "gaussian": LossUse(("measure",), ("linear",), ("gaussian_nll", "nll")),
    "cosine_similarity": LossUse(("measure",), (), ("cosine",)),
}


# A network that is trained with it answers twice: each value, and how far off that may be.
WITH_SPREAD = "gaussian"


def full_loss_name(name: str) -> str:
    """The loss that a name means, in any letter case, short or as Keras's class is called.

    Returns:
        A key of `LOSSES`; `name` itself where it is none of them.

    Example:
        >>> full_loss_name("MSE"), full_loss_name("MeanSquaredError"), full_loss_name("mess")
        ('mean_squared_error', 'mean_squared_error', 'mess')
    """
    return _NAMES.get(_plain(name), name)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").strip()


_NAMES = {_plain(word): name for name, use in LOSSES.items() for word in (name, *use.short)}
