"""Whether contenders reach the same accuracy, as far as the spread of their seeds can tell."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, median, variance

STANDARD_ERRORS = 3.0


def pooled_deviation(samples: Mapping[str, Sequence[float]]) -> float | None:
    """The standard deviation from seed to seed, over all contenders; None with one seed each."""
    freedom = sum(len(sample) - 1 for sample in samples.values())
    if freedom == 0:
        return None
    squares = sum((len(s) - 1) * variance(s) for s in samples.values() if len(s) > 1)
    return sqrt(squares / freedom)


def standing_out(samples: Mapping[str, Sequence[float]]) -> set[str]:
    """Who differs from the median of all means by more than three standard errors.

    The error is that of a mean of so many seeds, from the pooled deviation. With one seed there
    is no spread to judge by, and nobody stands out.
    """
    deviation = pooled_deviation(samples)
    if deviation is None:
        return set()
    middle = median(fmean(sample) for sample in samples.values())
    return {
        name
        for name, sample in samples.items()
        if abs(fmean(sample) - middle) > STANDARD_ERRORS * deviation / sqrt(len(sample))
    }
