"""What the numbers of a report mean, each in a plain sentence."""

from __future__ import annotations

from collections.abc import Sequence

from firstlight.core.notebook import short
from firstlight.core.reports import Predictions, Report
from firstlight.core.scores import Score
from firstlight.core.trust import Baseline, Bin, Coverage


def beats_baselines(rmse: Score, baselines: Sequence[Baseline]) -> bool:
    """Whether an rmse is below that of every simpler way, and no interval reaches the other.

    That asks for more than a test on the same images would: overlapping intervals need not be
    chance (Schenker & Gentleman, The American Statistician 55, 2001).

    Example:
        >>> beats_baselines(Score(0.5, 0.4, 0.6), [Baseline("forest", Score(1, 0.7, 2), Score(0))])
        True
    """
    return all(_low(simple.rmse) > _high(rmse) for simple in baselines)


def against_baselines(rmse: Score, baselines: Sequence[Baseline], unit: str = "") -> str:
    """How a network does beside the best simpler way; "" where none stands beside it.

    Example:
        >>> forest = Baseline("forest", Score(0.4), Score(0.9))
        >>> against_baselines(Score(0.5), [forest], "kg")
        'It does not beat a simpler way: forest is off by 0.4 kg, the network by 0.5 kg.'
    """
    if not baselines:
        return ""
    best = min(baselines, key=lambda simple: simple.rmse.value)
    off = f"is off by {_number(best.rmse.value, unit)}, the network by "
    off += f"{_number(rmse.value, unit)}."
    if rmse.value >= best.rmse.value:
        return f"It does not beat a simpler way: {best.name} {off}"
    if not beats_baselines(rmse, baselines):
        return f"It may not beat a simpler way, for their intervals overlap: {best.name} {off}"
    return f"It beats every simpler way: the best of them, {best.name}, {off}"


def unbeaten(report: Report) -> list[str]:
    """A sentence for each target that a simpler way may measure as well as the network.

    Example:
        >>> import numpy as np
        >>> from firstlight.core.trust import Trust
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure",
        ...     target_names=("mass",), target_units=("kg",))
        >>> trust = Trust("mass", baselines=(Baseline("forest", Score(0.4), Score(0.9)),))
        >>> unbeaten(Report("measure", "x", 1, {"rmse": Score(0.1)}, answers, np.ones((1, 1)),
        ...     trust=(trust,)))
        []
    """
    sentences = []
    for trust in report.trust:
        rmse = report.score_of("rmse", trust.target)
        if rmse is not None and not beats_baselines(rmse, trust.baselines):
            unit = report.unit_of(f"rmse of {trust.target}")
            before = f"{trust.target}: " if len(report.trust) > 1 else ""
            sentences.append(before + against_baselines(rmse, trust.baselines, unit))
    return sentences


def about_leak(leak: Score, r2: Score) -> str:
    """What a split at random would have shown, and why.

    Args:
        leak: r2 on images of groups that were trained on.
        r2: the same on groups that were not.

    Example:
        >>> about_leak(Score(0.99), Score(0.9))
        'A split at random would have shown r2 = 0.99, because images of one group lie on both \
sides. On groups that it has not seen, r2 is 0.9.'
    """
    shown = f"A split at random would have shown r2 = {short(leak.value)}"
    if leak.value <= r2.value:
        return f"{shown}, no more than the {short(r2.value)} on groups that it has not seen."
    return (
        f"{shown}, because images of one group lie on both sides. On groups that it has not seen, "
        f"r2 is {short(r2.value)}."
    )


def about_coverage(coverage: Coverage) -> str:
    """How often the intervals of one level held the true value, and whether that is as promised.

    Example:
        >>> about_coverage(Coverage(0.9, Score(0.88, 0.83, 0.93), 0.1))
        'Intervals that are to hold 90 % of true values held 88 % (83 to 93 %).'
        >>> about_coverage(Coverage(0.9, Score(0.7, 0.6, 0.8), 0.1))
        'Intervals that are to hold 90 % of true values held 70 % (60 to 80 %): they are \
too narrow.'
    """
    held = coverage.covered
    words = f"Intervals that are to hold {_percent(coverage.level)} of true values held "
    words += _percent(held.value)
    if held.low is None or held.high is None:
        return f"{words}."
    words += f" ({100 * held.low:.3g} to {_percent(held.high)})"
    if held.high < coverage.level:
        return f"{words}: they are too narrow."
    if held.low > coverage.level:
        return f"{words}: they are wider than they need to be."
    return f"{words}."


def about_worst_bin(bins: Sequence[Bin], unit: str = "", column_unit: str = "") -> str:
    """Where in one column the errors are largest; "" where there are fewer than two bins.

    Args:
        bins: of one column.
        unit: that of the errors.
        column_unit: that of the column.

    Example:
        >>> bins = [Bin("z", 6, 8, 9, Score(0), 0.1), Bin("z", 8, 10, 9, Score(0.1), 0.3)]
        >>> about_worst_bin(bins, "kg")
        'It is furthest off where z is 8 to 10: by 0.3 kg (root mean square). Where it is best, \
by 0.1 kg.'
    """
    if len(bins) < 2:
        return ""
    worst, best = max(bins, key=lambda one: one.rmse), min(bins, key=lambda one: one.rmse)
    return (
        f"It is furthest off where {worst.column} is {bin_ends(worst, column_unit)}: by "
        f"{_number(worst.rmse, unit)} (root mean square). Where it is best, by "
        f"{_number(best.rmse, unit)}."
    )


def bin_ends(one: Bin, unit: str = "") -> str:
    """The ends of a bin in words, or its only value.

    Example:
        >>> bin_ends(Bin("z", 6, 8, 9, Score(0), 0.1)), bin_ends(Bin("z", 8, 8, 9, Score(0), 0.1))
        ('6 to 8', '8')
    """
    high = _number(one.high, unit)
    return high if one.low == one.high else f"{_number(one.low)} to {high}"


def about_unlike(predictions: Predictions) -> str:
    """How many images do not look like those trained on; "" where that was not looked for.

    Example:
        >>> import numpy as np
        >>> answers = Predictions(np.array(["a", "b"]), np.zeros((2, 1), np.float32), "measure",
        ...     unlike=np.array([True, False]))
        >>> about_unlike(answers)
        '1 of 2 images does not look like those that the network was trained on.'
    """
    if predictions.unlike is None:
        return ""
    count, every = int(predictions.unlike.sum()), len(predictions)
    if count == 0:
        return "All images look like those that the network was trained on."
    do = "does" if count == 1 else "do"
    images = "image" if every == 1 else "images"
    return (
        f"{count:,} of {every:,} {images} {do} not look like those that the network was trained on."
    )


def _low(score: Score) -> float:
    return score.value if score.low is None else score.low


def _high(score: Score) -> float:
    return score.value if score.high is None else score.high


def _number(value: float, unit: str = "") -> str:
    return f"{value:.3g} {unit}".rstrip()


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
