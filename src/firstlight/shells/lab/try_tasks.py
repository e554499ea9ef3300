"""Trying a run's network in the process that holds it: its test, drawings, images from files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.browsing import labelled, sheet_of
from firstlight.api.drawing import Pad
from firstlight.api.judging import answers_to
from firstlight.api.networks import side_names
from firstlight.core.errors import FirstlightError, SettingError
from firstlight.core.picking import called_so, furthest_off, worst_mistakes
from firstlight.core.reports import Predictions, Report
from firstlight.core.verdicts import (
    about_coverage,
    about_probabilities,
    about_unlike,
    against_baselines,
    telling,
)
from firstlight.shells.lab.opened_run import OpenedRun

LEVEL = 0.9  # of the intervals that are shown
MOST_POINTS = 1000
MOST_SHOWN = 60  # images from files


def report_of(run: OpenedRun) -> dict[str, Any]:
    """What the run's test has said; see `messages.trying.TestReport`."""
    report = run.report
    found = report.predictions.interval(LEVEL)
    pad, no_pad = _pad(run)
    return {
        "task": report.task,
        "data": report.data,
        "count": report.count,
        "words": [*report.notes, *_words(report)],
        "classes": report.classes,
        "per_class": report.per_class,
        "confusion": [] if report.confusion is None else report.confusion.tolist(),
        "values": [_values(report, k) for k in range(len(report.predictions.target_names))],
        "level": None if found is None else found[0],
        "side": side_names(run.information),
        "pad": None if pad is None else asdict(pad),
        "no_pad": no_pad,
    }


def answers_of(run: OpenedRun, which: dict[str, Any], start: int, count: int) -> dict[str, Any]:
    """What the test has said of some images."""
    positions = _positions(run.report, which)
    shown = positions[start : start + count]
    images = run.test.select(shown)
    truth = [labelled(run.dataset, target) for target in images.targets]
    answers = run.report.predictions.select(shown)
    answered = _answered(answers, images.images[:], run.dataset.pixel_unit, truth, shown.tolist())
    return answered | {"total": len(positions), "start": start}


def drawn(run: OpenedRun, ink: str) -> dict[str, Any]:
    """What the network says of a drawing."""
    image = run.drawn(ink)[None]
    return _answered(run.networks.ask(image, np.array(["drawing"])), image)


def dropped(run: OpenedRun, folder: str, side: dict[str, float]) -> dict[str, Any]:
    """What the network says of the images in a folder, read as `firstlight predict` reads them."""
    came, beside = run.brought(folder, side)
    answers = answers_to(run.networks_for(came.images.shape[1:3]), came, beside)
    shown = np.arange(min(len(answers), MOST_SHOWN))
    unit = run.information["data"].get("pixel_unit", "")
    answered = _answered(answers.select(shown), came.images[: len(shown)], unit)
    return answered | {"total": len(answers), "refused": answers.refused, "notes": answers.notes}


def _pad(run: OpenedRun) -> tuple[Pad | None, str]:
    """What to draw on, or why nothing can be drawn."""
    try:
        return run.pad, ""
    except FirstlightError as error:
        return None, str(error)


def _words(report: Report) -> list[str]:
    """How far to trust classes."""
    trust = report.class_trust
    words = [about_unlike(report.predictions)]
    if trust is not None:
        held = (about_coverage(row, of_classes=True) for row in telling(trust.coverage))
        words = [about_probabilities(trust), *held, *words]
    return [one for one in words if one]


def _values(report: Report, target: int) -> dict[str, Any]:
    """One target's values; see `messages.trying.Values`."""
    answers = report.predictions
    name, unit = answers.target_names[target], answers.target_units[target]
    order = report.targets[:, target].argsort(kind="stable")
    places = np.linspace(0, len(order) - 1, min(len(order), MOST_POINTS))
    positions = order[places.round().astype(np.int64)]
    found = answers.interval(LEVEL)
    ends = np.empty((0, 2)) if found is None else found[1][positions, target]
    trust = next((one for one in report.trust if one.target == name), None)
    rmse = report.score_of("rmse", name)
    words = [] if trust is None else [about_coverage(row) for row in trust.coverage]
    if trust is not None and rmse is not None:
        words.append(against_baselines(rmse, trust.baselines, unit))
    return {
        "name": name,
        "unit": unit,
        "words": [one for one in words if one],
        "positions": positions.tolist(),
        "true": report.targets[positions, target].tolist(),
        "said": answers.values[positions, target].tolist(),
        "low": ends[:, 0].tolist(),
        "high": ends[:, 1].tolist(),
    }


def _positions(report: Report, which: dict[str, Any]) -> NDArray[np.int64]:
    """The test images that are asked for.

    Raises:
        SettingError: there are none such.
    """
    kind = which["kind"]
    if kind == "one":
        if which["position"] >= report.count:
            raise SettingError(f"there are {report.count:,} test images: choose one of them.")
        return np.array([which["position"]])
    if kind == "cell" and report.task == "classify":
        return called_so(report, which["true"], which["predicted"])
    if kind == "worst" and report.task == "classify":
        return worst_mistakes(report)
    if kind == "worst":
        return furthest_off(report, which["target"])
    raise SettingError("this network measures values: it has no confusion matrix.")


def _answered(
    answers: Predictions,
    pixels: NDArray[Any],
    unit: str = "",
    truth: list[str] | None = None,
    positions: list[int] | None = None,
) -> dict[str, Any]:
    """Answers with their images; see `messages.trying.Answered`."""
    found = answers.interval(LEVEL)
    sheet = sheet_of(pixels, tuple(map(str, answers.names)), (), unit)
    images = [
        {
            "name": str(name),
            "position": None if positions is None else positions[k],
            "truth": "" if truth is None else truth[k],
            "values": answers.values[k].tolist(),
            "low": [] if found is None else found[1][k, :, 0].tolist(),
            "high": [] if found is None else found[1][k, :, 1].tolist(),
            "unlike": None if answers.unlike is None else bool(answers.unlike[k]),
        }
        for k, name in enumerate(answers.names)
    ]
    return {
        "total": len(images),
        "start": 0,
        "images": images,
        "sheet": sheet.png,
        "columns": sheet.columns,
        "width": sheet.width,
        "height": sheet.height,
        "colours": sheet.colours,
        "level": None if found is None else found[0],
    }
