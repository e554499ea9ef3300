"""A running average of the weights, which often answers better than the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """An exponential average over the steps of all weights and moving statistics.

    Each update keeps the share `factor` of the average; early on it keeps less, at update n
    `(1 + n) / (10 + n)`, so that the starting weights are soon forgotten.

    Source: Polyak & Juditsky 1992; the early rule is that of TensorFlow's
    `ExponentialMovingAverage(num_updates=...)`.
    """

    def __init__(self, network: nn.Module, factor: float) -> None:
        self.factor = factor
        self.updates = 0
        self._live = [x for x in network.state_dict().values() if x.is_floating_point()]
        self._average = [x.clone() for x in self._live]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        self.updates += 1
        kept = min(self.factor, (1.0 + self.updates) / (10.0 + self.updates))
        torch._foreach_lerp_(self._average, self._live, 1.0 - kept)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """A `with` block in which the network has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def settle(self) -> None:
        """Give the network the averaged weights for good."""
        torch._foreach_copy_(self._live, self._average)

    @torch.no_grad()
    def _swap(self) -> None:
        for live, average in zip(self._live, self._average, strict=True):
            kept: Tensor = live.clone()
            live.copy_(average)
            average.copy_(kept)

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {"updates": self.updates, "average": self._average}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.updates = state["updates"]
        for ours, theirs in zip(self._average, state["average"], strict=True):
            ours.copy_(theirs)
