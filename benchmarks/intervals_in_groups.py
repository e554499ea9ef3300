"""How often intervals hold where images come in groups, by simulation: tables for the docs.

Scores of images are |normal numbers|, so that the coverage of a threshold is known exactly. A
share of each number's variance belongs to its group. `python benchmarks/intervals_in_groups.py`
prints them in a few minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from firstlight.evaluation.conformal import conformal_thresholds
from firstlight.evaluation.coverage import coverage
from firstlight.evaluation.intervals import (
    RESAMPLES,
    percentile_interval,
    share_score,
    wilson_interval,
)

REPEATS = 1000
OF_EACH = 36
SHARED = (0.0, 0.3, 0.6, 1.0)
GROUPS = (8, 15, 30)

Held = NDArray[np.bool_]
Interval = tuple[float, float]


def labels(groups: int) -> NDArray[np.str_]:
    """The group of each image."""
    return np.repeat(np.arange(groups).astype(str), OF_EACH)


def draws(groups: int, shared: float, seed: int = 0) -> Iterator[NDArray[np.float64]]:
    """The scores of all images, anew each time."""
    random = np.random.default_rng(seed)
    for _ in range(REPEATS):
        common = np.repeat(random.standard_normal(groups), OF_EACH)
        own = random.standard_normal(groups * OF_EACH)
        yield np.abs(np.sqrt(shared) * common + np.sqrt(1 - shared) * own)


def by_images(scores: NDArray[np.float64], level: float, names: NDArray[np.str_]) -> float:
    """Split-conformal as if each image stood for itself."""
    return conformal_thresholds(scores, [level], None)[0][0]


def by_groups(scores: NDArray[np.float64], level: float, names: NDArray[np.str_]) -> float:
    """Lee, Barber & Willett 2023: as if the images of a group were one."""
    groups = len(np.unique(names))
    rank = int(np.ceil(level * len(scores) * (1 + 1 / groups) - 1e-9))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else np.inf


def here(scores: NDArray[np.float64], level: float, names: NDArray[np.str_]) -> float:
    """What firstlight does."""
    return conformal_thresholds(scores, [level], names)[0][0]


def thresholds() -> None:
    """Mean coverage of new groups, and its standard deviation from calibration to calibration."""
    rules = (by_images, here, by_groups)
    print("\n| groups | shared | level | by images | firstlight | by groups |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for groups in GROUPS:
        names = labels(groups)
        for shared in SHARED:
            for level in (0.68, 0.9, 0.95):
                found = [[rule(s, level, names) for rule in rules] for s in draws(groups, shared)]
                shares = 2 * stats.norm.cdf(np.array(found)) - 1
                cells = " | ".join(f"{each.mean():.3f} ± {each.std():.3f}" for each in shares.T)
                print(f"| {groups} | {shared:g} | {level} | {cells} |")


def bootstrapped(held: Held, names: NDArray[np.str_]) -> Interval:
    """The percentile bootstrap of whole groups, all of one size."""
    each = held.reshape(-1, OF_EACH).mean(axis=1)
    drawn = np.random.default_rng(0).choice(each, (RESAMPLES, len(each))).mean(axis=1)
    return percentile_interval(drawn)


def symmetric(held: Held, names: NDArray[np.str_]) -> Interval:
    """The cluster-robust standard error times Student's t to either side."""
    each = held.reshape(-1, OF_EACH).mean(axis=1)
    half = stats.t.ppf(0.975, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each))
    return each.mean() - half, each.mean() + half


def counted(held: Held, names: NDArray[np.str_]) -> Interval:
    """Wilson's interval, as if each image stood for itself."""
    return wilson_interval(int(held.sum()), len(held))


def wilson(held: Held, names: NDArray[np.str_]) -> Interval:
    """What firstlight does."""
    score = share_score(held, names)
    assert score.low is not None
    assert score.high is not None
    return score.low, score.high


def errors() -> None:
    """How often a 95 % interval holds the true coverage."""
    ways: tuple[Callable[[Held, NDArray[np.str_]], Interval], ...]
    ways = (counted, bootstrapped, symmetric, wilson)
    print("\n| groups | shared | true coverage | by images | bootstrap | symmetric | firstlight |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for groups in GROUPS:
        names = labels(groups)
        for shared in SHARED[:3]:
            for true in (0.68, 0.9, 0.95):
                edge, hits = stats.norm.ppf((1 + true) / 2), np.zeros(len(ways))
                for scores in draws(groups, shared):
                    ends = np.array([way(scores <= edge, names) for way in ways])
                    hits += (ends[:, 0] <= true) & (true <= ends[:, 1])
                cells = " | ".join(f"{share:.3f}" for share in hits / REPEATS)
                print(f"| {groups} | {shared:g} | {true} | {cells} |")


def verdicts() -> None:
    """How often the measured coverage agrees with the level, for a sound calibration."""
    print("\n| to calibrate | to test | shared | level | error of the test alone | of both |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for first, second in ((15, 15), (15, 30), (30, 15)):
        for shared in SHARED[:3]:
            for level in (0.68, 0.9, 0.95):
                hits = np.zeros(2)
                for old, new in zip(draws(first, shared), draws(second, shared, 1), strict=True):
                    (edge,), worth = conformal_thresholds(old, [level], labels(first))
                    ends = np.tile([[[0.0, edge]]], (len(new), 1, 1))
                    for k, effective in enumerate((None, worth)):
                        [found] = coverage(new, ends, [level], labels(second), effective)
                        low, high = found.covered.low or 0.0, found.covered.high or 0.0
                        hits[k] += low <= level <= high
                cells = " | ".join(f"{share:.3f}" for share in hits / REPEATS)
                print(f"| {first} | {second} | {shared:g} | {level} | {cells} |")


if __name__ == "__main__":
    thresholds()
    errors()
    verdicts()
