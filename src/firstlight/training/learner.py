"""One step of training, and the state that it moves: weights, optimizer, random numbers."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.training.averaging import Average
from firstlight.training.losses import Loss
from firstlight.training.lowering import Network
from firstlight.training.machine import Machine
from firstlight.training.optimizers import Optimizer
from firstlight.training.predicting import predict

Answers = Tensor | tuple[Tensor, ...]


class Learner:
    """A network with everything that it takes to make it better by one batch.

    Attributes:
        average: the running average of the weights, which answers in place of them, or None.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        machine: Machine,
        average: Average | None = None,
    ) -> None:
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.machine = machine
        self.average = average

    def step(
        self, images: Answers, targets: Any, weights: Tensor | None, rate: float
    ) -> tuple[float, Answers]:
        """Ask the network, measure the loss and move the weights by one step of length `rate`.

        A loss that is not finite moves nothing.

        Args:
            images: `(B, H, W, C)`, or one tensor for each input of the network.
            targets: what the loss takes.
            weights: `(B,)` how much each image counts, or None: all the same.
            rate: the learning rate.

        Returns:
            The loss with the regularisers, and the answers that it was made from.
        """
        if not self.network.training:
            self.network.train()
        inputs = images if isinstance(images, tuple) else (images,)
        with self.machine.arithmetic():
            answers = self.network(*inputs)
            data_loss = self.loss(answers, targets, weights)
        penalty = self.network.penalty()
        loss = data_loss if penalty is None else data_loss + penalty
        value = loss.item()
        if np.isfinite(value):
            loss.backward()
            self.optimizer.step(rate)
            if self.average is not None:
                self.average.update()
        with torch.no_grad():
            return value, self.network.answers(answers)

    def predict(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """What the network answers for `(N, H, W, C)` images: probabilities or values."""
        with self.averaged():
            return predict(self.network, images, self.machine)

    def averaged(self) -> AbstractContextManager[None]:
        """A `with` block in which the averaged weights, if there are any, stand in the network."""
        return nullcontext() if self.average is None else self.average.in_place()

    def settle(self) -> None:
        """Leave the averaged weights, if there are any, in the network: training is over."""
        if self.average is not None:
            self.average.settle()
            self.average = None

    def penalty(self) -> float:
        """The sum of the weight regularisers."""
        with self.averaged(), torch.no_grad():
            penalty = self.network.penalty()
            return 0.0 if penalty is None else penalty.item()

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        state = {
            # In order and not by name: a layer that Keras runs is named anew in every process.
            "network": list(self.network.state_dict().values()),
            "optimizer": self.optimizer.state(),
            "random": torch.get_rng_state(),
        }
        if self.average is not None:
            state["average"] = self.average.state()
        if self.machine.device.type == "cuda":
            state["cuda_random"] = torch.cuda.get_rng_state(self.machine.device)
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state.

        Raises:
            ValueError: it is the state of another network.
        """
        ours = list(self.network.state_dict().values())
        if [one.shape for one in ours] != [one.shape for one in state["network"]]:
            raise ValueError("the state of another network")
        for one, other in zip(ours, state["network"], strict=True):
            one.copy_(other)
        self.optimizer.restore(state["optimizer"])
        if self.average is not None:
            self.average.restore(state["average"])
        torch.set_rng_state(state["random"])
        if "cuda_random" in state:
            torch.cuda.set_rng_state(state["cuda_random"], self.machine.device)
