"""What the loss of one image is, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Task
from firstlight.core.errors import SettingError
from firstlight.core.notebook import readable
from firstlight.core.opened_numbers import OpenedNumber, Step
from firstlight.explain.numbers import open_softmax

Numbers = NDArray[np.floating]


def _cross_entropy(logits: Numbers, true: Any, smoothing: float) -> tuple[Step, ...]:
    softmax = open_softmax(logits)
    k, count = int(true), len(softmax.logits)
    logit, exponential = float(softmax.logits[k]), float(softmax.exponentials[k])
    share = float(softmax.probabilities[k])
    steps = (
        Step("the logit of the true class", "", logit),
        Step("its exponential", f"exp({readable(logit)})", exponential),
        Step("the sum of all exponentials", f"{count} of them", softmax.total),
        Step(
            "the probability of the true class",
            f"{readable(exponential)} / {readable(softmax.total)}",
            share,
        ),
    )
    logarithms = softmax.logits - softmax.logits.max()
    logarithms = logarithms - math.log(np.exp(logarithms).sum())
    own = Step("minus its natural logarithm", f"-ln({share:.7g})", -float(logarithms[k]))
    if not smoothing:
        return (*steps, own)
    mean = -float(logarithms.mean())
    both = (1 - smoothing) * own.value + smoothing * mean
    return (
        *steps,
        own,
        Step("the mean of that over all classes", "", mean),
        Step(
            f"both together, labels smoothed by {smoothing:g}",
            f"{1 - smoothing:g} × {readable(own.value)} + {smoothing:g} × {readable(mean)}",
            both,
        ),
    )


def _binary_cross_entropy(logits: Numbers, true: Any, smoothing: float) -> tuple[Step, ...]:
    logit = float(logits[0])
    yes = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
    target = float(true) * (1 - smoothing) + smoothing / 2
    # ln(1 + exp(x)), without overflow.
    costs = [float(np.logaddexp(0, x)) for x in (-logit, logit)]
    loss = target * costs[0] + (1 - target) * costs[1]
    words = [
        f"{readable(t)} × {readable(cost)}"
        for t, cost in ((target, costs[0]), (1 - target, costs[1]))
    ]
    return (
        Step("the logit", "", logit),
        Step("the probability of the second class", f"1 / (1 + exp({readable(-logit)}))", yes),
        Step("what the target says", "", target),
        Step(
            "minus the logarithms, as the target weighs them",
            " + ".join(words),
            loss,
        ),
    )


def _differences(
    answers: Numbers, true: Any, change: Callable[[float], float], words: str, form: str
) -> tuple[Step, ...]:
    """For each value answer minus truth and what is made of it, then the mean."""
    steps, made = [], []
    for answer, target in zip(map(float, answers), np.ravel(true).tolist(), strict=True):
        off = answer - target
        made.append(change(off))
        steps.append(
            Step("answer minus true value", f"{readable(answer)} - {readable(target)}", off)
        )
        steps.append(Step(words, form.format(f"{readable(off)}"), made[-1]))
    if len(made) > 1:
        mean = float(np.mean(made))
        steps.append(Step("the mean over all values", f"sum / {len(made)}", mean))
    return tuple(steps)


def _squared(answers: Numbers, true: Any, smoothing: float) -> tuple[Step, ...]:
    return _differences(answers, true, lambda off: off * off, "its square", "({})²")


def _absolute(answers: Numbers, true: Any, smoothing: float) -> tuple[Step, ...]:
    return _differences(answers, true, abs, "its size, without the sign", "|{}|")


def _gaussian(answers: Numbers, true: Any, smoothing: float) -> tuple[Step, ...]:
    values, logarithms = np.split(np.asarray(answers, np.float64), 2)
    steps, losses = [], []
    constant = math.log(2 * math.pi) / 2
    for value, logarithm, target in zip(
        values.tolist(), logarithms.tolist(), np.ravel(true).tolist(), strict=True
    ):
        spread = math.exp(logarithm)
        distance = (target - value) / spread
        losses.append(distance**2 / 2 + logarithm + constant)
        steps += [
            Step(
                "how far off the network takes itself to be", f"exp({readable(logarithm)})", spread
            ),
            Step(
                "how many times that the true value is away",
                f"({readable(target)} - {readable(value)}) / {readable(spread)}",
                distance,
            ),
            Step("half of its square", f"({readable(distance)})² / 2", distance**2 / 2),
            Step(
                "with the cost of being unsure",
                f"{readable(distance**2 / 2)} + ln({readable(spread)}) + ln(2π) / 2",
                losses[-1],
            ),
        ]
    if len(losses) > 1:
        mean = float(np.mean(losses))
        steps.append(Step("the mean over all values", f"sum / {len(losses)}", mean))
    return tuple(steps)


@dataclass(frozen=True)
class _Opened:
    """How a loss is opened: for which task, behind which activation, and its steps."""

    task: Task
    head: str
    meaning: str
    steps: Callable[[Numbers, Any, float], tuple[Step, ...]]


_OF_CLASSES = _Opened(
    "classify",
    "softmax",
    "How surprised the network is by the true class: 0 if it was sure of it.",
    _cross_entropy,
)
_LOSSES = {
    "categorical_crossentropy": _OF_CLASSES,
    "sparse_categorical_crossentropy": _OF_CLASSES,
    "binary_crossentropy": _Opened(
        "classify",
        "sigmoid",
        "How surprised the network is by the true one of two classes.",
        _binary_cross_entropy,
    ),
    "mean_squared_error": _Opened(
        "measure",
        "",
        "The square of how far off the network is: twice as far costs four times as much.",
        _squared,
    ),
    "mean_absolute_error": _Opened("measure", "", "How far off the network is.", _absolute),
    "gaussian": _Opened(
        "measure",
        "",
        "How unlikely the true value is, by the value and the spread that were answered.",
        _gaussian,
    ),
}


def opens_loss(loss: str, task: Task, head: str) -> bool:
    """Whether `open_loss` knows a loss of a network for a task that ends with an activation.

    Example:
        >>> opens_loss("mean_squared_error", "measure", "linear")
        True
        >>> opens_loss("mean_squared_error", "classify", "softmax")
        False
    """
    opened = _LOSSES.get(loss)
    return opened is not None and opened.task == task and opened.head in ("", head)


def open_loss(loss: str, answers: Numbers, true: Any, smoothing: float = 0.0) -> OpenedNumber:
    """The loss of one image, step by step.

    Args:
        loss: its name in firstlight; a cross-entropy, squared or absolute error, or `gaussian`.
        answers: `(K,)` logits for the cross-entropies, else the values answered; for `gaussian`
            the values and then the logarithms of their spreads.
        true: the class number, or the `(T,)` true values.
        smoothing: of the labels, 0 to 1, for the cross-entropies.

    Raises:
        SettingError: the loss is none of those.

    Example:
        >>> round(open_loss("categorical_crossentropy", np.log([1.0, 3.0]), 1).value, 4)
        0.2877
    """
    if loss not in _LOSSES:
        raise SettingError(
            f"the losses that can be opened are {', '.join(_LOSSES)}, but {loss} came: choose one "
            "of them."
        )
    opened = _LOSSES[loss]
    return OpenedNumber("loss", opened.meaning, opened.steps(answers, true, smoothing))
