"""The loss that a Keras model was compiled with: one for each output, weighed and summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from firstlight.core.errors import NotHonouredError
from firstlight.training.losses import Loss, loss_from_keras
from firstlight.training.tensors import as_tensor


@dataclass(frozen=True)
class OutputLoss:
    """The loss of one output.

    Attributes:
        output: which of the network's answers it judges.
        name: the output's name in Keras.
        loss: its loss.
        weight: how much it counts in the sum.
    """

    output: int
    name: str
    loss: Loss
    weight: float


class CompiledLoss:
    """The sum over outputs, as Keras makes it.

    Attributes:
        parts: the outputs that have a loss.
        values: the last loss of each part, not weighed.
    """

    def __init__(self, model: Any, heads: Sequence[str]) -> None:
        self.names = list(getattr(model, "output_names", ()) or ["output"])
        self.parts = [
            self._part(number, entry, heads)
            for number, entry in enumerate(model._compile_loss._flat_losses)
        ]
        self.values: list[Tensor] = []

    def _part(self, number: int, entry: Any, heads: Sequence[str]) -> OutputLoss:
        """The part of one of Keras's own entries: where the output lies, loss, weight, name."""
        path, loss, weight, _ = entry
        output = 0
        if path:
            if len(path) > 1:
                raise NotHonouredError("the outputs of the model lie in lists inside lists.")
            output = self.names.index(path[0]) if isinstance(path[0], str) else int(path[0])
        if weight is not None and not isinstance(weight, int | float):
            raise NotHonouredError(f"loss_weights holds a {type(weight).__name__}, not a number.")
        return OutputLoss(
            output,
            self.names[output],
            loss_from_keras(loss, heads[output]),
            1.0 if weight is None else float(weight),
        )

    def __call__(
        self,
        answers: Tensor | tuple[Tensor, ...],
        targets: Sequence[Tensor],
        weights: Sequence[Tensor] | None,
    ) -> Tensor:
        """The weighed sum.

        Args:
            answers: what the network gives, before softmax or sigmoid.
            targets: one for each part, from `for_parts`.
            weights: the same of sample weights, or None.
        """
        several = answers if isinstance(answers, tuple) else (answers,)
        self.values = []
        terms = []
        for number, part in enumerate(self.parts):
            weight = None if weights is None else weights[number]
            value = part.loss(several[part.output].float(), targets[number], weight)
            self.values.append(value.detach())
            terms.append(value if part.weight == 1.0 else part.weight * value)
        return terms[0] if len(terms) == 1 else torch.stack(terms).sum()

    def for_parts(self, value: Any) -> list[Tensor]:
        """Targets or sample weights of a batch as one tensor for each part.

        Args:
            value: what Keras's data gives: an array, a list with one for each output (or for each
                output that has a loss), or a dictionary by name.
        """
        if isinstance(value, dict):
            arrays = [value[part.name] for part in self.parts]
        elif isinstance(value, list | tuple):
            whole = len(value) > len(self.parts)
            arrays = [value[part.output] for part in self.parts] if whole else list(value)
        else:
            arrays = [value] * len(self.parts)
        return [as_tensor(array) for array in arrays]
