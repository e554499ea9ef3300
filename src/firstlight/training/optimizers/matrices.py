"""Optimizers that see a weight as a matrix. Sources: Keras documentation, "Optimizers"; Shazeer &
Stern 2018 (Adafactor); Jordan et al. 2024 and Liu et al. 2025 (Muon).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from firstlight.training.lowered import Weight
from firstlight.training.optimizers.constraints import in_keras_order
from firstlight.training.optimizers.optimizer import Optimizer, Update, correction


class Adafactor(Optimizer):
    """Squared gradients kept as their means over rows and columns.

    Rows and columns are the last two axes of the Keras variable: inputs and outputs.
    """

    kept: ClassVar = {"rows": "_r", "columns": "_c", "square": "_v"}

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Any,
    ) -> None:
        # Keras's own step is never longer than 1/sqrt(number), whatever relative_step says.
        self.relative_step = relative_step
        self.beta_2_decay, self.clip_threshold = beta_2_decay, clip_threshold
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        super().__init__(weights, **common)

    def _start(self, name: str, weight: Weight) -> Tensor:
        square = in_keras_order(weight.tensor, weight)
        if name in ("rows", "columns"):
            if square.dim() < 2:
                return square.new_zeros(())
            return torch.zeros_like(square.select(-1 if name == "rows" else -2, 0))
        return super()._start(name, weight)

    def _move(self, update: Update) -> None:
        keep = 1.0 - update.number**self.beta_2_decay
        longest = min(update.rate, 1.0 / math.sqrt(update.number))
        for place, weight, gradient, rows, columns, square in zip(
            update.positions,
            update.weights,
            update.gradients,
            *(update.moments[name] for name in ("rows", "columns", "square")),
            strict=True,
        ):
            size = _root_mean_square(weight).clamp(min=self.epsilon_2)
            squares = gradient.square().add_(self.epsilon_1)
            if weight.dim() < 2:
                square.lerp_(squares, 1.0 - keep)
            else:
                squares = in_keras_order(squares, self.weights[place])
                rows.lerp_(squares.mean(-1), 1.0 - keep)
                columns.lerp_(squares.mean(-2), 1.0 - keep)
                shares = (rows / rows.mean(-1, keepdim=True)).unsqueeze(-1)
                in_keras_order(square, self.weights[place]).copy_(shares * columns.unsqueeze(-2))
            step = gradient / square.sqrt()
            step /= (_root_mean_square(step) / self.clip_threshold).clamp(min=1.0)
            weight.sub_(step * size, alpha=longest)


class Muon(Optimizer):
    """Matrices take steps of which all singular values are about 1; all else goes by Adam."""

    kept: ClassVar = {"mean": "momentums", "square": "adam_velocities"}
    default_decay = 0.004

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        exclude_layers: Sequence[str] = (),
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1.0,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **common: Any,
    ) -> None:
        self.beta_1, self.beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.excluded = tuple(exclude_layers) + (("(?i)embedding",) if exclude_embeddings else ())
        self.coefficients = muon_a, muon_b, muon_c
        self.momentum, self.nesterov = momentum, nesterov
        self.ns_steps, self.rms_rate = ns_steps, rms_rate
        super().__init__(weights, **common)

    def _by_adam(self, weight: Weight) -> bool:
        """Whether a weight is no matrix, or was left out by its name."""
        path = weight.variable.path
        return weight.tensor.dim() != 2 or any(re.search(word, path) for word in self.excluded)

    def _decay_of(self, weight: Weight) -> float | None:
        by_adam = self._by_adam(weight)
        return self.adam_weight_decay if by_adam else self.shared.weight_decay

    def _start(self, name: str, weight: Weight) -> Tensor:
        if name == "square" and not self._by_adam(weight):
            return weight.tensor.new_zeros(())
        return super()._start(name, weight)

    def _move(self, update: Update) -> None:
        for place, weight, gradient, mean, square in zip(
            update.positions,
            update.weights,
            update.gradients,
            update.moments["mean"],
            update.moments["square"],
            strict=True,
        ):
            if self._by_adam(self.weights[place]):
                mean.lerp_(gradient, 1.0 - self.beta_1)
                square.mul_(self.beta_2).addcmul_(gradient, gradient, value=1.0 - self.beta_2)
                first, second = (correction(b, update.number) for b in (self.beta_1, self.beta_2))
                rate = update.rate * self.adam_lr_ratio * math.sqrt(second) / first
                weight.addcdiv_(mean, square.sqrt().add_(self.epsilon), value=-rate)
            else:
                mean.mul_(self.momentum).add_(gradient)
                step = gradient.add(mean, alpha=self.momentum) if self.nesterov else mean
                scale = 1.0 if self.rms_rate is None else self.rms_rate * max(weight.shape) ** 0.5
                weight.sub_(self._straighten(step), alpha=update.rate * scale)

    def _straighten(self, x: Tensor) -> Tensor:
        """The matrix with its singular values brought near 1, by Newton-Schulz iteration."""
        a, b, c = self.coefficients
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        x = x / (torch.linalg.matrix_norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if tall else x


def _root_mean_square(x: Tensor) -> Tensor:
    return x.square().mean().sqrt()
