"""Reports as plain values and arrays, and back: what `report.json` and `predictions.npz` hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.cross_validation import CrossValidation
from firstlight.core.dataset import Refused
from firstlight.core.diagnosis import Diagnosis
from firstlight.core.errors import RunError
from firstlight.core.reports import ClassScore, ConfusedPair, Predictions, Report
from firstlight.core.scores import Score
from firstlight.core.trust import Baseline, Bin, ClassTrust, Coverage, ReliabilityBin, Trust


def report_to_dict(report: Report) -> dict[str, Any]:
    """A report as plain values for JSON: all of it but what it says image by image.

    Example:
        >>> from firstlight.evaluation import evaluate
        >>> answers = Predictions(np.array(["a.png"]), np.array([[0.9, 0.1]], np.float32),
        ...     "classify", classes=("cat", "dog"))
        >>> document = report_to_dict(evaluate(answers, np.array([0]), "pets, test"))
        >>> document["scores"]["accuracy"]["value"], document["confusion"]
        (1.0, [[1, 0], [0, 0]])
    """
    predictions = report.predictions
    return {
        "task": report.task,
        "data": report.data,
        "count": report.count,
        "classes": list(report.classes),
        "target_names": list(predictions.target_names),
        "target_units": list(predictions.target_units),
        "levels": list(predictions.levels),
        "columns": list(report.columns),
        "scores": {name: asdict(score) for name, score in report.scores.items()},
        "per_class": [asdict(row) for row in report.per_class],
        "confusion": None if report.confusion is None else report.confusion.tolist(),
        "confused": [asdict(pair) for pair in report.confused],
        "trust": [asdict(trust) for trust in report.trust],
        "class_trust": None if report.class_trust is None else asdict(report.class_trust),
        "cross_validation": None
        if report.cross_validation is None
        else asdict(report.cross_validation),
        "diagnosis": [asdict(found) for found in report.diagnosis],
        "notes": list(report.notes),
        "refused": [asdict(refused) for refused in predictions.refused],
    }


def report_arrays(report: Report) -> dict[str, NDArray[Any]]:
    """What a report says image by image; each array has one entry an image.

    Returns:
        `names`, `values` and `targets`; and where they are known `groups`, `spread`,
        `intervals`, `unlike`, and `columns` `(N, C)` in the order of the document's names.

    Example:
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure")
        >>> list(report_arrays(Report("measure", "x", 1, {}, answers, np.array([[3.5]]))))
        ['names', 'values', 'targets']
    """
    answers = report.predictions
    arrays = {
        "names": answers.names,
        "values": answers.values,
        "targets": report.targets,
        "groups": report.groups,
        "spread": answers.spread,
        "intervals": answers.intervals,
        "unlike": answers.unlike,
        "columns": np.stack(list(report.columns.values()), axis=1) if report.columns else None,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def report_from_dict(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Report:
    """The report that `report_to_dict` and `report_arrays` wrote down.

    What reports did not hold in earlier versions may be missing.

    Args:
        document: what `report_to_dict` returned.
        arrays: what `report_arrays` returned.

    Returns:
        The report, equal to the one written down.

    Raises:
        RunError: the document is not of a report, or the arrays do not belong to it.

    Example:
        >>> from firstlight.evaluation import evaluate
        >>> answers = Predictions(np.array(["a.png"]), np.array([[0.9, 0.1]], np.float32),
        ...     "classify", classes=("cat", "dog"))
        >>> report = evaluate(answers, np.array([0]), "pets, test")
        >>> again = report_from_dict(report_to_dict(report), report_arrays(report))
        >>> again.scores == report.scores
        True
    """
    try:
        predictions = Predictions(
            names=arrays["names"],
            values=arrays["values"],
            task=document["task"],
            classes=tuple(document["classes"]),
            target_names=tuple(document["target_names"]),
            target_units=tuple(document["target_units"]),
            refused=tuple(Refused(**refused) for refused in document["refused"]),
            spread=arrays.get("spread"),
            intervals=arrays.get("intervals"),
            levels=tuple(document.get("levels", ())),
            unlike=arrays.get("unlike"),
        )
        columns = document.get("columns", ())
        confusion = document["confusion"]
        report = Report(
            task=document["task"],
            data=document["data"],
            count=document["count"],
            scores={name: Score(**score) for name, score in document["scores"].items()},
            predictions=predictions,
            targets=arrays["targets"],
            classes=predictions.classes,
            per_class=tuple(ClassScore(**row) for row in document["per_class"]),
            confusion=None if confusion is None else np.array(confusion, np.int64),
            confused=tuple(ConfusedPair(**pair) for pair in document["confused"]),
            groups=arrays.get("groups"),
            notes=tuple(document["notes"]),
            columns={name: arrays["columns"][:, k] for k, name in enumerate(columns)},
            trust=tuple(_trust(one) for one in document.get("trust", ())),
            class_trust=_class_trust(document.get("class_trust")),
            cross_validation=_cross_validation(document.get("cross_validation")),
            diagnosis=tuple(Diagnosis(**found) for found in document.get("diagnosis", ())),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"Expected a report as firstlight writes it, but it is damaged ({error!r}): "
            "run firstlight evaluate again."
        ) from error
    for name, array in arrays.items():
        if array.shape[:1] != (report.count,):
            raise RunError(
                f"Expected {report.count:,} answers for the report on {report.data}, but {name} "
                f"of shape {array.shape} came: run firstlight evaluate again."
            )
    return report


def _trust(document: Mapping[str, Any]) -> Trust:
    return Trust(
        target=document["target"],
        bins=tuple(Bin(**{**row, "bias": Score(**row["bias"])}) for row in document["bins"]),
        baselines=tuple(
            Baseline(row["name"], Score(**row["rmse"]), Score(**row["r2"]))
            for row in document["baselines"]
        ),
        coverage=_coverage(document["coverage"]),
        crps=_score(document["crps"]),
        ranks=tuple(document["ranks"]),
        leak=_score(document["leak"]),
    )


def _score(document: Mapping[str, Any] | None) -> Score | None:
    return None if document is None else Score(**document)


def _coverage(rows: list[Mapping[str, Any]]) -> tuple[Coverage, ...]:
    return tuple(Coverage(**{**row, "covered": Score(**row["covered"])}) for row in rows)


def _cross_validation(document: Mapping[str, Any] | None) -> CrossValidation | None:
    if document is None:
        return None
    scores = {name: Score(**score) for name, score in document["scores"].items()}
    return CrossValidation(document["count"], tuple(document["folds"]), scores)


def _class_trust(document: Mapping[str, Any] | None) -> ClassTrust | None:
    if document is None:
        return None
    return ClassTrust(
        bins=tuple(
            ReliabilityBin(**{**row, "accuracy": Score(**row["accuracy"])})
            for row in document["bins"]
        ),
        calibration_error=document["calibration_error"],
        by_chance=Score(**document["by_chance"]),
        temperature=document["temperature"],
        coverage=_coverage(document["coverage"]),
    )
