"""Reports on disk: `report.json` for people and programs, and the answers in `predictions.npz`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from firstlight.core.errors import RunError
from firstlight.core.files import write_arrays, write_json
from firstlight.core.reports import Report
from firstlight.evaluation.documents import report_arrays, report_from_dict, report_to_dict

REPORT_FILE = "report.json"
PREDICTIONS_FILE = "predictions.npz"


def save_report(folder: Path, report: Report) -> None:
    """Write `report.json` and, before it, `predictions.npz` into `folder`.

    Each file appears whole or not at all; where `report.json` is there, both are.

    Raises:
        OSError: the folder is missing or cannot be written.

    Example:
        >>> import tempfile
        >>> from firstlight.core.reports import Predictions
        >>> from firstlight.evaluation import evaluate
        >>> answers = Predictions(np.array(["a.png"]), np.array([[0.9, 0.1]], np.float32),
        ...     "classify", classes=("cat", "dog"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_report(Path(folder), evaluate(answers, np.array([0]), "pets, test"))
        ...     load_report(Path(folder)).count
        1
    """
    write_arrays(folder / PREDICTIONS_FILE, **report_arrays(report))
    write_json(folder / REPORT_FILE, report_to_dict(report))


def load_report(folder: Path) -> Report:
    """Read what `save_report` wrote (its example shows both).

    Nothing in the files is run: arrays are read without pickle.

    Raises:
        RunError: a file is missing or damaged, or the two do not belong together.

    Example:
        >>> load_report(Path("no-such-run"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        firstlight.core.errors.RunError: Expected report.json in no-such-run, but it is not ...
    """
    for file in (REPORT_FILE, PREDICTIONS_FILE):
        if not (folder / file).is_file():
            raise RunError(
                f"Expected {file} in {folder}, but it is not there: "
                "run firstlight evaluate on this run first."
            )
    try:
        document = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
        stored = io.BytesIO((folder / PREDICTIONS_FILE).read_bytes())
        with np.load(stored, allow_pickle=False) as arrays:
            stored_arrays = dict(arrays)
    except (BadZipFile, EOFError, OSError, ValueError) as error:
        raise RunError(
            f"Expected a readable report in {folder}, but it is damaged ({error}): "
            "run firstlight evaluate again."
        ) from error
    return report_from_dict(document, stored_arrays)
