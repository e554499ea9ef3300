"""Predictions as a table, as CSV, as a JSON document, and in a file."""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.core.errors import SettingError
from firstlight.core.files import write_text
from firstlight.core.verdicts import about_unlike
from firstlight.shells.cli.answer import document_text
from firstlight.shells.cli.show_data import show_refused
from firstlight.shells.cli.terminal import say, say_path, show_table, warn
from firstlight.shells.cli.text import clean

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.reports import Predictions

FORMATS = ("table", "csv", "json")
SUFFIXES = (".csv", ".json")


def check_output(format: str, output: Path | None) -> None:
    """Refuse a form that there is none of and a place that takes no file, before all else.

    Raises:
        SettingError: the format or the file's ending is unknown, or the file cannot be written.
    """
    if format not in FORMATS:
        raise SettingError(f"--format takes one of {', '.join(FORMATS)}, but {format!r} came.")
    if output is not None and output.suffix.lower() not in SUFFIXES:
        raise SettingError(f"--output writes .csv or .json, but {output.name!r} came: end it so.")
    if output is None:
        return
    if output.is_dir():
        raise SettingError(f"--output writes a file, but {output} is a folder: name a file in it.")
    folder = output.parent
    if not folder.is_dir():
        raise SettingError(
            f"--output writes into a folder that exists, but {folder} is none: make it first."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingError(
            f"--output needs a folder that can be written, but {folder} cannot: choose another."
        )


def predictions_document(predictions: Predictions) -> dict[str, Any]:
    """The predictions for a program: one entry an image, and the files that were left out."""
    return {
        "task": predictions.task,
        "predictions": predictions.rows(),
        "units": dict(zip(predictions.target_names, predictions.target_units, strict=False)),
        "refused": predictions.refused,
        "notes": list(predictions.notes),
    }


def predictions_csv(predictions: Predictions) -> str:
    """The predictions as CSV with a header line: `Predictions.columns`.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    columns = predictions.columns()
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([_safe_cell(name) for name in columns])
    rows = zip(*columns.values(), strict=True)
    writer.writerows([_safe_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _safe_cell(value: Any) -> Any:
    """A text that begins like a formula becomes a plain text; numbers get float32's digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return f"{value:.7g}"
    return "'" + value if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def say_on_stderr(predictions: Predictions) -> None:
    """Notes, and the files that were left out, on stderr: CSV has no place for them."""
    for note in predictions.notes:
        print(f"firstlight: {clean(note)}", file=sys.stderr)
    for entry in predictions.refused:
        print(f"firstlight: left out {clean(entry.file)}: {clean(entry.reason)}", file=sys.stderr)


def save_predictions(output: Path, predictions: Predictions) -> None:
    """Write the predictions as the file's ending says."""
    if output.suffix.lower() == ".csv":
        write_text(output, predictions_csv(predictions))
    else:
        write_text(output, document_text(predictions_document(predictions)) + "\n")


def show_predictions(console: Console, predictions: Predictions, output: Path | None) -> None:
    """One line an image: its class and the probability, or its values with their intervals."""
    rows = predictions.short_rows()
    if rows:
        words = ("file", "class", "looks")
        show_table(console, list(rows[0]), [list(row.values()) for row in rows], words=words)
    if predictions.unlike is not None and predictions.unlike.any():
        warn(console, about_unlike(predictions))
    for note in predictions.notes:
        say(console, note)
    show_refused(console, predictions.refused)
    if output is not None:
        say_path(console, "Saved", output)
