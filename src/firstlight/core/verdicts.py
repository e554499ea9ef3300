"""What the numbers of a report mean, each in a plain sentence."""

from __future__ import annotations

from collections.abc import Sequence

from firstlight.core.notebook import short
from firstlight.core.reports import Predictions, Report
from firstlight.core.scores import Score
from firstlight.core.trust import Baseline, Bin, ClassTrust, Coverage

JUST_ONE = 1.005  # classes in a set on average, below which it is one class nearly always


def beats_baselines(rmse: Score, baselines: Sequence[Baseline]) -> bool:
    """Whether an rmse is below that of every simpler way, with all of its interval.

    Example:
        >>> beats_baselines(Score(0.5, 0.4, 0.6), [Baseline("forest", Score(1), Score(0))])
        True
    """
    high = rmse.value if rmse.high is None else rmse.high
    return all(high < simple.rmse.value for simple in baselines)


def against_baselines(rmse: Score, baselines: Sequence[Baseline], unit: str = "") -> str:
    """How a network does beside the best simpler way; "" where none stands beside it.

    Example:
        >>> forest = Baseline("forest", Score(0.4), Score(0.9))
        >>> against_baselines(Score(0.5), [forest], "kg")
        'It does not beat a simpler way: the forest is off by 0.4 kg, the network by 0.5 kg.'
    """
    if not baselines:
        return ""
    best = min(baselines, key=lambda simple: simple.rmse.value)
    simple, network = (_number(score.value, unit) for score in (best.rmse, rmse))
    if rmse.value >= best.rmse.value:
        return (
            f"It does not beat a simpler way: the {best.name} is off by {simple}, the network by "
            f"{network}."
        )
    if not beats_baselines(rmse, baselines):
        return (
            f"It beats the {best.name} by no more than chance could give: that is off by {simple}, "
            f"the network by {network}."
        )
    return (
        f"It beats every simpler way: the best of them, the {best.name}, is off by {simple}, the "
        f"network by {network}."
    )


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


def about_coverage(coverage: Coverage, of_classes: bool = False) -> str:
    """How often the intervals of one level held the true value, and whether that is as promised.

    Args:
        coverage: of one level.
        of_classes: whether it is that of sets of classes instead of intervals.

    Example:
        >>> about_coverage(Coverage(0.9, Score(0.88, 0.83, 0.93), 0.1))
        'Intervals that are to hold 90 % of true values held 88 % (83 to 93 %).'
        >>> about_coverage(Coverage(0.9, Score(0.7, 0.6, 0.8), 1.4), of_classes=True)
        'Sets that are to hold 90 % of true classes held 70 % (60 to 80 %), with 1.4 classes on \
average: they are too small.'
    """
    what, true = ("Sets", "classes") if of_classes else ("Intervals", "values")
    held = coverage.covered
    words = f"{what} that are to hold {_percent(coverage.level)} of true {true} held "
    words += _percent(held.value)
    if held.low is not None and held.high is not None:
        words += f" ({100 * held.low:.3g} to {_percent(held.high)})"
    if of_classes and coverage.width < JUST_ONE:
        # No set can be smaller, so it may well hold more than it is to.
        return f"{words}, with one class in each."
    if of_classes:
        words += f", with {coverage.width:.3g} classes on average"
    if held.high is not None and held.high < coverage.level:
        return f"{words}: they are too {'small' if of_classes else 'narrow'}."
    if held.low is not None and held.low > coverage.level:
        return f"{words}: they are {'larger' if of_classes else 'wider'} than they need to be."
    return f"{words}."


def telling(coverage: Sequence[Coverage]) -> list[Coverage]:
    """Those levels of sets of classes that say something: with more than one class in a set.

    Where there are none, the highest level.

    Example:
        >>> one, two = Coverage(0.9, Score(0.99), 1.0), Coverage(0.99, Score(0.99), 1.2)
        >>> [each.level for each in telling([one, two])], [each.level for each in telling([one])]
        ([0.99], [0.9])
    """
    return [each for each in coverage if each.width >= JUST_ONE] or list(coverage[-1:])


def about_probabilities(trust: ClassTrust) -> str:
    """How far the probabilities of a network are off, beside what chance alone would show.

    Example:
        >>> about_probabilities(ClassTrust((), 0.031, Score(0.01, 0.005, 0.018), 1.3))
        'Its probabilities are off by 3.1 % on average (the expected calibration error); of right \
ones, chance would show 0.5 to 1.8 %. Its logits were divided by a temperature of 1.3.'
    """
    words = (
        f"Its probabilities are off by {_percent(trust.calibration_error)} on average (the "
        "expected calibration error)"
    )
    chance = trust.by_chance
    if chance.low is not None and chance.high is not None:
        words += f"; of right ones, chance would show {100 * chance.low:.3g} to "
        words += _percent(chance.high)
    if trust.temperature == 1:
        return f"{words}."
    return f"{words}. Its logits were divided by a temperature of {trust.temperature:.3g}."


def by_column(bins: Sequence[Bin]) -> dict[str, list[Bin]]:
    """The bins by the column that they divide, in their order.

    Example:
        >>> bins = (Bin("z", 6, 8, 9, Score(0), 0.1), Bin("z", 8, 10, 9, Score(0.1), 0.3))
        >>> {name: len(of_column) for name, of_column in by_column(bins).items()}
        {'z': 2}
    """
    columns: dict[str, list[Bin]] = {}
    for row in bins:
        columns.setdefault(row.column, []).append(row)
    return columns


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


def about_folds(report: Report) -> str:
    """What networks say that were each tested on another part; "" where there are none.

    Example:
        >>> import numpy as np
        >>> from firstlight.core.cross_validation import CrossValidation
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure",
        ...     target_names=("mass",), target_units=("kg",))
        >>> folds = CrossValidation(9, ({"rmse": 1.0}, {"rmse": 3.0}), {"rmse": Score(2.2, 2, 3)})
        >>> about_folds(
        ...     Report("measure", "x", 1, {}, answers, np.ones((1, 1)), cross_validation=folds)
        ... )
        '2 networks, each tested on a part that it was not trained on, 9 images together: rmse \
2.2 kg (2 to 3), fold by fold 1 to 3.'
    """
    found = report.cross_validation
    if found is None:
        return ""
    title = "accuracy" if report.task == "classify" else "rmse"
    score, each = found.scores[title], [scores[title] for scores in found.folds]
    words = _percent if title == "accuracy" else _number
    value = f"{words(score.value)} {report.unit_of(title)}".rstrip()
    within = ""
    if score.low is not None and score.high is not None:
        within = f" ({words(score.low)} to {words(score.high)})"
    return (
        f"{len(each)} networks, each tested on a part that it was not trained on, {found.count:,} "
        f"images together: {title} {value}{within}, fold by fold {words(min(each))} to "
        f"{words(max(each))}."
    )


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


def _number(value: float, unit: str = "") -> str:
    return f"{value:.3g} {unit}".rstrip()


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
