"""Keras's losses, image by image: `each(answers, targets, **options)` of tensors.

Answers and targets have the same rank, class numbers excepted. The formulas are those of the Keras
documentation, "Losses", to the last clipping; options have Keras's names. `epsilon` is
Keras's fuzz factor (`keras.config.epsilon()`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-7
Axes = int | tuple[int, ...] | None


def mean_squared_error(answers: Tensor, targets: Tensor) -> Tensor:
    """Mean of the squared differences over the last axis."""
    return (targets - answers).square().mean(-1)


def mean_absolute_error(answers: Tensor, targets: Tensor) -> Tensor:
    """Mean of the absolute differences over the last axis."""
    return (targets - answers).abs().mean(-1)


def mean_absolute_percentage_error(
    answers: Tensor, targets: Tensor, epsilon: float = EPSILON
) -> Tensor:
    """Mean of the differences in per cent of the target."""
    return 100 * ((targets - answers) / targets.abs().clamp(min=epsilon)).abs().mean(-1)


def mean_squared_logarithmic_error(
    answers: Tensor, targets: Tensor, epsilon: float = EPSILON
) -> Tensor:
    """Squared difference of the logarithms of one more than each; negative values count as 0."""
    # Not log1p: Keras adds first, which is where its gradient for small values comes from.
    answers, targets = (torch.log(_at_least(x, epsilon) + 1) for x in (answers, targets))
    return (answers - targets).square().mean(-1)


def huber(answers: Tensor, targets: Tensor, delta: float = 1.0) -> Tensor:
    """Half the square of differences up to `delta`, and straight on from there."""
    error = (answers - targets).abs()
    return torch.where(error <= delta, error.square() / 2, delta * error - delta**2 / 2).mean(-1)


def log_cosh(answers: Tensor, targets: Tensor) -> Tensor:
    """Logarithm of the hyperbolic cosine of the difference, without overflow."""
    error = answers - targets
    return (error + F.softplus(-2 * error) - math.log(2)).mean(-1)


def cosine_similarity(
    answers: Tensor, targets: Tensor, axis: int = -1, epsilon: float = EPSILON
) -> Tensor:
    """Minus the cosine of the angle between answer and target."""
    return -(_unit(targets, axis, epsilon) * _unit(answers, axis, epsilon)).sum(axis)


def poisson(answers: Tensor, targets: Tensor, epsilon: float = EPSILON) -> Tensor:
    """Poisson regression: answer minus target times the logarithm of the answer."""
    return (answers - targets * torch.log(answers + epsilon)).mean(-1)


def kl_divergence(answers: Tensor, targets: Tensor, epsilon: float = EPSILON) -> Tensor:
    """How far the answered distribution is from the target's (Kullback and Leibler)."""
    targets, answers = targets.clamp(epsilon, 1), answers.clamp(epsilon, 1)
    return (targets * torch.log(targets / answers)).sum(-1)


def hinge(answers: Tensor, targets: Tensor) -> Tensor:
    """How far answers are from being on the right side of 0 by 1."""
    return _margin(answers, targets).mean(-1)


def squared_hinge(answers: Tensor, targets: Tensor) -> Tensor:
    """The hinge, squared for each answer."""
    return _margin(answers, targets).square().mean(-1)


def categorical_hinge(answers: Tensor, targets: Tensor) -> Tensor:
    """How far the right answer is from being 1 larger than the largest of the others."""
    right = (targets * answers).sum(-1)
    wrong = ((1 - targets) * answers).amax(-1)
    return _at_least(wrong - right + 1, 0.0)


def categorical_crossentropy(
    answers: Tensor,
    targets: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Tensor:
    """Cross-entropy with a probability for each class as target."""
    targets = _smooth_classes(targets, label_smoothing)
    return -(targets * _log_shares(answers, from_logits, axis, epsilon)).sum(axis)


def sparse_categorical_crossentropy(
    answers: Tensor,
    targets: Tensor,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
    epsilon: float = EPSILON,
    clip_first: bool = False,
) -> Tensor:
    """Cross-entropy with class numbers as targets; those of `ignore_class` give 0.

    With `clip_first` probabilities are clipped before they are scaled to sum 1, and not after.
    """
    classes = targets.long()
    if ignore_class is not None:
        counted = classes != ignore_class
        classes = torch.where(counted, classes, 0)
    if clip_first and not from_logits:
        answers, from_logits = answers.clamp(epsilon, 1 - epsilon).log(), True
    shares = _log_shares(answers, from_logits, axis, epsilon)
    values = -shares.gather(axis, classes.unsqueeze(axis)).squeeze(axis)
    return values if ignore_class is None else torch.where(counted, values, 0.0)


def binary_crossentropy(
    answers: Tensor,
    targets: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Tensor:
    """Cross-entropy of each answer by itself: yes or no."""
    targets = targets * (1 - label_smoothing) + label_smoothing / 2
    return _binary(answers, targets, from_logits, epsilon).mean(axis)


def categorical_focal_crossentropy(
    answers: Tensor,
    targets: Tensor,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Tensor:
    """Cross-entropy in which what is known already counts less (Lin and others, 2017)."""
    targets = _smooth_classes(targets, label_smoothing)
    if from_logits:
        answers = torch.softmax(answers, axis)
    shares = _shares(answers, axis, epsilon)
    weight = torch.as_tensor(alpha, dtype=shares.dtype, device=shares.device)
    return -((1 - shares).pow(gamma) * weight * targets * torch.log(shares)).sum(axis)


def binary_focal_crossentropy(
    answers: Tensor,
    targets: Tensor,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
    epsilon: float = EPSILON,
) -> Tensor:
    """Binary cross-entropy in which what is known already counts less (Lin and others, 2017)."""
    targets = targets * (1 - label_smoothing) + label_smoothing / 2
    values = _binary(answers, targets, from_logits, epsilon)
    # 1 - sigmoid(x) is sigmoid(-x), which does not lose its digits near 1.
    yes, no = (
        (torch.sigmoid(answers), torch.sigmoid(-answers)) if from_logits else (answers, 1 - answers)
    )
    values = (targets * no + (1 - targets) * yes).pow(gamma) * values
    if apply_class_balancing:
        values = (targets * alpha + (1 - targets) * (1 - alpha)) * values
    return values.mean(axis)


def categorical_generalized_cross_entropy(
    answers: Tensor, targets: Tensor, q: float = 0.5
) -> Tensor:
    """Between cross-entropy and absolute error, for labels with mistakes (Zhang, Sabuncu, 2018)."""
    right = answers.gather(-1, targets.long()[..., None])[..., 0]
    return (1 - right.pow(q)) / q


def dice(answers: Tensor, targets: Tensor, axis: Axes = None, epsilon: float = EPSILON) -> Tensor:
    """1 minus twice the overlap over the sum of both areas."""
    overlap = torch.sum(targets * answers, axis)
    return 1 - 2 * overlap / (torch.sum(targets, axis) + torch.sum(answers, axis) + epsilon)


def tversky(
    answers: Tensor,
    targets: Tensor,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: Axes = None,
    epsilon: float = EPSILON,
) -> Tensor:
    """Dice with weights: `alpha` for what was missed, `beta` for what was wrongly found."""
    overlap = torch.sum(targets * answers, axis)
    missed = torch.sum((1 - answers) * targets, axis)
    invented = torch.sum(answers * (1 - targets), axis)
    return 1 - overlap / (overlap + missed * alpha + invented * beta + epsilon)


def _at_least(x: Tensor, least: float) -> Tensor:
    # Not clamp: where both are equal, Keras's maximum passes on half of the gradient.
    return torch.maximum(x, torch.full_like(x, least))


def _unit(x: Tensor, axis: int, epsilon: float) -> Tensor:
    return x * torch.rsqrt(_at_least(x.square().sum(axis, keepdim=True), epsilon**2))


def _margin(answers: Tensor, targets: Tensor) -> Tensor:
    # Targets of -1 and 1; a batch of nothing but 0 and 1 is taken for them, as in Keras.
    binary = ((targets == 0) | (targets == 1)).all()
    return _at_least(1 - torch.where(binary, 2 * targets - 1, targets) * answers, 0.0)


def _smooth_classes(targets: Tensor, smoothing: float) -> Tensor:
    return targets * (1 - smoothing) + smoothing / targets.shape[-1] if smoothing else targets


def _shares(answers: Tensor, axis: int, epsilon: float) -> Tensor:
    return (answers / answers.sum(axis, keepdim=True)).clamp(epsilon, 1 - epsilon)


def _log_shares(answers: Tensor, from_logits: bool, axis: int, epsilon: float) -> Tensor:
    if from_logits:
        return torch.log_softmax(answers, axis)
    return _shares(answers, axis, epsilon).log()


def _binary(answers: Tensor, targets: Tensor, from_logits: bool, epsilon: float) -> Tensor:
    if from_logits:
        return F.binary_cross_entropy_with_logits(answers, targets, reduction="none")
    # Not F.binary_cross_entropy, which stops at answers that are not numbers.
    answers = answers.clamp(epsilon, 1 - epsilon)
    return (targets - 1) * torch.log1p(-answers) - targets * answers.log()
