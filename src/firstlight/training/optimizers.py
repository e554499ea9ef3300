"""Keras's optimizers, with Keras's constants, on torch's fused arithmetic.

Written here and not taken from `torch.optim`, for two reasons. Keras and torch differ: Adam's
epsilon stands beside the square root *before* the bias correction in Keras and after it in
torch, RMSprop's stands inside the square root, Nadam's momentum warms up faster. And making any
`torch.optim` optimizer imports `torch._dynamo`, which takes as long as a short training.

Sources: Keras documentation, "Optimizers"; Kingma & Ba 2015 (Adam), Dozat 2016 (Nadam),
Loshchilov & Hutter 2019 (AdamW), Hinton 2012 (RMSprop).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Tensors = list[Tensor]
Moments = list[Tensors]

EPSILON = 1e-7
BETA_1, BETA_2 = 0.9, 0.999
RHO = 0.9
DECAY = 0.004


class Optimizer:
    """Moves weights against their gradients.

    Attributes:
        weights: the parameters that train.
        moments: running averages by name, each a list as long as `weights`.
        taken: how many steps were made.
    """

    names: tuple[str, ...] = ()

    def __init__(self, weights: list[nn.Parameter]) -> None:
        self.weights = weights
        self.moments = {name: [torch.zeros_like(w) for w in weights] for name in self.names}
        self.taken = 0

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every weight that has a gradient by one step of length `rate`, and forget it."""
        self.taken += 1
        moving = [number for number, w in enumerate(self.weights) if w.grad is not None]
        weights: Tensors = [self.weights[number] for number in moving]
        gradients = [w.grad for w in weights if w.grad is not None]
        moments = [[self.moments[name][number] for number in moving] for name in self.names]
        self._move(rate, weights, gradients, moments)
        for weight in weights:
            weight.grad = None

    def _move(self, rate: float, weights: Tensors, gradients: Tensors, moments: Moments) -> None:
        """Stochastic gradient descent without momentum, which is Keras's default."""
        torch._foreach_add_(weights, gradients, alpha=-rate)

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {"taken": self.taken, "moments": self.moments}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.taken = state["taken"]
        for name, tensors in state["moments"].items():
            for ours, theirs in zip(self.moments[name], tensors, strict=True):
                ours.copy_(theirs)


class Adam(Optimizer):
    """Adam."""

    names = ("mean", "square")
    decay = 0.0

    def _move(self, rate: float, weights: Tensors, gradients: Tensors, moments: Moments) -> None:
        mean, square = moments
        # torch adds epsilon after the bias correction; this one comes out as Keras's.
        epsilon = EPSILON / (1.0 - BETA_2**self.taken) ** 0.5
        step = torch.tensor(float(self.taken), device=weights[0].device)
        torch._fused_adamw_(
            weights,
            gradients,
            mean,
            square,
            [],
            [step] * len(weights),
            lr=rate,
            beta1=BETA_1,
            beta2=BETA_2,
            weight_decay=self.decay,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )


class AdamW(Adam):
    """Adam with weight decay apart from the gradient."""

    decay = DECAY


class Nadam(Adam):
    """Adam with Nesterov's momentum."""

    def __init__(self, weights: list[nn.Parameter]) -> None:
        super().__init__(weights)
        self.product = 1.0

    def _move(self, rate: float, weights: Tensors, gradients: Tensors, moments: Moments) -> None:
        mean, square = moments
        now, following = (BETA_1 * (1.0 - 0.5 * 0.96 ** (self.taken + k)) for k in (0, 1))
        self.product *= now
        torch._foreach_lerp_(mean, gradients, 1.0 - BETA_1)
        torch._foreach_mul_(square, BETA_2)
        torch._foreach_addcmul_(square, gradients, gradients, 1.0 - BETA_2)
        spread = torch._foreach_div(square, 1.0 - BETA_2**self.taken)
        torch._foreach_sqrt_(spread)
        torch._foreach_add_(spread, EPSILON)
        torch._foreach_addcdiv_(
            weights, gradients, spread, -rate * (1.0 - now) / (1.0 - self.product)
        )
        torch._foreach_addcdiv_(
            weights, mean, spread, -rate * following / (1.0 - self.product * following)
        )

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {**super().state(), "product": self.product}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        super().restore(state)
        self.product = state["product"]


class RMSprop(Optimizer):
    """RMSprop."""

    names = ("square",)

    def _move(self, rate: float, weights: Tensors, gradients: Tensors, moments: Moments) -> None:
        (square,) = moments
        torch._foreach_mul_(square, RHO)
        torch._foreach_addcmul_(square, gradients, gradients, 1.0 - RHO)
        spread = torch._foreach_add(square, EPSILON)
        torch._foreach_sqrt_(spread)
        torch._foreach_addcdiv_(weights, gradients, spread, -rate)


OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
    "rmsprop": RMSprop,
    "sgd": Optimizer,
}


def make_optimizer(name: str, network: nn.Module) -> Optimizer:
    """The optimizer of that name over the weights of a network that train."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    return OPTIMIZERS[name](weights)
