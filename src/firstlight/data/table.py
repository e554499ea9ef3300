"""Tables that name image files with their labels or numbers: CSV and Parquet."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.core.dataset import Collection, Images, Refused
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.memory import require_memory
from firstlight.data.paths import is_inside, require_file, shown
from firstlight.data.stack import nothing_readable
from firstlight.data.stored_pictures import read_pictures
from firstlight.data.targets import part_of, targets_of

IMAGE = ("image", "images", "image_path", "path", "file", "filename", "file_name")
TARGET = ("label", "labels", "class", "category", "target", "targets")
SPLIT = ("split", "part", "subset")
GROUP = ("group", "groups", "patient", "patient_id", "simulation", "pointing")
MISSING = ("", "na", "n/a", "nan", "null", "none", "-")  # in columns of numbers
WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)

MOSTLY = 0.9  # share of a column's cells that make it one of numbers
DECIMAL_COMMA = re.compile(r"[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?", re.ASCII)
# Bytes of memory, measured: a row (its path, its name, why it is left out) and a field of it as
# Python objects, and the most that a byte of CSV becomes.
ROW = 1_500
FIELD = 100
CSV_BYTE = 50
BATCH = 1_000  # rows of a Parquet table that are read at a time

TABLES = (".csv", ".tsv", ".parquet")  # endings
Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class _Names:
    """Which column is what."""

    image: str
    targets: tuple[str, ...]
    split: str | None
    group: str | None
    others: Mapping[str, str]  # columns that enter the network or choose images, as they are asked
    notes: tuple[str, ...] = ()


def read_table(path: Path, settings: DataSettings) -> Collection:
    """Images that a CSV or Parquet table names, with their labels or numbers.

    Image paths are relative to the table and have to stay in its folder. Columns are found
    by obvious names (`image`, `path`, `file`; `label`, `class`, `target`; `split`; `group`,
    `patient`, `simulation`) or named by options. Texts and whole numbers are labels, numbers
    with a decimal point (in Parquet: float columns) are measured, unless `settings.task` says
    otherwise. Where nine of ten cells are such numbers, the others are gaps. Rows with a gap, or
    with a path that leads out, are listed in `refused`.

    Raises:
        DataError: if a column cannot be found, or no image can be read.
    """
    require_file(path)
    where = shown(path)
    if path.suffix.lower() == ".parquet":
        columns, separator = _read_parquet(path), ","
    else:
        columns, separator = _read_csv(path)
    names = _find_columns(columns, settings, where)
    notes = list(names.notes)
    if separator == ";":
        for name in (*names.targets, *names.others.values()):
            points = _with_points(columns[name])
            if points is not None:
                columns[name] = points
                notes.append(
                    f"The commas in {shown(name)} are read as decimal points (0,53 as 0.53)."
                )
    typed = {name: _typed(columns[name], settings.task) for name in names.targets}
    numbers = {name: _typed(columns[name], "measure") for name in names.others.values()}
    for name, values in numbers.items():
        if any(isinstance(value, str) for value in values):
            raise DataError(
                f"Numbers were expected in the column {shown(name)} of {where}, but it holds texts."
            )
    rows, refused = [], []
    for row, image in enumerate(columns[names.image]):
        reason = _why_not(image, path.parent) or _gap(columns, typed | numbers, row)
        group = columns[names.group][row] if names.group else "-"
        if reason is None and group in (None, ""):
            reason = f"has no {shown(names.group)}"
        if reason:
            refused.append(Refused(shown(image or f"row {row + 1}"), reason))
        else:
            rows.append(row)
    paths = [path.parent / str(columns[names.image][row]) for row in rows]
    stack = read_pictures(paths, [shown(columns[names.image][row]) for row in rows], settings)
    refused.extend(stack.refused)
    if not len(stack.kept):
        raise nothing_readable(f"the table {where}", refused)
    kept = [rows[k] for k in stack.kept]
    given = {name: [typed[name][row] for row in kept] for name in typed}
    targets = targets_of(given, where, settings.task)
    parts = [""] * len(kept)
    if names.split:
        words = columns[names.split]
        parts = [part_of(_text(words[row]), f"row {row + 1} of {where}") for row in kept]
    groups = None
    if names.group:
        groups = np.array([shown(columns[names.group][row]) for row in kept])
    return Collection(
        name=path.stem,
        source=str(path),
        task=targets.task,
        everything=Images(
            stack.images,
            targets.values,
            np.array([shown(columns[names.image][row]) for row in kept]),
            groups,
            {
                asked: np.array([numbers[name][row] for row in kept], np.float64)
                for asked, name in names.others.items()
            },
        ),
        parts=np.array(parts),
        classes=targets.classes,
        target_names=targets.names,
        target_units=targets.units,
        refused=tuple(refused),
        notes=(*notes, *targets.notes, *stack.notes),
        sizes=stack.sizes,
        files_read=len(kept),
    )


def read_columns(path: Path) -> Columns:
    """The columns of a table by name, as whole numbers, numbers or texts; None for a gap.

    Raises:
        DataError: if it cannot be read.
    """
    require_file(path)
    columns = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)[0]
    return {name: _typed(values, None) for name, values in columns.items()}


def _read_csv(path: Path) -> tuple[Columns, str]:
    """The columns of a CSV table, and what separates its fields."""
    what = f"The table {shown(path)}"
    require_memory(CSV_BYTE * path.stat().st_size, what)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            sample = file.readline()
            file.seek(0)
            # A table written where the comma is the decimal sign is separated by semicolons.
            separator = max(",;\t", key=sample.count)
            rows = [row for row in csv.reader(file, delimiter=separator) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"A table in UTF-8 was expected, but {shown(path)} cannot be read ({shown(error)}): "
            "save it as CSV in UTF-8."
        ) from error
    if len(rows) < 2:
        raise DataError(
            f"A line of column names and a line for each image were expected in {shown(path)}, "
            f"but {len(rows)} lines came."
        )
    require_memory(ROW * len(rows), what)
    head = [name.strip() for name in rows[0]]
    if len(set(head)) < len(head):
        raise DataError(f"The columns of {shown(path)} have to differ in name: rename one.")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(head):
            raise DataError(
                f"Row {number} of {shown(path)} has {len(row)} fields where the first line names "
                f"{len(head)} columns: put texts that hold a separator into quotes."
            )
    return {name: [row[k].strip() for row in rows[1:]] for k, name in enumerate(head)}, separator


def _with_points(values: Sequence[str]) -> list[str] | None:
    """A column of numbers with decimal commas, written with points; None where it is none."""
    given = [value for value in values if value.lower() not in MISSING]
    numbers = {value for value in given if DECIMAL_COMMA.fullmatch(value)}
    others = [value for value in given if value not in numbers]
    if not any("," in value for value in numbers) or any(map(_is_number, others)):
        return None
    if len(others) > (1 - MOSTLY) * len(given):
        return None
    return [value.replace(",", ".") if value in numbers else value for value in values]


def _read_parquet(path: Path) -> Columns:
    import pyarrow
    import pyarrow.parquet

    what = f"The table {shown(path)}"
    try:
        file = pyarrow.parquet.ParquetFile(path)
        shape = file.metadata
        # Counted by rows and not by bytes: a value that repeats takes nearly none of those.
        require_memory(shape.num_rows * (ROW + FIELD * shape.num_columns), what)
        columns: Columns = {name: [] for name in file.schema_arrow.names}
        if len(columns) < len(file.schema_arrow.names):
            raise DataError(f"The columns of {shown(path)} have to differ in name: rename one.")
        for batch in file.iter_batches(BATCH, use_threads=False):
            for name, stored in zip(batch.schema.names, batch.columns, strict=True):
                packed = pyarrow.types.is_dictionary(stored.type)
                column = stored.dictionary_decode() if packed else stored
                # One long text can repeat, too. Earlier rows have taken their memory already.
                require_memory(2 * column.nbytes, what)
                columns[name].extend(column.to_pylist())
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DataError(
            f"A Parquet table was expected, but {shown(path)} cannot be read ({shown(error)})."
        ) from error
    if not any(columns.values()):
        raise DataError(f"A row for each image was expected in {shown(path)}, but it has none.")
    return columns


def _find_columns(columns: Columns, settings: DataSettings, where: str) -> _Names:
    def find(
        asked: str | None, known: tuple[str, ...], option: str, what: str, needed: bool
    ) -> str | None:
        if asked is not None:
            there = [name for name in columns if name == asked] or [
                name for name in columns if _plain(name) == asked.strip().lower()
            ]
        else:
            there = [name for name in columns if _plain(name) in known]
        if len(there) == 1 or not (there or needed or asked):
            return there[0] if there else None
        listed = ", ".join(shown(name) for name in columns)
        found = "several could be it" if there else "it is not there"
        raise DataError(
            f"A column for {what}{f' called {shown(asked)}' if asked else ''} was expected in "
            f"{where}, but {found} among {listed}: name it with {option}."
        )

    image = find(settings.image_column, IMAGE, "--image-column", "the image files", True)
    split = find(settings.split_column, SPLIT, "--split-column", "the split", False)
    group = find(settings.group_column, GROUP, "--group-column", "the groups", False)
    beside = {
        name: str(find(name, (), "its name in the first line", "numbers", True))
        for name in settings.columns
    }
    known = {image, split, group, *(beside[name] for name in (*settings.side, *settings.report_by))}
    others = [name for name in columns if name not in known]
    notes: tuple[str, ...] = ()
    targets: Sequence[str | None]
    if settings.target:
        targets = [find(name, (), "--target", "the target", True) for name in settings.target]
    elif len(others) == 1 and _plain(others[0]) not in TARGET:
        targets = others[:1]
        notes = (f"The column {shown(others[0])} is the target: the table has no other for it.",)
    else:
        targets = [find(None, TARGET, "--target", "the label or target", True)]
    beside = {asked: name for asked, name in beside.items() if name not in targets}
    return _Names(str(image), tuple(map(str, targets)), split, group, beside, notes)


def _plain(name: str) -> str:
    """A column's name without case and unit."""
    return re.sub(r"\s*\[.*\]$", "", name).strip().lower()


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _typed(values: Sequence[Any], task: str | None) -> list[Any]:
    """A column as whole numbers, numbers or texts, None where a value is missing or unreadable."""
    if not all(isinstance(value, str) or value is None for value in values):
        return list(values)
    given = [value for value in values if _text(value).lower() not in MISSING]
    numbers = [value for value in given if _is_number(value)]
    pointed = sum(not WHOLE.fullmatch(value) for value in numbers)
    if task == "measure":
        kind: Any = float if numbers else str
    elif given and all(WHOLE.fullmatch(value) for value in given):
        # "007" stays a text: as a number it would lose its zeros.
        kind = int if all(str(int(value)) == value for value in given) else str
    else:
        # One bad cell must not make a class of every number.
        mostly = len(numbers) >= MOSTLY * len(given) and pointed > len(numbers) / 2
        kind = float if numbers and (len(numbers) == len(given) or mostly) else str
    gaps = MISSING if kind is not str else ("",)
    readable = [
        _text(value).lower() not in gaps and (kind is not float or _is_number(value))
        for value in values
    ]
    return [kind(value) if fine else None for value, fine in zip(values, readable, strict=True)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _gap(columns: Columns, typed: Columns, row: int) -> str | None:
    """Why the targets of a row cannot be used, or None."""
    for name, values in typed.items():
        value = values[row]
        if value is None:
            cell = _text(columns[name][row])
            what = f"{shown(cell)!r} is no number" if cell else "empty"
            return f"row {row + 1}: {what} ({shown(name)})"
        if isinstance(value, float) and not math.isfinite(value):
            return f"has {value} as {shown(name)}"
    return None


def _why_not(image: Any, folder: Path) -> str | None:
    """Why the path in a row is not opened, or None."""
    if not isinstance(image, str) or not image:
        return "has no image path"
    if "\0" in image:
        return "is no path"
    path = folder / image
    # `..` is refused as it is written: what it means depends on links.
    if ".." in Path(image).parts or not is_inside(path, folder):
        return "leads out of the table's folder"
    if not os.path.lexists(path):
        return "is not there"
    return None
