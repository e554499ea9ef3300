"""Adam and its relatives: steps scaled by running averages of gradients and of their squares.

Sources: Keras documentation, "Optimizers"; Kingma & Ba 2015 (Adam, Adamax), Reddi et al. 2018
(amsgrad), Loshchilov & Hutter 2019 (AdamW), Dozat 2016 (Nadam), You et al. 2020 (Lamb).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from firstlight.training.lowered import Weight
from firstlight.training.optimizers.optimizer import Optimizer, Update, correction


class Betas(Optimizer):
    """What the family has in common: averages of the gradient and of its square."""

    kept: ClassVar = {"mean": "_momentums", "square": "_velocities"}

    def __init__(
        self,
        weights: Sequence[Weight],
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ) -> None:
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(weights, **common)

    def _average(self, update: Update) -> None:
        """Bring the two averages on by one step."""
        mean, square = update.moments["mean"], update.moments["square"]
        torch._foreach_lerp_(mean, update.gradients, 1.0 - self.beta_1)
        torch._foreach_mul_(square, self.beta_2)
        torch._foreach_addcmul_(square, update.gradients, update.gradients, 1.0 - self.beta_2)

    def _spread(self, update: Update) -> list[torch.Tensor]:
        """The typical size of a gradient, free of bias, plus epsilon."""
        share = correction(self.beta_2, update.number)
        spread = list(torch._foreach_div(update.moments["square"], share))
        torch._foreach_sqrt_(spread)
        torch._foreach_add_(spread, self.epsilon)
        return spread


class Adam(Betas):
    """Adam, in one fused pass over memory."""

    kept: ClassVar = Betas.kept | {"largest": "_velocity_hats"}

    def __init__(self, weights: Sequence[Weight], *, amsgrad: bool = False, **options: Any) -> None:
        self.amsgrad = amsgrad
        super().__init__(weights, **options)
        # The fused pass decays all weights alike or none.
        self.alike = len(set(self.decays)) == 1
        # At an infinite step torch's own bias corrections are 1: Keras's go into the rate instead,
        # since its epsilon stands beside the uncorrected square root.
        device = self.tensors[0].device if self.tensors else None
        self.endless = torch.full((), torch.inf, device=device)

    def _left_out(self) -> set[str]:
        return set() if self.amsgrad else {"largest"}

    def _decay(self, update: Update) -> None:
        if not self.alike:
            super()._decay(update)

    def _move(self, update: Update) -> None:
        first, second = (correction(beta, update.number) for beta in (self.beta_1, self.beta_2))
        longer = math.sqrt(second) / first
        torch._fused_adamw_(
            update.weights,
            update.gradients,
            update.moments["mean"],
            update.moments["square"],
            update.moments.get("largest", []),
            [self.endless] * len(update.weights),
            lr=update.rate * longer,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=self.decays[0] / longer if self.alike else 0.0,
            eps=self.epsilon,
            amsgrad=self.amsgrad,
            maximize=False,
        )


class AdamW(Adam):
    """Adam with weight decay unless told otherwise."""

    default_decay = 0.004


class Nadam(Betas):
    """Adam with Nesterov's momentum."""

    kept_scalars: ClassVar = {"product": "_u_product"}

    def _move(self, update: Update) -> None:
        now, following = (
            self.beta_1 * (1.0 - 0.5 * 0.96 ** (update.number + ahead)) for ahead in (0, 1)
        )
        product = self.scalars["product"] = self.scalars["product"] * now
        self._average(update)
        spread = self._spread(update)
        share = -update.rate * (1.0 - now) / (1.0 - product)
        torch._foreach_addcdiv_(update.weights, update.gradients, spread, share)
        share = -update.rate * following / (1.0 - product * following)
        torch._foreach_addcdiv_(update.weights, update.moments["mean"], spread, share)


class Adamax(Betas):
    """Adam with the largest gradient of late in the place of the root of the mean square."""

    kept: ClassVar = {"mean": "_m", "largest": "_u"}

    def _move(self, update: Update) -> None:
        mean, largest = update.moments["mean"], update.moments["largest"]
        torch._foreach_lerp_(mean, update.gradients, 1.0 - self.beta_1)
        torch._foreach_mul_(largest, self.beta_2)
        torch._foreach_maximum_(largest, torch._foreach_abs(update.gradients))
        spread = torch._foreach_add(largest, self.epsilon)
        share = -update.rate / correction(self.beta_1, update.number)
        torch._foreach_addcdiv_(update.weights, mean, spread, share)


class Lamb(Betas):
    """Adam whose steps are as long as the weight is large, one weight at a time."""

    def _move(self, update: Update) -> None:
        self._average(update)
        steps = torch._foreach_div(update.moments["mean"], correction(self.beta_1, update.number))
        torch._foreach_div_(steps, self._spread(update))
        sizes = torch.stack(torch._foreach_norm(update.weights))
        lengths = torch.stack(torch._foreach_norm(steps))
        ratios = torch.where((sizes > 0) & (lengths > 0), sizes / lengths, 1.0)
        torch._foreach_mul_(steps, list(ratios.unbind()))
        torch._foreach_add_(update.weights, steps, alpha=-update.rate)
