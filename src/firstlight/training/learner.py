"""One step of training, and the state that it moves: weights, optimizer, random numbers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.settings import TrainSettings
from firstlight.core.stored import ImageArray
from firstlight.training.averaging import Average
from firstlight.training.keras_learner import KerasLearner, KerasNetwork, MeanOfBatches
from firstlight.training.losses import make_loss
from firstlight.training.lowering import Network
from firstlight.training.machine import Machine
from firstlight.training.metrics import Metric
from firstlight.training.optimizers import Optimizer, make_optimizer
from firstlight.training.predicting import predict


class Learner:
    """A network with everything that it takes to make it better by one batch.

    Attributes:
        average: the running average of the weights, which answers in place of them, or None.
    """

    def __init__(
        self,
        network: Network,
        loss: Callable[..., Tensor],
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
        self, images: Tensor | tuple[Tensor, ...], targets: Any, weights: Any, rate: float
    ) -> tuple[float, Any]:
        """Ask the network, measure the loss and move the weights by one step of length `rate`.

        A loss that is not finite moves nothing.

        Args:
            images: `(B, H, W, C)`, or one tensor for each input of the network.
            targets: what the loss takes.
            weights: how much each image counts, `(B,)` for most losses; None: all the same.
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
            self.optimizer.scale_loss(loss).backward()
            self.optimizer.step(rate)
            if self.average is not None:
                self.average.update()
        return value, self.network.answers(_detached(answers))

    def predict(
        self, images: ImageArray, side: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """What the network answers for `(N, H, W, C)` images: probabilities or values."""
        with self.averaged():
            return predict(self.network, images, self.machine, side)

    def averaged(self) -> AbstractContextManager[None]:
        """A `with` block in which the averaged weights, if there are any, stand in the network."""
        return nullcontext() if self.average is None else self.average.in_place()

    def settle(self) -> None:
        """Leave the averaged weights, if there are any, in the network: training is over."""
        if self.average is not None:
            self.average.settle()
            self.average = None

    def tensors(self) -> list[Tensor]:
        """Weights and moving statistics, in order and not by name.

        A layer that Keras runs is named anew in every process.
        """
        return list(self.network.state_dict().values())

    def put(self, tensors: list[Tensor]) -> None:
        """Give the network these weights and moving statistics."""
        for ours, other in zip(self.tensors(), tensors, strict=True):
            ours.copy_(other)

    def penalty(self) -> float:
        """The sum of the weight regularisers."""
        with self.averaged(), torch.no_grad():
            penalty = self.network.penalty()
            return 0.0 if penalty is None else penalty.item()

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        state = {
            "network": self.tensors(),
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
        if [one.shape for one in self.tensors()] != [one.shape for one in state["network"]]:
            raise ValueError("the state of another network")
        self.put(state["network"])
        self.optimizer.restore(state["optimizer"])
        if self.average is not None:
            self.average.restore(state["average"])
        torch.set_rng_state(state["random"])
        if "cuda_random" in state:
            torch.cuda.set_rng_state(state["cuda_random"], self.machine.device)


def _detached(answers: Any) -> Any:
    if isinstance(answers, tuple):
        return tuple(answer.detach() for answer in answers)
    return answers.detach()


def make_learner(
    network: Network | KerasNetwork,
    settings: TrainSettings,
    machine: Machine,
    outputs: int,
    classify: bool,
) -> tuple[Learner, Metric] | tuple[KerasLearner, MeanOfBatches]:
    """What trains a network as the settings say, and the metric that goes with it.

    Args:
        network: on its device.
        settings: every field filled in.
        machine: where the network is.
        outputs: how many numbers the network makes for one image.
        classify: whether the targets are `(N,)` class numbers; else `(N, T)` values.

    Raises:
        SettingError: the loss does not fit the targets.
    """
    if isinstance(network, KerasNetwork):
        learner = KerasLearner(network, settings, machine, classify)
        return learner, learner.metric
    loss = make_loss(str(settings.loss), network.head, outputs, classify, settings.label_smoothing)
    optimizer = make_optimizer(
        str(settings.optimizer), network, settings.momentum, settings.weight_decay
    )
    average = Average(network, settings.average) if settings.average else None
    return Learner(network, loss, optimizer, machine, average), Metric(str(settings.metric))
