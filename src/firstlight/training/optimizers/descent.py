"""Gradient descent and the optimizers that scale it by the history of each weight's gradient.

Sources: Keras documentation, "Optimizers"; Sutskever et al. 2013 (SGD with momentum), Hinton 2012
(RMSprop), Duchi et al. 2011 (Adagrad), Zeiler 2012 (Adadelta), McMahan et al. 2013 (Ftrl), Chen
et al. 2023 (Lion).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from firstlight.training.lowered import Weight
from firstlight.training.optimizers.optimizer import Optimizer, Update


class SGD(Optimizer):
    """Stochastic gradient descent."""

    kept: ClassVar = {"velocity": "momentums"}

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Any,
    ) -> None:
        self.momentum, self.nesterov = momentum, nesterov
        super().__init__(weights, **common)

    def _left_out(self) -> set[str]:
        return set() if self.momentum else {"velocity"}

    def _move(self, update: Update) -> None:
        if not self.momentum:
            torch._foreach_add_(update.weights, update.gradients, alpha=-update.rate)
            return
        velocity = update.moments["velocity"]
        torch._foreach_mul_(velocity, self.momentum)
        torch._foreach_add_(velocity, update.gradients, alpha=-update.rate)
        if self.nesterov:
            torch._foreach_add_(update.weights, velocity, alpha=self.momentum)
            torch._foreach_add_(update.weights, update.gradients, alpha=-update.rate)
        else:
            torch._foreach_add_(update.weights, velocity)


class RMSprop(Optimizer):
    """Gradients divided by the root of the running mean of their squares."""

    kept: ClassVar = {
        "square": "_velocities",
        "mean": "_average_gradients",
        "velocity": "_momentums",
    }

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Any,
    ) -> None:
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        super().__init__(weights, **common)

    def _left_out(self) -> set[str]:
        unused = set() if self.momentum > 0 else {"velocity"}
        return unused if self.centered else unused | {"mean"}

    def _move(self, update: Update) -> None:
        square, gradients = update.moments["square"], update.gradients
        torch._foreach_mul_(square, self.rho)
        torch._foreach_addcmul_(square, gradients, gradients, 1.0 - self.rho)
        if self.centered:
            mean = update.moments["mean"]
            torch._foreach_lerp_(mean, gradients, 1.0 - self.rho)
            spread = torch._foreach_addcmul(square, mean, mean, -1.0)
            torch._foreach_add_(spread, self.epsilon)
        else:
            spread = torch._foreach_add(square, self.epsilon)
        torch._foreach_sqrt_(spread)
        if self.momentum > 0:
            velocity = update.moments["velocity"]
            torch._foreach_mul_(velocity, self.momentum)
            torch._foreach_addcdiv_(velocity, gradients, spread, update.rate)
            torch._foreach_sub_(update.weights, velocity)
        else:
            torch._foreach_addcdiv_(update.weights, gradients, spread, -update.rate)


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares."""

    kept: ClassVar = {"square": "_accumulators"}

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Any,
    ) -> None:
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(weights, **common)

    def _start(self, name: str, weight: Weight) -> Tensor:
        start = super()._start(name, weight)
        return start.fill_(self.initial_accumulator_value) if name == "square" else start

    def _move(self, update: Update) -> None:
        square, gradients = update.moments["square"], update.gradients
        torch._foreach_addcmul_(square, gradients, gradients)
        spread = torch._foreach_add(square, self.epsilon)
        torch._foreach_sqrt_(spread)
        torch._foreach_addcdiv_(update.weights, gradients, spread, -update.rate)


class Adadelta(Optimizer):
    """Gradients in units of the steps of late."""

    kept: ClassVar = {"square": "_accumulated_grads", "moved": "_accumulated_delta_vars"}

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Any,
    ) -> None:
        self.rho, self.epsilon = rho, epsilon
        super().__init__(weights, **common)

    def _move(self, update: Update) -> None:
        square, moved = update.moments["square"], update.moments["moved"]
        torch._foreach_mul_(square, self.rho)
        torch._foreach_addcmul_(square, update.gradients, update.gradients, 1.0 - self.rho)
        steps = torch._foreach_mul(self._root(moved), update.gradients)
        torch._foreach_div_(steps, self._root(square))
        torch._foreach_mul_(moved, self.rho)
        torch._foreach_addcmul_(moved, steps, steps, 1.0 - self.rho)
        torch._foreach_add_(update.weights, steps, alpha=-update.rate)

    def _root(self, squares: list[Tensor]) -> list[Tensor]:
        roots = list(torch._foreach_add(squares, self.epsilon))
        torch._foreach_sqrt_(roots)
        return roots


class Lion(Optimizer):
    """Steps of equal length in every direction, by the sign of a running average."""

    kept: ClassVar = {"mean": "_momentums"}

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Any,
    ) -> None:
        self.beta_1, self.beta_2 = beta_1, beta_2
        super().__init__(weights, **common)

    def _move(self, update: Update) -> None:
        mean = update.moments["mean"]
        steps = torch._foreach_mul(mean, self.beta_1)
        torch._foreach_add_(steps, update.gradients, alpha=1.0 - self.beta_1)
        torch._foreach_sign_(steps)
        torch._foreach_add_(update.weights, steps, alpha=-update.rate)
        torch._foreach_mul_(mean, self.beta_2)
        torch._foreach_add_(mean, update.gradients, alpha=1.0 - self.beta_2)


class Ftrl(Optimizer):
    """Follow the regularised leader: weights that are not needed become exactly 0."""

    kept: ClassVar = {"square": "_accumulators", "linear": "_linears"}

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Any,
    ) -> None:
        self.power = -learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1, self.l2 = l1_regularization_strength, l2_regularization_strength
        self.shrinkage, self.beta = l2_shrinkage_regularization_strength, beta
        super().__init__(weights, **common)

    def _start(self, name: str, weight: Weight) -> Tensor:
        start = super()._start(name, weight)
        return start.fill_(self.initial_accumulator_value) if name == "square" else start

    def _move(self, update: Update) -> None:
        weights, gradients = update.weights, update.gradients
        square, linear = update.moments["square"], update.moments["linear"]
        before = torch._foreach_pow(square, self.power)
        torch._foreach_addcmul_(square, gradients, gradients)
        # From here on `stiffness` is how strongly a weight is held where it is.
        stiffness = torch._foreach_pow(square, self.power)
        torch._foreach_add_(linear, gradients)
        torch._foreach_add_(linear, weights, alpha=2.0 * self.shrinkage)
        held = torch._foreach_sub(stiffness, before)
        torch._foreach_div_(held, update.rate)
        torch._foreach_addcmul_(linear, held, weights, -1.0)
        torch._foreach_div_(stiffness, update.rate)
        rest = self.beta / update.rate if self.beta else 0.0
        torch._foreach_add_(stiffness, 2.0 * self.l2 + rest)
        wanted = torch._foreach_clamp_max(linear, self.l1)
        torch._foreach_clamp_min_(wanted, -self.l1)
        torch._foreach_sub_(wanted, linear)
        torch._foreach_div_(wanted, stiffness)
        torch._foreach_copy_(weights, wanted)
