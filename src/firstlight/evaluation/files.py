"""Reports on disk: `report.json` for people and programs, and the answers in `predictions.npz`."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Refused
from firstlight.core.errors import RunError
from firstlight.core.files import write_arrays, write_json
from firstlight.core.reports import ClassScore, ConfusedPair, Predictions, Report
from firstlight.core.scores import Score

REPORT_FILE = "report.json"
PREDICTIONS_FILE = "predictions.npz"


def report_to_dict(report: Report) -> dict[str, Any]:
    """A report as plain values for JSON: all of it but the answers and targets image by image.

    Example:
        >>> from firstlight.evaluation import evaluate
        >>> answers = Predictions(np.array(["a.png"]), np.array([[0.9, 0.1]], np.float32),
        ...     "classify", classes=("cat", "dog"))
        >>> document = report_to_dict(evaluate(answers, np.array([0]), "pets, test"))
        >>> document["scores"]["accuracy"]["value"], document["confusion"]
        (1.0, [[1, 0], [0, 0]])
    """
    return {
        "task": report.task,
        "data": report.data,
        "count": report.count,
        "classes": list(report.classes),
        "target_names": list(report.predictions.target_names),
        "target_units": list(report.predictions.target_units),
        "scores": {name: asdict(score) for name, score in report.scores.items()},
        "per_class": [asdict(row) for row in report.per_class],
        "confusion": None if report.confusion is None else report.confusion.tolist(),
        "confused": [asdict(pair) for pair in report.confused],
        "notes": list(report.notes),
        "refused": [asdict(refused) for refused in report.predictions.refused],
    }


def report_from_dict(
    document: dict[str, Any],
    names: NDArray[np.str_],
    values: NDArray[np.float32],
    targets: NDArray[Any],
    groups: NDArray[np.str_] | None = None,
) -> Report:
    """The report that `report_to_dict` wrote down, joined with its answers.

    Args:
        document: what `report_to_dict` returned.
        names: `(N,)` where each image came from.
        values: `(N, K)` or `(N, T)`, as in `Predictions`.
        targets: the true targets, as in `Images`.
        groups: `(N,)` group labels, or None.

    Returns:
        The report, equal to the one written down.

    Raises:
        RunError: the document is not of a report.

    Example:
        >>> from firstlight.evaluation import evaluate
        >>> names, values = np.array(["a.png"]), np.array([[0.9, 0.1]], np.float32)
        >>> answers = Predictions(names, values, "classify", classes=("cat", "dog"))
        >>> report = evaluate(answers, np.array([0]), "pets, test")
        >>> again = report_from_dict(report_to_dict(report), names, values, report.targets)
        >>> again.scores == report.scores
        True
    """
    try:
        predictions = Predictions(
            names=names,
            values=values,
            task=document["task"],
            classes=tuple(document["classes"]),
            target_names=tuple(document["target_names"]),
            target_units=tuple(document["target_units"]),
            refused=tuple(Refused(**refused) for refused in document["refused"]),
        )
        confusion = document["confusion"]
        return Report(
            task=document["task"],
            data=document["data"],
            count=document["count"],
            scores={name: Score(**score) for name, score in document["scores"].items()},
            predictions=predictions,
            targets=targets,
            classes=predictions.classes,
            per_class=tuple(ClassScore(**row) for row in document["per_class"]),
            confusion=None if confusion is None else np.array(confusion, np.int64),
            confused=tuple(ConfusedPair(**pair) for pair in document["confused"]),
            groups=groups,
            notes=tuple(document["notes"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"Expected a report as firstlight writes it, but it is damaged ({error!r}): "
            "run firstlight evaluate again."
        ) from error


def save_report(folder: Path, report: Report) -> None:
    """Write `report.json` and, before it, `predictions.npz` into `folder`.

    Each file appears whole or not at all; where `report.json` is there, both are.

    Raises:
        OSError: the folder is missing or cannot be written.

    Example:
        >>> import tempfile
        >>> from firstlight.evaluation import evaluate
        >>> answers = Predictions(np.array(["a.png"]), np.array([[0.9, 0.1]], np.float32),
        ...     "classify", classes=("cat", "dog"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_report(Path(folder), evaluate(answers, np.array([0]), "pets, test"))
        ...     load_report(Path(folder)).count
        1
    """
    answers = report.predictions
    arrays = {"names": answers.names, "values": answers.values, "targets": report.targets}
    if report.groups is not None:
        arrays["groups"] = report.groups
    write_arrays(folder / PREDICTIONS_FILE, **arrays)
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
            names, values, targets = (arrays[key] for key in ("names", "values", "targets"))
            groups = arrays.get("groups")
    except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise RunError(
            f"Expected a readable report in {folder}, but it is damaged ({error}): "
            "run firstlight evaluate again."
        ) from error
    report = report_from_dict(document, names, values, targets, groups)
    if not len(names) == len(values) == len(targets) == report.count:
        raise RunError(
            f"Expected {report.count:,} answers beside {folder / REPORT_FILE}, but "
            f"{PREDICTIONS_FILE} holds {len(values):,}: run firstlight evaluate again."
        )
    return report
