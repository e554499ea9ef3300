"""Intervals that hold: split-conformal calibration on images in groups.

The rule that `conformal_thresholds` follows was chosen for groups that are few. Of all images of
new groups, an interval holds at least `Calibration.guaranteed`, whatever the data are
like, and close to its level as far as groups vary as they did in calibration.

Sources: split-conformal prediction and normalised scores: Papadopoulos et al. 2002; Lei et al.
2018 (Journal of the American Statistical Association 113, 1094); Angelopoulos & Bates 2021
(arXiv 2107.07511), sections 1 and 2.3. Groups: Dunn, Wasserman & Ramdas 2022 (arXiv 1809.07441);
Lee, Barber & Willett 2023 (arXiv 2306.06342); the guarantee: Angelopoulos, Bates, Fisch, Lei &
Schuster 2024 (Conformal risk control, arXiv 2208.02814), theorem 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError, RunError
from firstlight.evaluation.intervals import effective_count

LEVELS = (0.5, 0.68, 0.9, 0.95)
FLOOR = 0.1  # of the median spread

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What is known of every calibration.

    Attributes:
        levels: the shares of new images for which the truth is to be held, rising.
        guaranteed: for each level, the least share of all images of new groups that is held,
            on average over calibrations, where the groups are exchangeable and none has more
            images than the largest one here.
        groups: how many groups were calibrated on; None: the images were in no groups.
        images: how many images.
    """

    levels: tuple[float, ...]
    guaranteed: tuple[float, ...]
    groups: int | None
    images: int

    def as_dict(self) -> dict[str, Any]:
        """The calibration as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Self:
        """The calibration that `as_dict` wrote down, from JSON too.

        Raises:
            RunError: the document is not of such a calibration.
        """
        try:
            return cls(**{key: _as_tuple(value) for key, value in document.items()})
        except (AttributeError, TypeError) as error:
            raise RunError(
                f"Expected a calibration as firstlight writes it, but it is damaged ({error}): "
                "train again."
            ) from error


@dataclass(frozen=True, kw_only=True)
class IntervalCalibration(Calibration):
    """What turns values and spreads into intervals that hold.

    Attributes as in `Calibration`, and:
        factors: for each target and level, half the interval's width: in spreads, or in the
            target's unit where there is no spread.
        floors: for each target, the smallest spread that is believed; None without spreads.
        bounds: for each target, the least and the greatest value that it can have.
        effective: for each target and level, how many independent images the calibration was
            worth (`effective_count`); the measured coverage of other groups differs from the
            level by about the root of level (1 - level) / effective for that reason alone.
    """

    factors: tuple[tuple[float, ...], ...]
    floors: tuple[float, ...] | None
    bounds: tuple[Bounds, ...]
    effective: tuple[tuple[float, ...], ...]

    def intervals(
        self, values: NDArray[np.floating], spreads: NDArray[np.floating] | None = None
    ) -> NDArray[np.float32]:
        """The ends of an interval for each value and level.

        Intervals of rising levels lie within each other and within the bounds. A value outside
        the bounds is taken to be at the bound.

        Args:
            values: `(N, T)`, what the network answers.
            spreads: `(N, T)`, as in calibration; None where that had none.

        Returns:
            `(N, T, L, 2)`, lower and upper ends.

        Raises:
            DataError: the shapes do not fit, spreads are missing or too many, or a number is
                not finite.

        Example: see `calibrate_intervals`.
        """
        if values.shape[1:] != (len(self.factors),) or (spreads is None) != (self.floors is None):
            raise DataError(
                f"Expected {len(self.factors)} values for each image, "
                f"{'without' if self.floors is None else 'with'} spreads as in calibration, but "
                f"values of shape {values.shape} came {'without' if spreads is None else 'with'} "
                "spreads: use the model that was calibrated."
            )
        spreads = _checked(values, spreads)
        ends = np.empty((*values.shape, len(self.levels), 2), np.float32)
        for target, (low, high) in enumerate(self.bounds):
            floor = 0.0 if self.floors is None else self.floors[target]
            centre = np.clip(values[:, target].astype(np.float64), low, high)[:, None]
            half = np.maximum(spreads[:, target], floor)[:, None] * self.factors[target]
            both = np.stack([centre - half, centre + half], axis=-1)
            ends[:, target] = np.clip(both, low, high)
        return ends


def calibrate_intervals(
    targets: NDArray[np.floating],
    values: NDArray[np.floating],
    spreads: NDArray[np.floating] | None = None,
    groups: NDArray[np.str_] | None = None,
    *,
    levels: Sequence[float] = LEVELS,
    bounds: Sequence[Bounds] | None = None,
) -> IntervalCalibration:
    """Learn how wide intervals have to be, from images that the network was not trained on.

    The score of an image is |target - value| / spread; an interval reaches as many spreads to
    either side as `conformal_thresholds` says. Values are first put within the bounds, and a
    spread below a tenth of the median spread counts as that: a network that is sure of itself
    near a bound gives no endless scores (the sensitivity parameter of Papadopoulos & Haralambous
    2011, Neural Networks 24, 842). The coverage is that of all images together: it is not
    guaranteed for each value of the target by itself, nor for images of another kind; and the
    guarantee takes the floor as given, although it comes from the same images.

    Args:
        targets: `(N, T)`, what is true.
        values: `(N, T)`, what the network answers.
        spreads: `(N, T)`, how far off it takes each value to be; None: it does not say.
        groups: `(N,)` labels of two groups or more; None: each image stands for itself.
        levels: the shares to hold, rising, between 0 and 1.
        bounds: least and greatest possible value of each target, None where there is none.

    Returns:
        The calibration.

    Raises:
        DataError: too few images or groups, shapes that do not fit together, numbers that are
            not finite, spreads that are not above 0, or targets outside of the bounds.

    Example:
        >>> random = np.random.default_rng(0)
        >>> groups = np.repeat([f"box {k}" for k in range(20)], 50)
        >>> values, spreads = random.uniform(size=(1000, 1)), np.full((1000, 1), 0.1)
        >>> targets = values + random.normal(scale=0.2, size=(1000, 1))
        >>> calibration = calibrate_intervals(targets, values, spreads, groups, levels=(0.5, 0.9))
        >>> [round(float(factor), 1) for factor in calibration.factors[0]]
        [1.4, 3.4]
        >>> ends = calibration.intervals(np.array([[0.5]]), np.array([[0.1]]))
        >>> [f"{low:.2f} to {high:.2f}" for low, high in ends[0, 0]]
        ['0.36 to 0.64', '0.16 to 0.84']
    """
    bounds = tuple(bounds) if bounds is not None else ((None, None),) * values.shape[1]
    _check(targets, values, groups, bounds)
    half = _checked(values, spreads)
    floors = None
    if spreads is not None:
        floors = tuple((FLOOR * np.median(half, axis=0)).tolist())
        if min(floors) <= 0:
            raise DataError(
                "Expected spreads above 0, but half of those of a target are 0: calibrate "
                "without spreads."
            )
        half = np.maximum(half, floors)
    factors, effective = [], []
    for target, (low, high) in enumerate(bounds):
        centre = np.clip(values[:, target].astype(np.float64), low, high)
        scores = np.abs(targets[:, target] - centre) / half[:, target]
        thresholds, worth = conformal_thresholds(scores, levels, groups)
        factors.append(thresholds)
        effective.append(worth)
    return IntervalCalibration(
        levels=tuple(levels),
        guaranteed=guaranteed_shares(levels, len(values), groups),
        groups=None if groups is None else len(np.unique(groups)),
        images=len(values),
        factors=tuple(factors),
        floors=floors,
        bounds=tuple(bounds),
        effective=tuple(effective),
    )


def conformal_thresholds(
    scores: NDArray[np.float64], levels: Sequence[float], groups: NDArray[np.str_] | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Numbers that given shares of the scores of new images do not exceed.

    For each level the score of rank level (N + N/n), rounded up, where n is how many independent
    images these N are worth (`effective_count` of those up to the plain quantile). Without groups
    n is N: the usual split-conformal rule, rank (N + 1) level. Where groups agree or differ as a
    whole, n is their number K, and the rule is that of Lee, Barber & Willett 2023 (for groups
    of one size), which assumes just that: on independent images it would hold 0.96 for 0.9 with
    15 groups, and for 0.95 nothing short of infinity. Where the rank exceeds N, the greatest
    score is the answer, and the level is not guaranteed.

    Args:
        scores: `(N,)` larger where an image fits worse.
        levels: between 0 and 1, rising.
        groups: `(N,)` group labels, or None.

    Returns:
        The thresholds, rising, and how many independent images each is worth.

    Example:
        >>> conformal_thresholds(np.arange(1.0, 100.0), [0.5, 0.9], None)
        ((50.0, 90.0), (99.0, 99.0))
    """
    ordered, count = np.sort(scores), len(scores)
    thresholds, worths = [], []
    for level in levels:
        plain = ordered[_rank(level, count) - 1]
        worth = effective_count(scores <= plain, groups)
        rank = min(count, _rank(level, count + count / worth))
        thresholds.append(ordered[rank - 1])
        worths.append(worth)
    # A higher level can be worth more images, and then reach for less.
    return tuple(np.maximum.accumulate(thresholds).tolist()), tuple(worths)


def guaranteed_shares(
    levels: Sequence[float], count: int, groups: NDArray[np.str_] | None
) -> tuple[float, ...]:
    """The share that `conformal_thresholds` of N scores holds, whatever their distribution.

    Rank / (N + M), where M is the size of the largest group (conformal risk control, with a new
    group of that size that is missed as a whole), and the rank is (N + 1) level or more.

    Example:
        >>> guaranteed_shares([0.9], 99, None)
        (0.9,)
        >>> [round(share, 3) for share in guaranteed_shares([0.9], 540, np.arange(540) // 36)]
        [0.845]
    """
    largest = 1 if groups is None else int(np.unique(groups, return_counts=True)[1].max())
    ranks = [min(count, _rank(level, count + 1)) for level in levels]
    return tuple(
        min(level, rank / (count + largest)) for level, rank in zip(levels, ranks, strict=True)
    )


def _rank(level: float, count: float) -> int:
    """`level * count`, rounded up (0.9 of 10 is 9, whatever binary fractions make of it)."""
    return max(1, ceil(level * count - 1e-9))


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(part) for part in value) if isinstance(value, list | tuple) else value


def _checked(
    values: NDArray[np.floating], spreads: NDArray[np.floating] | None
) -> NDArray[np.float64]:
    """The spreads, or ones where there are none."""
    if spreads is None:
        spreads = np.ones(values.shape)
    if spreads.shape != values.shape:
        raise DataError(
            f"Expected one spread for each value, but spreads of shape {spreads.shape} came for "
            f"values of shape {values.shape}: give the answers of one network."
        )
    if not (np.isfinite(values).all() and np.isfinite(spreads).all() and (spreads >= 0).all()):
        raise DataError(
            "Expected finite values and spreads of 0 or more, but some are not: look at the "
            "network's answers."
        )
    return spreads.astype(np.float64)


def _check(
    targets: NDArray[np.floating],
    values: NDArray[np.floating],
    groups: NDArray[np.str_] | None,
    bounds: tuple[Bounds, ...],
) -> None:
    if targets.shape != values.shape or len(bounds) != values.shape[1]:
        raise DataError(
            f"Expected targets and bounds for each value, but targets of shape {targets.shape} "
            f"and {len(bounds)} bounds came for values of shape {values.shape}: give those of "
            "the same images."
        )
    if groups is not None and groups.shape != (len(values),):
        raise DataError(
            f"Expected one group for each of {len(values)} images, but shape {groups.shape} "
            "came: give a group label for every image."
        )
    several = len(values) if groups is None else len(np.unique(groups))
    if several < 2:
        raise DataError(
            f"Expected {'images' if groups is None else 'groups of images'} to calibrate on, two "
            f"or more, but {several} came: put more data into the validation split."
        )
    for target, (low, high) in enumerate(bounds):
        column = targets[:, target]
        if not np.isfinite(column).all() or (np.clip(column, low, high) != column).any():
            raise DataError(
                f"Expected targets within their bounds ({low} to {high}), but {column.min()} to "
                f"{column.max()} came: correct the bounds or the targets."
            )
