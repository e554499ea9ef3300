"""A first look at a data set: numbers, balance, equal images, pixel histograms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import PARTS, Dataset, Images
from firstlight.core.exploration import (
    Duplicates,
    Exploration,
    GroupSummary,
    Histogram,
    PartSummary,
    PixelHistograms,
    TargetSummary,
)
from firstlight.core.stored import ImageArray, blocks_of
from firstlight.data.equal import equal_groups

BINS = 64
MOST_GROUPS = 20
CHUNK = 1 << 20  # bytes that are looked at at a time


def explore_dataset(dataset: Dataset) -> Exploration:
    """Everything that `firstlight explore` tells about a data set.

    Example:
        >>> from firstlight.data import load_dataset
        >>> look = explore_dataset(load_dataset("mnist"))
        >>> look.parts[0].count, look.parts[0].minimum, look.parts[0].maximum
        (55000, 0.0, 255.0)
        >>> round(look.balance, 2)
        1.25
    """
    parts = tuple(_summary(part, images, dataset) for part, images in dataset.parts())
    balance = None
    if dataset.task == "classify":
        counts = np.sum([part.class_counts for part in parts], axis=0)
        balance = float(counts.max() / max(1, counts.min()))
    return Exploration(
        name=dataset.name,
        source=dataset.source,
        task=dataset.task,
        classes=dataset.classes,
        target_names=dataset.target_names,
        target_units=dataset.target_units,
        parts=parts,
        balance=balance,
        duplicates=_duplicates(dataset),
        histograms=_histograms(dataset.train.images, parts[0]),
        sizes=dataset.sizes,
        files_read=dataset.files_read,
        refused=dataset.refused,
        notes=dataset.notes,
        split_rule=dataset.split.rule,
        fingerprint=dataset.fingerprint,
        pixel_unit=dataset.pixel_unit,
    )


def _chunks(images: ImageArray) -> Iterator[NDArray[Any]]:
    """All pixels, in flat pieces that are small enough for temporary copies."""
    for block in blocks_of(images, CHUNK):
        yield block.reshape(-1)


def _value_counts(images: ImageArray) -> NDArray[np.int64]:
    """How often each value of an unsigned type occurs."""
    bins = np.iinfo(images.dtype).max + 1
    counts = np.zeros(bins, np.int64)
    for chunk in _chunks(images):
        counts += np.bincount(chunk, minlength=bins)
    return counts


def _statistics(images: ImageArray) -> tuple[float, float, float, float]:
    """Minimum, maximum, mean and standard deviation over all pixels."""
    if images.dtype.kind == "u":
        # Exact, and faster than walking the pixels: there are few values.
        counts = _value_counts(images)
        values = np.flatnonzero(counts)
        mean = float(np.average(values, weights=counts[values]))
        variance = float(np.average((values - mean) ** 2, weights=counts[values]))
        return float(values[0]), float(values[-1]), mean, variance**0.5
    size = int(np.prod(images.shape))
    low, high, total = np.inf, -np.inf, 0.0
    for chunk in _chunks(images):
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
        total += float(chunk.sum(dtype=np.float64))
    mean = total / size
    squares = sum(
        float(((chunk.astype(np.float64) - mean) ** 2).sum()) for chunk in _chunks(images)
    )
    return low, high, mean, (squares / size) ** 0.5


def _summary(part: str, images: Images, dataset: Dataset) -> PartSummary:
    class_counts: tuple[int, ...] = ()
    targets: tuple[TargetSummary, ...] = ()
    if dataset.task == "classify":
        counts = np.bincount(images.targets, minlength=len(dataset.classes))
        class_counts = tuple(counts.tolist())
    else:
        columns = images.targets.astype(np.float64).T
        targets = tuple(
            TargetSummary(name, unit, *map(float, (v.min(), v.max(), v.mean(), v.std())))
            for name, unit, v in zip(
                dataset.target_names, dataset.target_units, columns, strict=True
            )
        )
    return PartSummary(
        part,
        len(images),
        tuple(map(int, images.images.shape)),
        str(images.images.dtype),
        *_statistics(images.images),
        class_counts,
        targets,
        None if images.groups is None else _groups(images.groups),
    )


def _groups(groups: NDArray[np.str_]) -> GroupSummary:
    counts = np.unique(groups, return_counts=True)[1]
    return GroupSummary(len(counts), int(counts.min()), int(counts.max()))


def _histograms(images: ImageArray, train: PartSummary) -> PixelHistograms:
    """Three views of one count: both preparations only move and stretch the axis."""
    low, high = train.minimum, train.maximum
    if images.dtype == np.uint8:
        edges = np.linspace(0, 256, BINS + 1)
        counts = _value_counts(images).reshape(BINS, -1).sum(axis=1)
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
        counts = np.sum([np.histogram(chunk, edges)[0] for chunk in _chunks(images)], axis=0)
    if images.dtype.kind == "u":
        normalised = edges / np.iinfo(images.dtype).max
    else:
        normalised = (edges - low) / ((high - low) or 1)
    standardised = (edges - train.mean) / (train.std or 1)
    stored, scaled, standard = (
        Histogram(tuple(counts.tolist()), tuple(places.tolist()))
        for places in (edges, normalised, standardised)
    )
    return PixelHistograms(stored, scaled, standard)


def _duplicates(dataset: Dataset) -> Duplicates:
    parts = [images for _, images in dataset.parts()]
    groups = equal_groups([part.images for part in parts])
    within = dict.fromkeys(PARTS, 0)
    across = {f"{first}/{second}": 0 for first, second in combinations(PARTS, 2)}
    for group in groups:
        count = [sum(array == k for array, _ in group) for k in range(len(PARTS))]
        for k, part in enumerate(PARTS):
            within[part] += max(0, count[k] - 1)
        for first, second in combinations(range(len(PARTS)), 2):
            if count[first]:
                across[f"{PARTS[first]}/{PARTS[second]}"] += count[second]
    largest = sorted(groups, key=len, reverse=True)[:MOST_GROUPS]
    named = tuple(
        tuple(f"{PARTS[array]}: {parts[array].names[row]}" for array, row in group)
        for group in largest
    )
    return Duplicates({str(part): count for part, count in within.items()}, across, named)
