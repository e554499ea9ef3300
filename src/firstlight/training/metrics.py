"""The metrics that are shown beside the loss, made of sums over batches.

A metric that is a mean of batches would depend on how the images fell into them; these do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Sums = dict[str, Tensor]


class Metric:
    """A number over all images seen since the start, from sums that batches add to.

    Args:
        name: one of `core.settings.METRICS`. For classes: `accuracy`; `top_5` (the right class is
            among the five best); `precision`, `recall` and `f1`, means over the classes that occur.
            For values, over all of them: `rmse`, `mae`, `mse`, `mape` (per cent), and `r2`, the
            mean over the targets.

    Example:
        >>> metric = Metric("mae")
        >>> metric.update(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.5], [2.0]]))
        >>> metric.result()
        0.25
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._kind = _KINDS[name]
        self._sums: Sums = {}

    def update(self, answers: Tensor, targets: Tensor) -> None:
        """Add a batch.

        Args:
            answers: `(N, K)` probabilities (a single one is that of class 1) or `(N, T)` values;
                what comes behind the values (how far off they may be) is left aside.
            targets: `(N,)` class numbers or `(N, T)` values.
        """
        if targets.ndim == 2:
            answers = answers[:, : targets.shape[1]]
        for name, value in self._kind.sums(answers.detach(), targets).items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def result(self) -> float:
        """The metric; not a number where nothing was added."""
        return self._kind.finish(self._sums).item() if self._sums else float("nan")

    def state(self) -> Sums:
        """The sums, for a checkpoint."""
        return dict(self._sums)

    def restore(self, state: Sums) -> None:
        """Go on from the sums of a checkpoint; `{}` begins anew."""
        self._sums = dict(state)


@dataclass(frozen=True)
class _Kind:
    """What a batch adds, and what becomes of the sums in the end."""

    sums: Callable[[Tensor, Tensor], Sums]
    finish: Callable[[Sums], Tensor]


def _classes(answers: Tensor) -> Tensor:
    """The class that is answered with: `(N,)`."""
    return (answers[:, 0] > 0.5).long() if answers.shape[1] == 1 else answers.argmax(1)


def _right(right: Tensor) -> Sums:
    return {"right": right.sum(), "count": torch.tensor(len(right), device=right.device)}


def _accuracy(answers: Tensor, targets: Tensor) -> Sums:
    return _right(_classes(answers) == targets)


def _top_5(answers: Tensor, targets: Tensor) -> Sums:
    # As in Keras: right while fewer than five classes are thought more likely.
    return _right((answers > answers.gather(1, targets[:, None])).sum(1) < 5)


def _confusion(answers: Tensor, targets: Tensor) -> Sums:
    classes = max(2, answers.shape[1])
    pairs = targets * classes + _classes(answers)
    return {"confusion": pairs.bincount(minlength=classes**2).reshape(classes, classes)}


def _per_class(sums: Sums) -> tuple[Tensor, Tensor, Tensor]:
    """For each class that occurs: images that are right, that are there, that are answered so."""
    confusion = sums["confusion"].double()
    counts = (confusion.diagonal(), confusion.sum(1), confusion.sum(0))
    occurs = counts[1] + counts[2] > 0
    return counts[0][occurs], counts[1][occurs], counts[2][occurs]


def _precision(sums: Sums) -> Tensor:
    right, _, answered = _per_class(sums)
    return (right / answered.clamp(min=1)).mean()


def _recall(sums: Sums) -> Tensor:
    right, there, _ = _per_class(sums)
    return (right / there.clamp(min=1)).mean()


def _f1(sums: Sums) -> Tensor:
    right, there, answered = _per_class(sums)
    return (2 * right / (there + answered)).mean()


def _differences(measure: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Sums]:
    def sums(answers: Tensor, targets: Tensor) -> Sums:
        values = measure(answers.double(), targets.double())
        count = torch.tensor(values.numel(), device=values.device)
        return {"total": values.sum(), "count": count}

    return sums


def _squares(answers: Tensor, targets: Tensor) -> Sums:
    # In float64 the squares of float32 values lose nothing, however far from 0 the values lie.
    answers, targets = answers.double(), targets.double()
    return {
        "residual": (targets - answers).square().sum(0),
        "total": targets.sum(0),
        "squares": targets.square().sum(0),
        "count": torch.tensor(len(targets), device=targets.device),
    }


def _r2(sums: Sums) -> Tensor:
    spread = sums["squares"] - sums["total"].square() / sums["count"]
    explained = 1 - sums["residual"] / spread
    # Targets that are all alike, but for rounding: all of it or nothing, as in scikit-learn.
    alike = spread <= 1e-13 * sums["squares"]
    return torch.where(alike, (sums["residual"] == 0).double(), explained).mean()


def _mean(sums: Sums) -> Tensor:
    return sums["total"] / sums["count"]


_SQUARED = _differences(lambda answers, targets: (answers - targets).square())
_KINDS = {
    "accuracy": _Kind(_accuracy, lambda sums: sums["right"] / sums["count"]),
    "top_5": _Kind(_top_5, lambda sums: sums["right"] / sums["count"]),
    "precision": _Kind(_confusion, _precision),
    "recall": _Kind(_confusion, _recall),
    "f1": _Kind(_confusion, _f1),
    "mae": _Kind(_differences(lambda answers, targets: (answers - targets).abs()), _mean),
    "mse": _Kind(_SQUARED, _mean),
    "rmse": _Kind(_SQUARED, lambda sums: _mean(sums).sqrt()),
    "mape": _Kind(
        _differences(lambda a, t: 100 * ((a - t) / t.abs().clamp(min=1e-7)).abs()), _mean
    ),
    "r2": _Kind(_squares, _r2),
}
