"""Columns of labels or numbers into targets, and the words that name parts of a split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Task
from firstlight.core.errors import DataError
from firstlight.data.paths import shown

PART_WORDS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
FEWEST_ROWS = 10  # from which on a class for nearly every row is remarked on
LABELS = ("label", "labels", "class", "category", "y")  # names that can only mean classes
UNIT = re.compile(r"(?P<name>.*\S)\s*\[(?P<unit>[^\[\]]*)\]\s*")


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets with what is known about them.

    Attributes:
        values: `(N,)` int64 class numbers, or `(N, T)` float32.
        task, classes, names, units, notes: as in `Collection` (`target_names`, `target_units`).
    """

    task: Task
    values: NDArray[Any]
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def targets_of(columns: Mapping[str, Any], where: str, task: str | None = None) -> Targets:
    """Targets from one column or several.

    One column of texts or whole numbers holds class labels (`classify`). One column of
    numbers with a decimal point, or several columns of numbers, are values (`measure`).
    With `task="measure"` a column of whole numbers is values, too.

    Args:
        columns: by name, each `(N,)` numbers or texts without gaps. A name that ends in
            square brackets gives the unit: `size [mm]`.
        where: the source, for messages.
        task: `classify` or `measure` where the user says so, None: as the columns look.

    Raises:
        DataError: if there are fewer than two classes, texts among several columns, numbers
            that are not finite, or columns that do not suit the task.

    Example:
        >>> targets_of({"animal": ["cat", "dog", "cat"]}, "a table").values
        array([0, 1, 0])
        >>> targets_of({"size [mm]": [1.5, 2.0, 0.5]}, "a table").units
        ('mm',)
        >>> targets_of({"age": [30, 41]}, "a table", "measure").values.ravel()
        array([30., 41.], dtype=float32)
    """
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    if len(arrays) == 1 and task != "measure":
        ((name, values),) = arrays.items()
        if values.dtype.kind != "f":
            return _labels(name, values, where, task)
    if task == "classify":
        came = "numbers with a decimal point" if len(arrays) == 1 else "several target columns"
        raise DataError(
            f"One column of texts or whole numbers was expected to classify, but {came} came "
            f"({', '.join(map(shown, arrays))} in {where}): leave --task classify out to have them "
            "measured, or store one class for each image."
        )
    for name, values in arrays.items():
        if values.dtype.kind not in "biuf":
            what = "Targets to measure" if len(arrays) == 1 else "Several target columns"
            raise DataError(
                f"{what} have to hold numbers, but {shown(name)} in {where} "
                "holds texts: name numeric columns, or a single column of labels, with --target."
            )
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise DataError(
                f"Finite numbers were expected, but {shown(name)} in {where} holds "
                f"{values[bad[0]]} at index {bad[0]}: leave such images out."
            )
    names, units = zip(*(name_and_unit(name) for name in arrays), strict=True)
    values = np.stack([values.astype(np.float32) for values in arrays.values()], axis=1)
    if not np.isfinite(values).all():
        raise DataError(f"The targets in {where} are too large for float32: use another unit.")
    return Targets("measure", values, names=names, units=units)


def _labels(name: str, values: NDArray[Any], where: str, task: str | None) -> Targets:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind not in "iubU":
        raise DataError(
            f"Labels have to be texts or whole numbers, but {shown(name)} in {where} is of type "
            f"{values.dtype}: store it as one of them."
        )
    found, numbers = np.unique(values, return_inverse=True)
    notes: tuple[str, ...] = ()
    if task is None and values.dtype.kind in "iu" and name.lower() not in LABELS:
        notes = (
            f"The whole numbers in {shown(name)} are read as the labels of {len(found):,} classes; "
            "--task measure has them measured.",
        )
    elif task is None and len(values) >= FEWEST_ROWS and len(found) > len(values) / 2:
        notes = (
            f"{shown(name)} has {len(found):,} classes for {len(values):,} images: is it a number "
            "to measure? Then say so with --task measure.",
        )
    return class_targets([str(item) for item in found], numbers, where, notes)


def class_targets(
    classes: Sequence[str], numbers: NDArray[Any], where: str, notes: tuple[str, ...] = ()
) -> Targets:
    """Class numbers that follow the order of the class names: by number where all are numbers.

    Args:
        classes: names without repetition.
        numbers: `(N,)` positions in `classes`.
        where: the source, for messages.
        notes: go into `Targets.notes`.

    Raises:
        DataError: if there are fewer than two classes.

    Example:
        >>> class_targets(["10", "9"], np.array([0, 1]), "a folder").classes
        ('9', '10')
    """
    if len(classes) < 2:
        only = f" ({shown(classes[0])})" if classes else ""
        raise DataError(
            f"At least two classes are needed to tell apart, but {where} has "
            f"{len(classes)}{only}: add images of another class."
        )
    numeric = all(re.fullmatch(r"-?\d+", name, re.ASCII) for name in classes)
    order = sorted(
        range(len(classes)), key=lambda k: (int(classes[k]) if numeric else 0, classes[k])
    )
    place = np.empty(len(classes), np.int64)
    place[order] = np.arange(len(classes))
    names = tuple(shown(classes[k]) for k in order)
    return Targets("classify", place[numbers], classes=names, notes=notes)


def name_and_unit(column: str) -> tuple[str, str]:
    """The name of a column, and the unit in square brackets behind it, "" where there is none.

    Example:
        >>> name_and_unit("size [mm]")
        ('size', 'mm')
    """
    match = UNIT.fullmatch(column)
    return (shown(match["name"]), shown(match["unit"])) if match else (shown(column), "")


def part_of(word: Any, where: str) -> str:
    """The part that a word names, "" for an empty one.

    Raises:
        DataError: if the word names none.

    Example:
        >>> part_of("Val", "row 3")
        'validation'
    """
    text = str(word).strip().lower()
    if text and text not in PART_WORDS:
        raise DataError(
            f"A part of the split was expected in {where} (train, validation or test), but "
            f"{shown(word)!r} came: use one of these words, or leave it empty."
        )
    return PART_WORDS.get(text, "")
