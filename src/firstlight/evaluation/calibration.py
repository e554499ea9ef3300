"""Whether probabilities of classes mean what they say, and how to mend them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.core.scores import Score
from firstlight.core.trust import ClassTrust, ReliabilityBin
from firstlight.evaluation.intervals import LEVEL, RESAMPLES, percentile_interval, share_score

BINS = 15
MOST = 100.0
PRECISION = 1e-7  # of the logarithm of the temperature
AT_ONCE = 1 << 20  # random numbers that are drawn together


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """The number by which logits have to be divided so that probabilities fit best.

    The one that minimises the cross-entropy of images that the network was not trained on (Guo,
    Pleiss, Sun & Weinberger 2017, arXiv 1706.04599, section 4.2): above 1 where the network was
    too sure of itself. The most probable class stays the same. Where every image is right, the
    cross-entropy falls for ever as the temperature goes to 0, and the answer is 1: that says
    nothing about how sure the network may be. It lies between 1/100 and 100.

    Args:
        logits: `(N, K)`, or logarithms of probabilities, which do as well.
        targets: `(N,)` class numbers, 0 to K - 1.

    Raises:
        DataError: there is no image, or a logit is not finite.

    Example:
        >>> logits = np.array([[4.0, 0.0]] * 10)
        >>> targets = np.array([0] * 8 + [1] * 2)  # sure to 98 %, right to 80 %
        >>> round(fit_temperature(logits, targets), 3)
        2.885
        >>> tempered(logits, fit_temperature(logits, targets))[0].round(3).tolist()
        [0.8, 0.2]
    """
    if len(logits) == 0 or not np.isfinite(logits).all():
        raise DataError(
            f"Expected finite logits of one image or more, but {len(logits)} images came: look "
            "at the network's answers on the validation split."
        )
    below = logits.astype(np.float64) - logits[np.arange(len(logits)), targets][:, None]
    if (below <= 0).all():
        return 1.0

    # The cross-entropy is convex in the inverse of the temperature, so its slope rises and is zero
    # once. Halving needs no library, and importing SciPy's took longer than all of this.
    low, high = -np.log(MOST), np.log(MOST)
    while high - low > PRECISION:
        middle = (low + high) / 2
        slope = (tempered(below, np.exp(-middle)) * below).sum()
        low, high = (middle, high) if slope < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def tempered(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """`(N, K)` probabilities of logits that are divided by a temperature.

    Example:
        >>> tempered(np.log([[0.9, 0.1]]), 1.0).round(3).tolist()
        [[0.9, 0.1]]
    """
    wide = logits.astype(np.float64) / temperature
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def class_trust(
    probabilities: NDArray[np.floating],
    targets: NDArray[np.int64],
    groups: NDArray[np.str_] | None = None,
    seed: int = 0,
) -> ClassTrust:
    """Accuracy by confidence, and the expected calibration error.

    The error is the mean distance between confidence (the probability of the most probable
    class) and accuracy in 15 bins of equal width, each counted by its images (Naeini, Cooper &
    Hauskrecht 2015, AAAI 29; Guo et al. 2017). It is biased: chance alone keeps a bin's accuracy
    off its confidence, so that perfect probabilities too show an error, the larger the fewer
    images there are. `by_chance` says how large: images are right with their own probability,
    1,000 times (Brocker & Smith 2007, Weather and Forecasting 22, 651). It takes the images as
    independent; where groups matter, chance gives more.

    Args:
        probabilities: `(N, K)`, 0 to 1.
        targets: `(N,)` class numbers.
        groups: `(N,)` group labels, for the intervals of the bins; or None.
        seed: of what chance gives.

    Returns:
        The record, without temperature and coverage.

    Example:
        >>> probabilities = np.array([[0.9, 0.1]] * 10)
        >>> trust = class_trust(probabilities, np.array([0] * 6 + [1] * 4))
        >>> round(trust.calibration_error, 3), len(trust.bins), trust.bins[0].accuracy.value
        (0.3, 1, 0.6)
        >>> round(trust.by_chance.value, 1)
        0.1
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == targets
    edges = np.linspace(0, 1, BINS + 1)
    # A confidence on an edge lies in the bin below it, as in the papers.
    which = np.clip(np.searchsorted(edges, confidence) - 1, 0, BINS - 1)
    bins = []
    for k in np.unique(which):
        own = which == k
        part = None if groups is None else groups[own]
        bins.append(
            ReliabilityBin(
                low=float(edges[k]),
                high=float(edges[k + 1]),
                count=int(own.sum()),
                confidence=float(confidence[own].mean()),
                accuracy=share_score(right[own], part),
            )
        )

    # In the order of the bins, so that each is one stretch.
    order = np.argsort(which, kind="stable")
    _, starts = np.unique(which[order], return_index=True)
    confidence, right = confidence[order], right[order]
    sure = np.add.reduceat(confidence, starts)

    def errors(outcomes: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Of `(R, N)` outcomes."""
        counts = np.add.reduceat(outcomes, starts, axis=1, dtype=np.int64)
        found: NDArray[np.float64] = np.abs(counts - sure).sum(axis=1) / len(confidence)
        return found

    random = np.random.default_rng(seed)
    step = max(1, AT_ONCE // len(right))
    sizes = [min(step, RESAMPLES - done) for done in range(0, RESAMPLES, step)]
    chance = np.concatenate(
        [errors(random.random((size, len(right))) < confidence) for size in sizes]
    )
    return ClassTrust(
        bins=tuple(bins),
        calibration_error=float(errors(right[None])[0]),
        by_chance=Score(float(chance.mean()), *percentile_interval(chance), LEVEL),
    )
