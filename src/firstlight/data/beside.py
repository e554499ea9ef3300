"""A table that lies beside a file of images, under its name, with a row for each image."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.named_array import Column, NamedArray
from firstlight.data.paths import shown
from firstlight.data.table import TABLES, read_columns
from firstlight.data.targets import name_and_unit


def columns_beside(path: Path, endings: tuple[str, ...]) -> dict[str, NamedArray]:
    """The columns of `NAME.csv` (or .tsv, .parquet) beside a file NAME of images, by name.

    Row k belongs to image k. A unit in square brackets after a column's name is its unit.

    Args:
        path: the file of images.
        endings: of such files; the one that it has is taken away to find NAME.

    Raises:
        DataError: there are several such tables, or one cannot be read.
    """
    stem = next(path.name[: -len(end)] for end in endings if path.name.lower().endswith(end))
    found = [path.with_name(stem + ending) for ending in TABLES]
    found = [table for table in found if table.is_file()]
    if len(found) > 1:
        raise DataError(
            f"One table of targets was expected beside {shown(path)}, but {shown(found[0].name)} "
            f"and {shown(found[1].name)} are there: take one away."
        )
    columns: dict[str, NamedArray] = {}
    for table in found:
        for title, values in read_columns(table).items():
            name, unit = name_and_unit(title)
            where = f"{shown(name)} in {shown(table)}"
            columns[name] = Column(where, partial(_array, values, where), unit)
    return columns


def _array(values: list[Any], where: str) -> NDArray[Any]:
    """A column as an array of whole numbers, numbers or texts, without gaps."""
    empty = [row for row, value in enumerate(values, 1) if value is None or value == ""]
    if empty:
        raise DataError(
            f"A value for each image was expected as {where}, but row {empty[0]} has none: each "
            "row belongs to the image of its number."
        )
    return np.array(values)
