"""Data sets as named arrays: .npz files, and .npy files that lie side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Collection
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.arrays import Block, block_of, collect
from firstlight.data.named_array import Arrays
from firstlight.data.options import COLUMNS, refuse_columns
from firstlight.data.paths import shown
from firstlight.data.targets import Targets, class_targets, part_of, targets_of

TARGETS = ("labels", "label", "targets", "target", "y")
KERAS_PARTS = {"train": "train", "val": "validation", "test": "test"}


def read_named(arrays: Arrays, source: Path, settings: DataSettings) -> Collection:
    """A data set from `images` with its columns, or from Keras's `x_train`, `y_train`, ...

    Columns are the target (`labels` or `targets`, or what `--target` names; `(N,)`, or
    `(N, T)` numbers with optional `target_names` and `target_units`), `groups` and `split`.
    With `x_train, y_train` go `x_test, y_test` and `x_val, y_val`. Where there are
    `classes`, label k is called `classes[k]`.

    Raises:
        DataError: if an array is missing, or lengths differ.
        SettingError: if the settings name columns that the form does not have.
    """
    where = shown(source)
    groups = parts = None
    if "x_train" in arrays:
        refuse_columns(
            settings,
            f"{where} has x_train and y_train, which go without columns",
            "store images, targets, groups and split as one array each",
        )
        blocks, columns = _keras(arrays, where, settings)
    elif "images" in arrays:
        refuse_columns(
            settings,
            f"the images of {where} are the array called images",
            "rename the array",
            columns=COLUMNS[:1],
        )
        blocks = [_block(arrays, "images", "", where, settings)]
        columns = {}
        for name in settings.target or (_target_name(arrays, where),):
            columns |= _split_columns(name, _get(arrays, name, where), arrays, where)
        groups = _texts(arrays, settings.group_column, ("groups", "group"), where)
        words = _texts(arrays, settings.split_column, ("split",), where)
        if words is not None:
            part = {word: part_of(word, f"the split of {where}") for word in set(words.tolist())}
            parts = np.array([part[word] for word in words.tolist()])
    else:
        raise DataError(
            f"An array called images, or x_train with y_train, was expected in {where}, but "
            f"{_listed(arrays)} came: rename the arrays, or name the images with --image-column."
        )
    targets = _with_class_names(columns, arrays, where, settings.task)
    others = {
        name: _numbers(name, _get(arrays, name, where), where)
        for name in settings.columns
        if name not in targets.names
    }
    return collect(
        blocks,
        targets,
        source,
        settings,
        files_read=1,
        parts=parts,
        groups=groups,
        columns=others,
    )


def _keras(
    arrays: Arrays, where: str, settings: DataSettings
) -> tuple[list[Block], dict[str, NDArray[Any]]]:
    blocks, values = [], []
    for short, part in KERAS_PARTS.items():
        if f"x_{short}" not in arrays:
            continue
        block = _block(arrays, f"x_{short}", part, where, settings)
        column = _get(arrays, f"y_{short}", where)
        if column.ndim == 0 or len(column) != len(block.images):
            raise DataError(
                f"Each image needs its target, but {where} has {len(block.images):,} images in "
                f"x_{short} and targets of shape {column.shape} in y_{short}."
            )
        blocks.append(block)
        values.append(column)
    if len({column.shape[1:] for column in values}) > 1:
        raise DataError(f"The targets y_train, y_test, ... in {where} differ in shape.")
    return blocks, _split_columns("y", np.concatenate(values), arrays, where)


def _block(arrays: Arrays, name: str, part: str, where: str, settings: DataSettings) -> Block:
    file = arrays[name]
    return block_of(file, file.look, (name, part, f"{name} in {where}"), settings)


def _listed(arrays: Mapping[str, Any]) -> str:
    return ", ".join(shown(name) for name in sorted(arrays)) or "nothing"


def _get(arrays: Arrays, name: str, where: str) -> NDArray[Any]:
    if name not in arrays:
        raise DataError(
            f"An array called {shown(name)} was expected in {where}, but {_listed(arrays)} came: "
            "check the name."
        )
    return arrays[name]()


def _target_name(arrays: Arrays, where: str) -> str:
    there = [name for name in TARGETS if name in arrays]
    if len(there) != 1:
        raise DataError(
            f"One array of targets (labels or targets) was expected beside the images in {where}, "
            f"but {_listed(arrays)} came: rename it, or name it with --target."
        )
    return there[0]


def _numbers(name: str, column: NDArray[Any], where: str) -> NDArray[np.float64]:
    """A column that enters the network or chooses images: finite numbers, one for each image."""
    if column.ndim != 1 or column.dtype.kind not in "biuf" or not np.isfinite(column).all():
        raise DataError(
            f"A finite number for each image was expected in {shown(name)} of {where}, but it is "
            f"{column.shape} {column.dtype}: store one column of numbers without gaps."
        )
    return column.astype(np.float64)


def _texts(
    arrays: Arrays, asked: str | None, known: tuple[str, ...], where: str
) -> NDArray[np.str_] | None:
    """A column as texts: the one that was asked for, or a known one where it is there."""
    name = asked or next((name for name in known if name in arrays), None)
    if name is None:
        return None
    column = _get(arrays, name, where)
    if column.ndim != 1:
        raise DataError(f"{shown(name)} in {where} has to be (N,), but {column.shape} came.")
    return np.char.decode(column, "utf-8") if column.dtype.kind == "S" else column.astype(str)


def _split_columns(
    name: str, column: NDArray[Any], arrays: Arrays, where: str
) -> dict[str, NDArray[Any]]:
    """`(N,)` or `(N, T)` targets as one column each."""
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim == 1:
        unit = arrays[name].unit if name in arrays else ""
        return {f"{name} [{unit}]" if unit else name: column}
    if column.ndim != 2 or column.dtype.kind not in "biuf":
        raise DataError(
            f"Targets are expected as (N,) labels or (N, T) numbers, but {shown(name)} in {where} "
            f"is {column.shape} {column.dtype}: reshape it."
        )
    if ((column == 0) | (column == 1)).all() and (column.sum(axis=1) == 1).all():
        raise DataError(
            f"Labels are expected as one class number for each image, but {shown(name)} in "
            f"{where} is one-hot: store {shown(name)}.argmax(axis=1)."
        )
    names = _texts(arrays, None, ("target_names",), where)
    units = _texts(arrays, None, ("target_units",), where)
    width = column.shape[1]
    if any(given is not None and len(given) != width for given in (names, units)):
        raise DataError(
            f"{shown(name)} in {where} has {width} columns, but target_names or target_units has "
            "another length: make them equal."
        )
    titles = [f"{name}_{k}" for k in range(width)] if names is None else names.tolist()
    if units is not None:
        titles = [f"{title} [{unit}]" for title, unit in zip(titles, units, strict=True)]
    return {title: column[:, k] for k, title in enumerate(titles)}


def _with_class_names(
    columns: Mapping[str, NDArray[Any]], arrays: Arrays, where: str, task: str | None
) -> Targets:
    names = _texts(arrays, None, ("classes",), where)
    numbers = next(iter(columns.values()))
    labels = len(columns) == 1 and numbers.dtype.kind in "iu" and task != "measure"
    if names is None or not labels:
        return targets_of(columns, where, task)
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(names):
        raise DataError(
            f"Labels from 0 to {len(names) - 1} were expected in {where}, since it names "
            f"{len(names)} classes, but {numbers.min()} to {numbers.max()} came."
        )
    if len(set(names.tolist())) < len(names):
        raise DataError(f"The classes in {where} hold a name twice: give each its own.")
    return class_targets(names.tolist(), numbers, where)
