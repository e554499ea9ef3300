"""The options that all of Keras's optimizers share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Shared:
    """Options of every optimizer, by Keras's names.

    Attributes:
        weight_decay: share of a weight that goes in a step of length 1, or None.
        clipnorm: longest gradient of one weight, or None.
        clipvalue: largest absolute value in a gradient, or None.
        global_clipnorm: longest gradient of all weights taken together, or None.
        use_ema: keep a running average of the weights, which `Optimizer.finish` puts in.
        ema_momentum: how much of the average stays in a step, 0 to 1.
        ema_overwrite_frequency: put the average in after every so many steps, or None.
        loss_scale_factor: what the loss is multiplied with before its gradients are taken, and
            they are divided by.
        gradient_accumulation_steps: move once in so many steps, by their mean gradient, or None.
    """

    weight_decay: float | None = None
    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    use_ema: bool = False
    ema_momentum: float = 0.99
    ema_overwrite_frequency: int | None = None
    loss_scale_factor: float | None = None
    gradient_accumulation_steps: int | None = None

    def clip(self, gradients: list[Tensor]) -> None:
        """Shorten gradients in place; only one of the three ways is ever set."""
        if self.clipnorm is not None and self.clipnorm > 0:
            norms = torch.stack(torch._foreach_norm(gradients))
            shares = self.clipnorm / norms.clamp(min=self.clipnorm)
            torch._foreach_mul_(gradients, list(shares.unbind()))
        elif self.global_clipnorm is not None and self.global_clipnorm > 0:
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
            # An infinite norm has to show, as it does in Keras: inf - inf is not a number.
            share = self.global_clipnorm / norm.clamp(min=self.global_clipnorm) + (norm - norm)
            torch._foreach_mul_(gradients, share)
        elif self.clipvalue is not None and self.clipvalue > 0:
            torch._foreach_clamp_min_(gradients, -self.clipvalue)
            torch._foreach_clamp_max_(gradients, self.clipvalue)
