"""The losses of `firstlight train`, from the name of an option."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from firstlight.core.errors import SettingError
from firstlight.core.losses import LOSSES, WITH_SPREAD
from firstlight.training.losses import formulas
from firstlight.training.losses.gaussian import GaussianLoss
from firstlight.training.losses.loss import OF_CLASS_NUMBERS, FormulaLoss, Loss


def make_loss(
    name: str, head: str, outputs: int, classify: bool, smoothing: float | None = None
) -> Loss:
    """The loss of a batch, as a function of logits `(N, outputs)` and a data set's targets.

    Args:
        name: one of `core.losses.LOSSES`, with Keras's default options.
        head: the activation that was cut off the network: `softmax`, `sigmoid`, `linear`.
        outputs: how many numbers the network makes for one image.
        classify: whether the targets are `(N,)` class numbers; else `(N, T)` values.
        smoothing: share of each target that is spread evenly over all classes, 0 to 1, as
            Keras's `label_smoothing` (Szegedy et al. 2016, arXiv:1512.00567). None: nothing.

    Raises:
        SettingError: the loss does not fit the targets, or cannot be smoothed.

    Example:
        >>> import torch
        >>> loss = make_loss("categorical_hinge", "linear", outputs=3, classify=True)
        >>> loss(torch.tensor([[0.0, 2.0, 1.5]]), torch.tensor([1]))
        tensor(0.5000)
    """
    task = "classify" if classify else "measure"
    if task not in LOSSES[name].tasks:
        what = "classes, but the targets are numbers: use mean_squared_error."
        if classify:
            what = "measured numbers, but the targets are classes: use categorical_crossentropy."
        raise SettingError(f"{name} compares {what}")
    if name == WITH_SPREAD and not smoothing:
        return GaussianLoss()
    if smoothing:
        return _smoothed(name, head, outputs, smoothing)
    if classify and name == "categorical_crossentropy":
        # The same number, without rows of zeros and a one to multiply by.
        name = "sparse_categorical_crossentropy"
    loss = FormulaLoss(getattr(formulas, name), head)
    if not classify or loss.formula in OF_CLASS_NUMBERS:
        return loss
    return OneHotLoss(loss, outputs)


def _smoothed(name: str, head: str, outputs: int, smoothing: float) -> Loss:
    # Class numbers have no room for a share: the same loss, with a number for each class.
    formula = getattr(formulas, name.removeprefix("sparse_"), None)
    if formula is None or "label_smoothing" not in inspect.signature(formula).parameters:
        raise SettingError(
            f"--label-smoothing is for cross-entropies between classes, but the loss is {name}: "
            "leave it away (or give 0, where a preset brings it), or choose another --loss."
        )
    return OneHotLoss(FormulaLoss(formula, head, {"label_smoothing": smoothing}), outputs)


@dataclass(frozen=True)
class OneHotLoss:
    """A loss of class numbers that compares as many answers as there are classes.

    Attributes:
        loss: takes a row of zeros and a one for each image, or 0 or 1 where there is one answer.
        outputs: how many answers there are.
    """

    loss: Loss
    outputs: int

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of a batch, a scalar; `targets` are `(N,)` class numbers."""
        rows = targets[:, None] if self.outputs == 1 else F.one_hot(targets, self.outputs)
        return self.loss(logits, rows, weights)
