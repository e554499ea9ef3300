"""Loss and metrics of an epoch as Keras reports them, by Keras's own metric objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from firstlight.training.fitting.compiled_loss import CompiledLoss

# Keras's metrics are asked about this many numbers at once, since each asking costs about a
# millisecond on TensorFlow, whatever the size.
NUMBERS_AT_ONCE = 4_000_000


class KerasMetrics:
    """Collects answers and hands them to `model.compute_metrics`, many batches at once.

    Metrics that add up over images do not see where a batch ends, so the numbers are Keras's.
    """

    def __init__(self, model: Any, loss: CompiledLoss) -> None:
        self.model = model
        self.loss = loss
        self.wanted = model._compile_metrics is not None
        self.reset()

    def reset(self) -> None:
        """Begin an epoch."""
        self.model.reset_metrics()
        self._waiting: list[tuple[Any, Any, Any]] = []
        self._numbers = 0
        self._count = 0
        self._total = 0.0
        self._parts = np.zeros(len(self.loss.parts))
        self._known: dict[str, float] = {}

    def add(self, value: float, y: Any, answers: Any, sample_weight: Any, count: int) -> None:
        """Take in a batch.

        Args:
            value: its loss, regularisers included.
            y: its targets, as Keras's data gave them.
            answers: the network's answers, a tensor or a tuple of them.
            sample_weight: as Keras's data gave it.
            count: how many images it has.
        """
        self._count += count
        self._total += value * count
        if len(self._parts) > 1:
            self._parts += count * torch.stack(self.loss.values).cpu().numpy()
        if self.wanted:
            arrays = self._packed(answers)
            self._waiting.append((y, arrays, sample_weight))
            several = answers if isinstance(answers, tuple) else (answers,)
            self._numbers += sum(answer.numel() for answer in several)
            if self._numbers > NUMBERS_AT_ONCE:
                self._ask()

    def logs(self, fresh: bool = True) -> dict[str, float]:
        """Loss and metrics so far, in Keras's names and order.

        Args:
            fresh: whether the metrics must hold every batch; else those of the last asking do.
        """
        if fresh or (self.wanted and not self._known):
            self._ask()
        values = dict(self._known)
        if len(self._parts) > 1:
            means = self._parts / max(1, self._count)
            for part, mean in zip(self.loss.parts, means, strict=True):
                values[f"{part.name}_loss"] = float(mean)
        values["loss"] = self._total / max(1, self._count)
        return dict(sorted(values.items()))

    def _ask(self) -> None:
        """Let Keras's metrics take in what waits."""
        if not self._waiting:
            return
        from keras import tree

        def joined(*arrays: Any) -> Any:
            return np.concatenate(arrays)

        columns = zip(*self._waiting, strict=True)
        y, answers, weights = (
            None if column[0] is None else tree.map_structure(joined, *column) for column in columns
        )
        self._waiting, self._numbers = [], 0
        result = self.model.compute_metrics(None, y, answers, weights)
        ours = {"loss", *(f"{part.name}_loss" for part in self.loss.parts)}
        self._known = {
            name: float(_as_number(value)) for name, value in result.items() if name not in ours
        }

    def _packed(self, answers: Any) -> Any:
        """The answers as arrays in the structure that the Keras model gives."""
        if not isinstance(answers, tuple):
            return answers.cpu().numpy()
        from keras import tree

        return tree.pack_sequence_as(
            self.model.output, [answer.cpu().numpy() for answer in answers]
        )


def _as_number(value: Any) -> Any:
    from keras import ops

    return ops.convert_to_numpy(value)
