"""What all optimizers have in common: Keras's order of events in a step, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from firstlight.core.errors import TrainingError
from firstlight.training.lowered import Weight
from firstlight.training.optimizers.constraints import Constraint, constraint_of
from firstlight.training.optimizers.shared import Shared

# What any optimizer may keep for each weight.
AVERAGE, ACCUMULATED = "average", "accumulated"


@dataclass(frozen=True)
class Update:
    """One movement of the weights that have a gradient.

    Attributes:
        rate: the learning rate.
        number: 1 for the first movement.
        positions: of the weights that move, among all of the optimizer's.
        weights: their tensors.
        gradients: clipped; may be overwritten.
        moments: running averages by name, in the order of `weights`.
    """

    rate: float
    number: int
    positions: list[int]
    weights: list[Tensor]
    gradients: list[Tensor]
    moments: dict[str, list[Tensor]]


class Optimizer:
    """Moves weights against their gradients, as the Keras optimizer of the same name does.

    A weight without a gradient is left alone, as Keras leaves it on TensorFlow and torch: it
    neither moves nor decays, and its moments stay; the steps are counted for all together.

    Attributes:
        weights: what trains.
        shared: the options that every optimizer has.
        moments: tensors kept for each weight, by name, each list as long as `weights`.
        scalars: numbers kept for all weights together, by name.
        taken: how many steps were made.
        origin: the Keras optimizer that this one stands in for, or None.
    """

    # Our name for what is kept, and the attribute of the Keras optimizer where it is kept there.
    kept: ClassVar[dict[str, str]] = {}
    kept_scalars: ClassVar[dict[str, str]] = {}
    default_decay: ClassVar[float | None] = None

    def __init__(
        self,
        weights: Sequence[Weight],
        shared: Shared | None = None,
        undecayed: frozenset[int] = frozenset(),
    ) -> None:
        """Set up for weights; those at the positions `undecayed` are left out of weight decay."""
        self.weights = list(weights)
        self.shared = shared or Shared(weight_decay=self.default_decay)
        self.tensors: list[Tensor] = [weight.tensor for weight in self.weights]
        self.decays = [
            0.0 if position in undecayed else self._decay_of(weight) or 0.0
            for position, weight in enumerate(self.weights)
        ]
        self.constraints: list[Constraint | None] = [constraint_of(w) for w in self.weights]
        self.moments = {
            name: [self._start(name, weight).detach() for weight in self.weights]
            for name in self._kept_names()
        }
        self.scalars = dict.fromkeys(self.kept_scalars, 1.0)
        self.taken = 0
        self.origin: Any = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Take every weight that has a gradient one step of length `rate`, and forget the gradient.

        Raises:
            TrainingError: no weight has a gradient.
        """
        positions = [number for number, w in enumerate(self.tensors) if w.grad is not None]
        if not positions:
            raise TrainingError(
                "no weight received a gradient, so there is nothing to train: see that the loss "
                "depends on a layer with trainable weights."
            )
        gradients = [g for w in self.tensors if (g := w.grad) is not None]
        if self.shared.loss_scale_factor is not None:
            torch._foreach_div_(gradients, self.shared.loss_scale_factor)
        together = self.shared.gradient_accumulation_steps or 1
        number = self.taken // together
        if together == 1:
            self._update(rate, number + 1, positions, gradients)
        else:
            held = [self.moments[ACCUMULATED][position] for position in positions]
            torch._foreach_add_(held, gradients)
            if (self.taken + 1) % together == 0:
                means = list(torch._foreach_div(held, together))
                self._update(rate, number + 1, positions, means)
                torch._foreach_zero_(self.moments[ACCUMULATED])
        if self.shared.use_ema:
            self._follow(number)
        for position in positions:
            constrain = self.constraints[position]
            if constrain is not None:
                constrain(self.tensors[position])
            self.tensors[position].grad = None
        self.taken += 1

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss to take gradients of: times `loss_scale_factor`, if there is one."""
        scale = self.shared.loss_scale_factor
        return loss if scale is None else loss * scale

    @torch.no_grad()
    def finish(self) -> None:
        """Put the averages of the weights in their place, where they are kept, after training."""
        if self.shared.use_ema:
            torch._foreach_copy_(self.tensors, self.moments[AVERAGE])

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {"taken": self.taken, "moments": self.moments, "scalars": dict(self.scalars)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.taken = state["taken"]
        self.scalars = dict(state["scalars"])
        for name, tensors in state["moments"].items():
            for ours, theirs in zip(self.moments[name], tensors, strict=True):
                ours.copy_(theirs)

    def read(self) -> None:
        """Take steps and moments over from the Keras optimizer, if it has any."""
        from firstlight.training.optimizers.keras_state import read_state

        if self.origin is not None and self.origin.built:
            read_state(self, self.origin)

    def write_back(self) -> None:
        """Carry steps and moments into the Keras optimizer, so that Keras could go on from here."""
        from firstlight.training.optimizers.keras_state import write_state

        if self.origin is not None:
            write_state(self, self.origin)

    def _kept_names(self) -> list[str]:
        """What is kept for each weight with the options given."""
        names = [name for name in self.kept if name not in self._left_out()]
        names += [AVERAGE] if self.shared.use_ema else []
        return names + ([ACCUMULATED] if self.shared.gradient_accumulation_steps else [])

    def _left_out(self) -> set[str]:
        """What of `kept` the options make needless."""
        return set()

    def _start(self, name: str, weight: Weight) -> Tensor:
        """What is kept of a weight before the first step."""
        return torch.zeros_like(weight.tensor)

    def _decay_of(self, weight: Weight) -> float | None:
        return self.shared.weight_decay

    def _update(
        self, rate: float, number: int, positions: list[int], gradients: list[Tensor]
    ) -> None:
        self.shared.clip(gradients)
        weights = [self.tensors[position] for position in positions]
        moments = {
            name: [tensors[position] for position in positions]
            for name, tensors in self.moments.items()
        }
        update = Update(rate, number, positions, weights, gradients, moments)
        self._decay(update)
        self._move(update)

    def _decay(self, update: Update) -> None:
        """Make weights smaller, apart from their gradients."""
        if any(self.decays):
            shares = [1.0 - update.rate * self.decays[place] for place in update.positions]
            torch._foreach_mul_(update.weights, shares)

    def _move(self, update: Update) -> None:
        raise NotImplementedError

    def _follow(self, number: int) -> None:
        """Bring the averages of the weights on by one step."""
        averages, every = self.moments[AVERAGE], self.shared.ema_overwrite_frequency
        share = 0.0 if number == 0 else self.shared.ema_momentum
        torch._foreach_mul_(averages, share)
        torch._foreach_add_(averages, self.tensors, alpha=1.0 - share)
        if every and (number + 1) % every == 0:
            torch._foreach_copy_(self.tensors, averages)


def correction(decay: float, number: int) -> float:
    """One minus a decay to the power of the step, in Keras's single precision.

    In double precision the first step of Adam would come out 6e-6 longer: 0.999 has no exact
    equal, and what is left of it below 1 carries the whole difference.

    Example:
        >>> round(correction(0.9, 2), 6)
        0.19
    """
    return 1.0 - float(np.float32(decay) ** np.float32(number))
