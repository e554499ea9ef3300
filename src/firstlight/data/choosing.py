"""Which of the images that were read are used: conditions on their numbers, equal counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.condition import Condition
from firstlight.core.dataset import Collection
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.paths import shown
from firstlight.data.stack import counted

BINS = 10


def choose(collection: Collection, settings: DataSettings, seed: int) -> Collection:
    """The images that `--keep` and `--balance` leave.

    `--keep` drops images whose numbers do not meet the condition. `--balance` then divides a
    column's range into ten bins of equal width and drops images at random until all bins that
    hold any hold equally many; with `--by`, for each value of another column on its own.

    Args:
        collection: as it was read.
        settings: `keep`, `balance` and `by` count.
        seed: of the random choice.

    Raises:
        DataError: a column is missing, or no image is left.
    """
    if settings.keep is None and settings.balance is None:
        return collection
    columns = known_columns(collection)
    count = len(collection.everything)
    kept = np.ones(count, bool)
    notes: list[str] = []
    if settings.keep is not None:
        condition = Condition.parse(settings.keep)
        for name in condition.names:
            _require(name, columns, collection, "--keep")
        kept = condition.holds(columns)
        if not kept.any():
            raise DataError(
                f"Images with {settings.keep} were expected in {collection.name}, but none of its "
                f"{count:,} is like that: change --keep."
            )
        notes.append(
            f"Only images with {settings.keep} are used: {counted(int(kept.sum()))} of {count:,}."
        )
    if settings.balance is not None:
        before = np.flatnonzero(kept)
        value = _require(settings.balance, columns, collection, "--balance")[before]
        by = np.zeros(len(before))
        if settings.by is not None:
            by = _require(settings.by, columns, collection, "--by")[before]
        chosen = before[balanced(value, by, np.random.default_rng(seed))]
        kept = np.zeros(count, bool)
        kept[chosen] = True
        each = f" for each {settings.by}" if settings.by is not None else ""
        notes.append(
            f"Images were dropped at random until each tenth of the range of {settings.balance} "
            f"has equally many{each}: {counted(len(chosen))} of {len(before):,} are left."
        )
    return replace(
        collection,
        everything=collection.everything.select(np.flatnonzero(kept)),
        parts=collection.parts[kept],
        notes=(*collection.notes, *notes),
    )


def require_bounds(collection: Collection, settings: DataSettings) -> None:
    """Refuse targets outside of the bounds that `--bounds` gives them.

    Raises:
        DataError: naming the first image with such a target.
        SettingError: bounds are given for something that is no target.
    """
    everything = collection.everything
    for number, (low, high) in enumerate(settings.bounds_of(collection.target_names)):
        column = everything.targets[:, number]
        outside = np.flatnonzero(np.clip(column, low, high) != column)
        if len(outside):
            name, first = collection.target_names[number], outside[0]
            raise DataError(
                f"Values of {shown(name)} within --bounds {name}={_end(low)}:{_end(high)} were "
                f"expected, but {everything.names[first]} has {column[first]:g}: correct the "
                "bounds, or leave such images out with --keep."
            )


def _end(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"


def balanced(
    values: NDArray[Any], by: NDArray[Any], random: np.random.Generator
) -> NDArray[np.int64]:
    """Positions with equally many in each bin of `values`, separately for each value of `by`.

    Args:
        values: `(N,)` what is to be even; ten bins of equal width over its range.
        by: `(N,)`, with few different values.
        random: what draws those that stay.

    Returns:
        The positions that stay, rising.

    Example:
        >>> values = np.array([0.0, 0.05, 0.06, 0.9, 1.0])
        >>> len(balanced(values, np.zeros(5), np.random.default_rng(0)))
        4
    """
    edges = np.linspace(values.min(), values.max(), BINS + 1)[1:-1]
    bins = np.digitize(values, edges)
    chosen: list[NDArray[np.int64]] = []
    for one in np.unique(by):
        there = np.flatnonzero(by == one)
        counts = np.bincount(bins[there], minlength=BINS)
        fewest = counts[counts > 0].min()
        for number in np.flatnonzero(counts):
            members = there[bins[there] == number]
            chosen.append(random.permutation(members)[:fewest])
    return np.sort(np.concatenate(chosen))


def known_columns(collection: Collection) -> Mapping[str, NDArray[Any]]:
    """All numbers that are known of the images: columns and targets that are measured."""
    targets = collection.everything.targets
    measured = {name: targets[:, k] for k, name in enumerate(collection.target_names)}
    return {**collection.everything.columns, **measured}


def _require(
    name: str, columns: Mapping[str, NDArray[Any]], collection: Collection, option: str
) -> NDArray[Any]:
    if name not in columns:
        listed = ", ".join(map(shown, columns)) or "none"
        raise DataError(
            f"A column of numbers called {shown(name)} was expected for {option}, but "
            f"{collection.name} has {listed}: name one of them."
        )
    return columns[name]
