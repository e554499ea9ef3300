"""A loss as the training loop calls it: of logits, targets and weights, with Keras's reduction."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from firstlight.core.errors import ModelError
from firstlight.training.losses import formulas

Formula = Callable[..., Tensor]
# Cross-entropies, and the activation whose logits they take.
LOGITS_OF: dict[Formula, str] = {
    formulas.categorical_crossentropy: "softmax",
    formulas.sparse_categorical_crossentropy: "softmax",
    formulas.binary_crossentropy: "sigmoid",
    formulas.binary_focal_crossentropy: "sigmoid",
}
# Their targets are class numbers: of the answers' shape without the axis of the classes.
OF_CLASS_NUMBERS: frozenset[Formula] = frozenset(
    {formulas.sparse_categorical_crossentropy, formulas.categorical_generalized_cross_entropy}
)


class Loss(Protocol):
    """What training makes small."""

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of a batch, a scalar; `weights` is `(N,)`, one an image."""
        ...


@dataclass(frozen=True)
class FormulaLoss:
    """One of Keras's losses, computed from logits where that is exact.

    Keras computes a cross-entropy behind a softmax or sigmoid from clipped probabilities (its
    TensorFlow backend from the logits). Here it is computed from the logits: the same number until
    a probability comes within 1e-7 of 0 or 1, and one with a gradient beyond.

    Attributes:
        formula: the loss of each image, in `formulas`.
        head: the activation that was cut off the network: `softmax`, `sigmoid`, `linear`.
        options: the formula's options.
        reduction: `sum_over_batch_size`, `mean`, `sum` or `mean_with_sample_weight`, as in Keras.
        dtype: of the computation.
        as_tensorflow: follow Keras's TensorFlow backend where it differs from torch and JAX. It
            takes a cross-entropy from the logits behind any softmax or sigmoid, whatever
            `from_logits` says, and clips probabilities of class numbers before it scales them.

    Example:
        >>> loss = FormulaLoss(formulas.sparse_categorical_crossentropy, "softmax")
        >>> loss(torch.zeros(2, 4), torch.tensor([0, 3]))
        tensor(1.3863)
    """

    formula: Formula
    head: str
    options: Mapping[str, Any] = field(default_factory=dict)
    reduction: str = "sum_over_batch_size"
    dtype: torch.dtype = torch.float32
    as_tensorflow: bool = False

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            logits: `(N, ..., K)`, what the network answers without its last activation.
            targets: `(N, ..., K)` or as Keras takes them: class numbers without the last axis,
                `(N,)` for `(N, 1)` answers.
            weights: `(N,)`, or one for each number of `each`.

        Raises:
            ModelError: the shapes do not fit each other.
        """
        answers, targets = self._aligned(logits, targets)
        values = self._of(answers, targets)
        ignored = self.options.get("ignore_class")
        counted = None if ignored is None else (targets != ignored).reshape(values.shape)
        if weights is not None:
            weights = weights.to(self.dtype)
        return reduced(values, weights, counted, self.reduction)

    def each(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The losses before they are reduced: `(N, ...)`, or a scalar for Dice and Tversky."""
        return self._of(*self._aligned(logits, targets))

    def _of(self, answers: Tensor, targets: Tensor) -> Tensor:
        options = dict(self.options)
        if self._takes_logits:
            options["from_logits"] = True
        if self.as_tensorflow and self.formula is formulas.sparse_categorical_crossentropy:
            options["clip_first"] = True
        return self.formula(answers, targets, **options)

    @property
    def _takes_logits(self) -> bool:
        """Whether the head's logits go into the formula, and not the head's probabilities."""
        if self.head == "linear" or self.formula not in LOGITS_OF:
            return False
        if self.as_tensorflow and self.formula is not formulas.binary_focal_crossentropy:
            return True
        # `from_logits` behind an activation is taken at its word; softmax is over the last axis.
        return (
            LOGITS_OF[self.formula] == self.head
            and not self.options.get("from_logits", False)
            and (self.head == "sigmoid" or self.options.get("axis", -1) == -1)
        )

    def _aligned(self, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Answers (or logits) and targets of shapes that fit each other."""
        answers = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if not self._takes_logits:
            answers = activated(answers, self.head)
        targets, answers = same_rank(targets.to(self.dtype), answers.to(self.dtype))
        if self.formula in OF_CLASS_NUMBERS:
            axis = self.options.get("axis", -1)
            if targets.dim() == answers.dim() and targets.shape[axis] == 1:
                targets = targets.squeeze(axis)
            wanted = list(answers.shape)
            del wanted[axis]
            fits = list(targets.shape) == wanted
        elif self.formula in LOGITS_OF:
            fits = targets.shape == answers.shape
        else:
            fits = broadcastable(targets, answers)
        if not fits:
            raise ModelError(
                f"{self.formula.__name__} cannot compare answers of shape {tuple(logits.shape)} "
                f"with targets of shape {tuple(targets.shape)}: make the last layer answer with "
                "one number for each target, or one for each class."
            )
        return answers, targets


@dataclass(frozen=True)
class KerasLoss:
    """A Keras loss object that is called as it is, on Keras's torch backend.

    Attributes:
        loss: called with targets, answers and `sample_weight`.
        head: the activation that was cut off the network: `softmax`, `sigmoid`, `linear`.
    """

    loss: Any
    head: str

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of a batch, a scalar, with its gradient through Keras's own operations."""
        answers = activated(logits.to(torch.promote_types(logits.dtype, torch.float32)), self.head)
        # A copy: where a loss ignores targets, Keras on torch changes the weights in place.
        weights = None if weights is None else weights.clone()
        value: Tensor = self.loss(targets, answers, sample_weight=weights)
        return value


def activated(logits: Tensor, head: str) -> Tensor:
    """What the network answers: the head's activation of its logits, over the last axis."""
    if head == "softmax":
        return torch.softmax(logits, -1)
    return torch.sigmoid(logits) if head == "sigmoid" else logits


def with_epsilon(formula: Formula, epsilon: float) -> dict[str, float]:
    """Keras's fuzz factor as an option, where the formula has it."""
    return {"epsilon": epsilon} if "epsilon" in inspect.signature(formula).parameters else {}


def same_rank(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Both with as many axes, by Keras's rule, where one has a last axis of 1 more.

    `(N,)` beside `(N, 1)` becomes `(N, 1)`; further axes of 1 are taken away.

    Source: Keras, `squeeze_or_expand_to_same_rank`.
    """
    if one.dim() == other.dim() + 1 and one.shape[-1] == 1:
        return (one, other[:, None]) if other.dim() == 1 else (one.squeeze(-1), other)
    if other.dim() == one.dim() + 1 and other.shape[-1] == 1:
        return (one[:, None], other) if one.dim() == 1 else (one, other.squeeze(-1))
    return one, other


def broadcastable(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one rank have equal axes, or an axis of 1 beside a longer one."""
    pairs = zip(one.shape, other.shape, strict=False)
    return one.dim() == other.dim() and all(a == b or 1 in (a, b) for a, b in pairs)


def reduced(
    values: Tensor, weights: Tensor | None, counted: Tensor | None, reduction: str
) -> Tensor:
    """One number of many, weighted, as Keras does it.

    Args:
        values: `(N, ...)`, or a scalar.
        weights: `(N,)` or of the shape of `values`, or None.
        counted: of the shape of `values`: False where a value counts nothing; or None.
        reduction: by the number of values (`sum_over_batch_size`, `mean`), by the sum of the
            weights (`mean_with_sample_weight`), or not divided (`sum`).

    Raises:
        ModelError: the weights do not fit the values.
    """
    if counted is not None:
        share = counted.to(values.dtype)
        if reduction in ("sum_over_batch_size", "mean"):
            # What does not count must not be divided by either.
            share = share * (share.numel() / share.sum().clamp(min=1))
        weights = share if weights is None else _product(share, weights)
    if weights is not None:
        values = _product(values, weights)
    if values.dim() == 0 or reduction == "sum":
        return values.sum()
    if reduction == "mean_with_sample_weight" and weights is not None:
        divisor = weights.sum()
        # 0 and not 0/0 where all weights are 0.
        return values.sum() * torch.where(divisor == 0, 0.0, 1 / divisor)
    return values.sum() / values.numel()


def _product(values: Tensor, weights: Tensor) -> Tensor:
    values, weights = same_rank(values, weights)
    if values.dim() > 0 and not broadcastable(values, weights):
        raise ModelError(
            f"there are losses of shape {tuple(values.shape)}, but weights of shape "
            f"{tuple(weights.shape)}: give a weight for each of them, an image's own to all of its "
            "pixels."
        )
    return values * weights
