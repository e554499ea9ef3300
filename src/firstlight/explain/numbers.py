"""What loss, softmax, score and parameter count are, opened on the reader's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import SettingError
from firstlight.core.insight import (
    LayerParameters,
    OpenedNumber,
    ParameterArray,
    Softmax,
    Step,
)
from firstlight.core.reports import Report
from firstlight.explain.opening import OpenModel

Numbers = NDArray[np.floating]
SHOWN = 3  # images whose squares are shown before they are added up
# What the axes of an array count, from the last one on.
AXES = {
    ("Conv2D", "kernel"): ("high", "wide", "channels in", "filters"),
    ("Conv2DTranspose", "kernel"): ("high", "wide", "filters", "channels in"),
    ("DepthwiseConv2D", "kernel"): ("high", "wide", "channels", "filters for each"),
    ("SeparableConv2D", "depthwise_kernel"): ("high", "wide", "channels", "filters for each"),
    ("SeparableConv2D", "pointwise_kernel"): ("high", "wide", "channels in", "filters"),
    ("Dense", "kernel"): ("numbers in", "units"),
    ("Dense", "bias"): ("units",),
    ("Conv2D", "bias"): ("filters",),
    ("SeparableConv2D", "bias"): ("filters",),
    ("Conv2DTranspose", "bias"): ("filters",),
}


def open_softmax(logits: Numbers) -> Softmax:
    """From logits to probabilities: exponentials, their sum, each one's share of it.

    Args:
        logits: `(K,)`.

    Example:
        >>> open_softmax(np.log([1.0, 3.0])).probabilities.round(6).tolist()
        [0.25, 0.75]
    """
    wide = np.asarray(logits, np.float64)
    # Exponentials of large logits have no room in a floating-point number; a common factor of
    # all of them changes no share.
    exponentials = np.exp(wide - max(0.0, wide.max() - 500))
    total = float(exponentials.sum())
    return Softmax(wide, exponentials, total, exponentials / total)


def _cross_entropy(logits: Numbers, true: Any, smoothing: float) -> tuple[Step, ...]:
    softmax = open_softmax(logits)
    k, count = int(true), len(softmax.logits)
    logit, exponential = float(softmax.logits[k]), float(softmax.exponentials[k])
    share = float(softmax.probabilities[k])
    steps = (
        Step("the logit of the true class", "", logit),
        Step("its exponential", f"exp({logit:.4g})", exponential),
        Step("the sum of all exponentials", f"{count} of them", softmax.total),
        Step(
            "the probability of the true class", f"{exponential:.4g} / {softmax.total:.4g}", share
        ),
    )
    logarithms = softmax.logits - softmax.logits.max()
    logarithms = logarithms - math.log(np.exp(logarithms).sum())
    own = Step("minus its natural logarithm", f"-ln({share:.4g})", -float(logarithms[k]))
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
            f"{1 - smoothing:g} × {own.value:.4g} + {smoothing:g} × {mean:.4g}",
            both,
        ),
    )


def _binary_cross_entropy(logits: Numbers, true: Any, smoothing: float) -> tuple[Step, ...]:
    logit = float(logits[0])
    yes = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
    target = float(true) * (1 - smoothing) + smoothing / 2
    # ln(1 + exp(x)), without overflow.
    minus_log_yes, minus_log_no = (float(np.logaddexp(0, x)) for x in (-logit, logit))
    loss = target * minus_log_yes + (1 - target) * minus_log_no
    return (
        Step("the logit", "", logit),
        Step("the probability of the second class", f"1 / (1 + exp({-logit:.4g}))", yes),
        Step("what the target says", "", target),
        Step(
            "minus the logarithms, as the target weighs them",
            f"{target:.4g} × {minus_log_yes:.4g} + {1 - target:.4g} × {minus_log_no:.4g}",
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
        steps.append(Step("answer minus true value", f"{answer:.4g} - {target:.4g}", off))
        steps.append(Step(words, form.format(f"{off:.4g}"), made[-1]))
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
            Step("how far off the network takes itself to be", f"exp({logarithm:.4g})", spread),
            Step(
                "how many times that the true value is away",
                f"({target:.4g} - {value:.4g}) / {spread:.4g}",
                distance,
            ),
            Step("half of its square", f"({distance:.4g})² / 2", distance**2 / 2),
            Step(
                "with the cost of being unsure",
                f"{distance**2 / 2:.4g} + ln({spread:.4g}) + ln(2π) / 2",
                losses[-1],
            ),
        ]
    if len(losses) > 1:
        mean = float(np.mean(losses))
        steps.append(Step("the mean over all values", f"sum / {len(losses)}", mean))
    return tuple(steps)


OPENED_LOSSES: dict[str, Callable[[Numbers, Any, float], tuple[Step, ...]]] = {
    "categorical_crossentropy": _cross_entropy,
    "sparse_categorical_crossentropy": _cross_entropy,
    "binary_crossentropy": _binary_cross_entropy,
    "mean_squared_error": _squared,
    "mean_absolute_error": _absolute,
    "gaussian": _gaussian,
}
_MEANINGS = {
    _cross_entropy: "How surprised the network is by the true class: 0 if it was sure of it.",
    _binary_cross_entropy: "How surprised the network is by the true one of two classes.",
    _squared: "The square of how far off the network is: twice as far costs four times as much.",
    _absolute: "How far off the network is.",
    _gaussian: "How unlikely the true value is, by the value and the spread that were answered.",
}


def open_loss(loss: str, answers: Numbers, true: Any, smoothing: float = 0.0) -> OpenedNumber:
    """The loss of one image, step by step.

    Args:
        loss: one of `OPENED_LOSSES`.
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
    if loss not in OPENED_LOSSES:
        raise SettingError(
            f"the losses that can be opened are {', '.join(OPENED_LOSSES)}, but {loss} came: "
            "choose one of them."
        )
    steps = OPENED_LOSSES[loss]
    return OpenedNumber("loss", _MEANINGS[steps], steps(answers, true, smoothing))


def open_score(report: Report) -> OpenedNumber:
    """Accuracy, or for measured numbers the root mean squared error of the first one.

    Args:
        report: on the test images.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a", "b"]), np.eye(2, dtype=np.float32), "classify")
        >>> report = Report("classify", "pets", 2, {}, answers, np.array([0, 0]),
        ...     classes=("cat", "dog"), confusion=np.array([[1, 1], [0, 0]]))
        >>> open_score(report).value
        0.5
    """
    if report.task == "measure":
        return _open_error(report)
    assert report.confusion is not None
    right, all_of = report.confusion.diagonal().tolist(), report.confusion.sum(axis=1).tolist()
    steps = [
        Step(f"right answers among the {count:,} of {name}", "", float(hits))
        for name, hits, count in zip(report.classes, right, all_of, strict=True)
    ]
    hits, count = sum(right), sum(all_of)
    steps.append(Step("all right answers", " + ".join(map(str, right)), float(hits)))
    steps.append(Step("their share of all images", f"{hits:,} / {count:,}", hits / count))
    meaning = "The share of test images whose most probable class is the true one."
    return OpenedNumber("accuracy", meaning, tuple(steps))


def _open_error(report: Report) -> OpenedNumber:
    answers = report.predictions.values[:, 0].astype(np.float64)
    targets = report.targets[:, 0].astype(np.float64)
    steps = []
    for answer, target in zip(answers[:SHOWN].tolist(), targets[:SHOWN].tolist(), strict=True):
        how = f"({answer:.4g} - {target:.4g})²"
        steps.append(
            Step("an image's answer minus true value, squared", how, (answer - target) ** 2)
        )
    squares = np.square(answers - targets)
    total, count = float(squares.sum()), len(squares)
    mean = total / count
    steps += [
        Step(f"the squares of all {count:,} images added up", "", total),
        Step("their mean", f"{total:.4g} / {count:,}", mean),
        Step("its square root", f"√{mean:.4g}", math.sqrt(mean)),
    ]
    name = report.predictions.target_names[0]
    meaning = f"How far off answers for {name} are: the root of the mean of the squared errors."
    return OpenedNumber("rmse", meaning, tuple(steps))


def open_parameters(opened: OpenModel) -> tuple[LayerParameters, ...]:
    """The parameters of every layer that has any, each array as the product of its sizes.

    A layer that is called several times is counted once.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("simple", (28, 28, 1), 10, "classify"))
        >>> print(open_parameters(opened)[0].parts[0].in_words())
        kernel: 16 high × 16 wide × 1 channels in × 8 filters = 2,048
    """
    found, seen = [], set()
    for name in opened.layers:
        layer = opened.layer(name)
        if id(layer) in seen or not getattr(layer, "weights", ()):
            continue
        seen.add(id(layer))
        parts = tuple(_array(type(layer).__name__, weight) for weight in layer.weights)
        found.append(LayerParameters(name, type(layer).__name__, parts))
    return tuple(found)


def _array(kind: str, weight: Any) -> ParameterArray:
    shape = [int(size) for size in weight.shape]
    plain = ("channels",) if len(shape) == 1 else ("",) * len(shape)
    counts = AXES.get((kind, str(weight.name)), plain)
    return ParameterArray(
        str(weight.name), tuple(zip(shape, counts, strict=True)), bool(weight.trainable)
    )
