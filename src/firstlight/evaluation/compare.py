"""Whether runs differ by more than chance on the same test images."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.core.comparison import Comparison, Difference
from firstlight.core.dataset import Task
from firstlight.core.errors import RunError
from firstlight.core.reports import Report
from firstlight.core.scores import Score
from firstlight.evaluation.intervals import (
    LEVEL,
    bootstrap_sums,
    normal_quantile,
    percentile_interval,
)

ACCURACY, RMSE = "accuracy", "rmse"
CHANCE = 0.05


def compare(reports: dict[str, Report], seed: int = 0) -> Comparison:
    """Compare each run with the first one, image by image, on the same test images.

    `classify` compares accuracies: the mid-p McNemar test on the images that only one of the
    two gets right, and Bonett and Price's interval for the difference (both recommended by
    Fagerland, Lydersen & Laake, Statistics in Medicine 33, 2014). `measure` compares rmse by
    a paired bootstrap. Where the images come in groups, either is compared by a paired bootstrap
    of whole groups. With more than two runs the p-values are corrected for the number of
    comparisons (Holm 1979); the intervals are 95 % each. A difference is more than chance where
    the corrected p-value is below 0.05.

    This is about these trained networks on images like these. Another seed moves the accuracy
    too: to say that one *recipe* is better, train each with several seeds.

    Args:
        reports: by run name, at least two; all are held against the first.
        seed: seed of the bootstrap.

    Returns:
        One difference for each run after the first.

    Raises:
        RunError: fewer than two runs, or runs that were not tested on the same images.

    Example:
        >>> from firstlight.core.reports import Predictions
        >>> from firstlight.evaluation import evaluate
        >>> names, truth = np.array([f"{k}.png" for k in range(40)]), np.zeros(40, np.int64)
        >>> def run(right):
        ...     values = np.where(np.arange(40)[:, None] < right, [[0.9, 0.1]], [[0.2, 0.8]])
        ...     answers = Predictions(names, values, "classify", classes=("cat", "dog"))
        ...     return evaluate(answers, truth, "pets, test")
        >>> print(compare({"small": run(20), "large": run(38)}).differences[0].sentence)
        large is better than small by 45.00 points (95 % interval 26.50 to 59.21, p < 0.001): \
more than chance
    """
    if len(reports) < 2:
        raise RunError(
            f"Expected two or more runs to compare, but {len(reports)} came: name another run."
        )
    (first, one), *others = reports.items()
    for name, report in others:
        _check_same_images(first, one, name, report)
    paired = [
        _paired_accuracy(one, other)
        if one.task == "classify" and one.groups is None
        else _paired_bootstrap(one, other, seed)
        for _, other in others
    ]
    adjusted = holm([pair.p_value for pair in paired])
    return Comparison(
        task=one.task,
        count=one.count,
        runs=tuple(reports),
        differences=tuple(
            Difference(
                first=first,
                second=name,
                score=ACCURACY if one.task == "classify" else RMSE,
                adjusted_p_value=p,
                more_than_chance=p < CHANCE,
                sentence=_sentence(
                    pair, p, first=first, second=name, task=one.task, pairs=len(others)
                ),
                **pair._asdict(),
            )
            for (name, _), pair, p in zip(others, paired, adjusted, strict=True)
        ),
    )


class _Paired(NamedTuple):
    """What two runs say together; the fields are those of `Difference`."""

    first_value: float
    second_value: float
    change: Score
    p_value: float
    only_first_right: int | None = None
    only_second_right: int | None = None


def _check_same_images(first: str, one: Report, second: str, other: Report) -> None:
    """Refuse runs whose answers do not pair up image by image."""
    same = (
        one.task == other.task
        and one.classes == other.classes
        and one.predictions.target_names == other.predictions.target_names
        and np.array_equal(one.predictions.names, other.predictions.names)
        and np.array_equal(one.targets, other.targets)
    )
    if not same:
        raise RunError(
            f"Expected runs tested on the same images, but {first} was tested on {one.data} "
            f"({one.count:,} images) and {second} on {other.data} ({other.count:,}), which differ: "
            "evaluate both on the same data first."
        )


def _paired_accuracy(one: Report, other: Report) -> _Paired:
    right = [_right(one), _right(other)]
    only_first = int((right[0] & ~right[1]).sum())
    only_second = int((right[1] & ~right[0]).sum())
    first, second = float(right[0].mean()), float(right[1].mean())
    low, high = bonett_price_interval(only_first, only_second, one.count)
    return _Paired(
        first_value=first,
        second_value=second,
        change=Score((only_second - only_first) / one.count, low, high, LEVEL),
        p_value=mcnemar_mid_p(only_first, only_second),
        only_first_right=only_first,
        only_second_right=only_second,
    )


def _paired_bootstrap(one: Report, other: Report, seed: int) -> _Paired:
    """The change of the accuracy or the rmse, over images or whole groups drawn anew."""
    measures = one.task == "measure"
    each = [_squared_errors(r) if measures else _right(r).astype(np.float64) for r in (one, other)]
    columns = np.stack([np.ones(one.count), *each], axis=1)
    count, *sums = bootstrap_sums(columns, one.groups, seed).T
    means = [columns.mean(axis=0)[1:], sums[0] / count, sums[1] / count]
    (first, second), drawn_first, drawn_second = [np.sqrt(m) if measures else m for m in means]
    changes = drawn_second - drawn_first
    # Twice the smaller tail beyond no change; plus one, so that it is never zero
    # (Davison & Hinkley 1997, section 4.2).
    tail = min((changes <= 0).sum(), (changes >= 0).sum())
    return _Paired(
        first_value=float(first),
        second_value=float(second),
        change=Score(float(second - first), *percentile_interval(changes), LEVEL),
        p_value=min(1.0, 2 * (int(tail) + 1) / (len(changes) + 1)),
    )


def _right(report: Report) -> NDArray[np.bool_]:
    right: NDArray[np.bool_] = report.predictions.values.argmax(axis=1) == report.targets
    return right


def _squared_errors(report: Report) -> NDArray[np.float64]:
    errors = report.predictions.values.astype(np.float64) - report.targets
    mean: NDArray[np.float64] = (errors**2).mean(axis=1)
    return mean


def mcnemar_mid_p(only_first: int, only_second: int) -> float:
    """The two-sided mid-p McNemar test: could a fair coin have shared these images out?

    The images that only one of two runs got right are coin throws if the runs are equally
    good; the throws as observed count half (Fagerland, Lydersen & Laake, BMC Medical Research
    Methodology 13:91, 2013).

    Example:
        >>> round(mcnemar_mid_p(1, 7), 4)
        0.0391
    """
    throws, smaller = only_first + only_second, min(only_first, only_second)
    below, ways = 0, 1  # whole numbers: exact for any count
    for k in range(smaller):
        below += ways
        ways = ways * (throws - k) // (k + 1)
    return (2 * below + ways) / 2**throws


def bonett_price_interval(only_first: int, only_second: int, count: int) -> tuple[float, float]:
    """A paired 95 % interval for the second accuracy minus the first.

    One image is added to either side, which keeps the level also where few images differ
    (Bonett & Price, Journal of Educational and Behavioral Statistics 37, 2012).

    Example:
        >>> low, high = bonett_price_interval(7, 1, 21)
        >>> f"{low:.3f} to {high:.3f}"
        '-0.508 to -0.013'
    """
    lost, gained = (only_first + 1) / (count + 2), (only_second + 1) / (count + 2)
    change = gained - lost
    half = normal_quantile(LEVEL) * sqrt((lost + gained - change**2) / (count + 2))
    return max(-1.0, change - half), min(1.0, change + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979), in given order.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _sentence(pair: _Paired, p: float, *, first: str, second: str, task: Task, pairs: int) -> str:
    """The result in words; the interval is turned so that it fits "better" or "worse"."""
    change = pair.change.value
    low, high = pair.change.low or 0.0, pair.change.high or 0.0
    if change < 0:
        low, high = -high, -low
    if task == "classify":
        better, scale, digits, unit = change > 0, 100, ".2f", " points"
    else:
        better, scale, digits, unit = change < 0, 1, ".3g", " in rmse"
    size, lower, upper = (f"{scale * number:{digits}}" for number in (abs(change), low, high))
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    verdict = "more than chance" if p < CHANCE else "no more than chance would give"
    if pairs > 1:
        verdict += f", counting that {pairs} runs were held against {first}"
    word = "better" if better else "worse"
    result = f"{second} is {word} than {first} by {size}{unit}"
    if change == 0:
        result = f"{second} and {first} are equally good"
    return f"{result} (95 % interval {lower} to {upper}, {chance}): {verdict}"
