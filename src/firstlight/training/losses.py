"""Keras's losses and metrics, on logits where that is exact.

Source of the formulas: Keras documentation, "Losses" and "Metrics"; each is tested against Keras.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from firstlight.core.errors import SettingError

Loss = Callable[[Tensor, Tensor], Tensor]
CLASS_LOSSES = ("categorical_crossentropy", "sparse_categorical_crossentropy")
# As far as Keras lets a probability go towards 0 and 1 where it has no logits.
EPSILON = 1e-7


def make_loss(name: str, head: str, outputs: int, classify: bool) -> Loss:
    """The mean loss of a batch, as a function of logits `(N, outputs)` and targets.

    Args:
        name: as in Keras (`categorical_crossentropy`, `mean_squared_error`, ...).
        head: the activation that was cut off the network: `softmax`, `sigmoid`, `linear`.
        outputs: how many numbers the network makes for one image.
        classify: whether the targets are `(N,)` class numbers; else `(N, T)` values.

    Raises:
        SettingError: the loss does not fit the targets.
    """
    if name in CLASS_LOSSES:
        if not classify:
            raise SettingError(
                f"{name} compares classes, but the targets are numbers: use mean_squared_error."
            )
        return F.cross_entropy if head == "softmax" else _crossentropy_of(_activated(head))
    elementwise = _elementwise(name, head)
    if not classify:
        return lambda logits, targets: elementwise(logits.float(), targets)
    return lambda logits, targets: elementwise(logits.float(), _one_hot(targets, outputs))


def _elementwise(name: str, head: str) -> Loss:
    answer = _activated(head)
    if name == "binary_crossentropy":
        if head == "sigmoid":
            return F.binary_cross_entropy_with_logits
        return lambda logits, targets: F.binary_cross_entropy(
            answer(logits).clamp(EPSILON, 1 - EPSILON), targets
        )
    losses: dict[str, Loss] = {
        "mean_squared_error": F.mse_loss,
        "mean_absolute_error": F.l1_loss,
        "huber": F.huber_loss,
    }
    loss = losses[name]
    return lambda logits, targets: loss(answer(logits), targets)


def _crossentropy_of(answer: Callable[[Tensor], Tensor]) -> Loss:
    """Cross-entropy of answers that are no softmax: scaled to sum 1 and clipped, as in Keras."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        answers = answer(logits.float())
        shares = (answers / answers.sum(-1, keepdim=True)).clamp(EPSILON, 1 - EPSILON)
        return F.nll_loss(shares.log(), targets)

    return loss


def _activated(head: str) -> Callable[[Tensor], Tensor]:
    if head == "softmax":
        return lambda logits: torch.softmax(logits, -1)
    return torch.sigmoid if head == "sigmoid" else lambda logits: logits


def _one_hot(targets: Tensor, outputs: int) -> Tensor:
    """`(N, outputs)` float: one column for a single output (class 0 or 1), else one a class."""
    if outputs == 1:
        return targets[:, None].float()
    return F.one_hot(targets, outputs).float()


def summed_metric(name: str, answers: Tensor, targets: Tensor) -> Tensor:
    """What a batch adds to a metric: divided by all images at the end of the epoch.

    Args:
        name: `accuracy`, `mae` or `rmse` (whose square root is taken at the end).
        answers: `(N, outputs)` probabilities or values; a single probability is of class 1.
        targets: `(N,)` class numbers or `(N, T)` values.
    """
    if name == "accuracy":
        if answers.shape[1] == 1:
            return ((answers[:, 0] > 0.5) == (targets > 0)).sum()
        return (answers.argmax(1) == targets).sum()
    difference = answers.float() - targets
    each = difference.abs() if name == "mae" else difference.square()
    return each.mean(1).sum()


def finished_metric(name: str, total: float, count: int) -> float:
    """The metric over `count` images from the sum over batches."""
    mean = total / count
    return mean**0.5 if name == "rmse" else mean
