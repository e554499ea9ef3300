"""Stopping when the validation loss no longer falls, and going back to the best epoch."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from firstlight.training.keras_learner import KerasLearner
from firstlight.training.learner import Learner


class EarlyStopping:
    """Watches the validation loss; with no patience given it does nothing.

    Source: Prechelt 1998, "Early stopping - but when?"; the rule is that of Keras's callback
    `EarlyStopping(patience=..., restore_best_weights=True)`.

    Attributes:
        patience: after so many epochs without a lower loss, training is over.
        over: whether it is.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.over = False
        self._best = float("inf")
        self._epoch = 0
        self._weights: list[Tensor] = []

    def saw(self, loss: float, epoch: int, learner: Learner | KerasLearner) -> bool:
        """Take in the validation loss after an epoch (1 is the first); whether it is over now."""
        if self.patience is None:
            return False
        if loss < self._best:
            self._best, self._epoch = loss, epoch
            with learner.averaged():
                self._weights = [tensor.clone() for tensor in learner.tensors()]
        self.over = epoch - self._epoch >= self.patience
        return self.over

    def put_back(self, learner: Learner | KerasLearner) -> None:
        """Give the network its final weights: the best epoch's, or the averaged ones."""
        learner.settle()
        if self._weights:
            learner.put(self._weights)

    def sentence(self) -> str:
        """What happened, for the user."""
        return (
            f"stopped early: the validation loss has not fallen for {self.patience} epochs; the "
            f"weights of epoch {self._epoch} are kept"
        )

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {
            "over": self.over,
            "best": self._best,
            "epoch": self._epoch,
            "weights": self._weights,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.over, self._best = state["over"], state["best"]
        self._epoch, self._weights = state["epoch"], state["weights"]
