"""`report.html`: what a run is worth, in one file that can be mailed, printed and archived."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from matplotlib.figure import Figure

from firstlight.core.diagnosis import Diagnosis, words_of
from firstlight.core.findings import LayerCost
from firstlight.core.reports import Report
from firstlight.core.stored import ImageArray
from firstlight.core.verdicts import unbeaten
from firstlight.draw.answers import confusion_figure, mistakes_figure
from firstlight.draw.calibration import calibration_figure, reliability_figure
from firstlight.draw.curves import training_curves
from firstlight.draw.html import chart, facts, listed, page, paragraph, section, table
from firstlight.draw.report_classes import class_sections
from firstlight.draw.report_folds import folds_section
from firstlight.draw.report_scores import SHARES, headline, number, score_cards
from firstlight.draw.report_values import figure_name, value_sections
from firstlight.draw.residuals import residuals_figure
from firstlight.draw.values import predicted_against_true


def report_page(
    run: Mapping[str, Any],
    report: Report,
    epochs: list[dict[str, Any]],
    layers: tuple[LayerCost, ...],
    figures: Mapping[str, bytes],
    images: ImageArray | None = None,
) -> str:
    """The report of a run as one HTML file that loads nothing.

    Args:
        run: what `run.json` holds; used where present are `name`, `command`, `settings`,
            `data_settings`, `data` (with `notes` and `refused`), `versions`, `seed`, `threads`,
            `seconds`.
        report: the test report.
        epochs: one dictionary an epoch (see `training_curves`); none for a model that was
            not trained here.
        layers: the walk through the network.
        figures: `report_figures` as PNG files (`to_pngs`).
        images: `(N, H, W, C)` the test images in the report's order, for the worst mistakes.

    Returns:
        The page; every text in it is escaped.

    Example:
        >>> import numpy as np
        >>> from firstlight.core.reports import Predictions
        >>> from firstlight.core.scores import Score
        >>> from firstlight.draw import to_pngs
        >>> answers = Predictions(np.array(["a"]), np.array([[1, 0]], np.float32), "classify")
        >>> report = Report("classify", "pets, test", 1, {"accuracy": Score(1.0)}, answers,
        ...     np.array([0]), classes=("cat", "dog"), confusion=np.array([[1, 0], [0, 0]]))
        >>> pngs = to_pngs(report_figures(report, []))
        >>> "1 of 1 image that" in report_page({"name": "first"}, report, [], (), pngs)
        True
    """
    name = str(run.get("name", report.data))
    data = dict(run.get("data") or {})
    refused = {entry["file"]: entry["reason"] for entry in data.pop("refused", ())}
    refused |= {entry.file: entry.reason for entry in report.predictions.refused}
    notes = data.pop("notes", ())
    sections = class_sections if report.task == "classify" else value_sections
    answers = sections(report, figures, images, str(data.get("pixel_unit", "")))
    body = [
        f'<header><p class="over">firstlight report: {escape(report.data)}</p>'
        f"<h1>{escape(name)}</h1>{paragraph(headline(report), 'result')}"
        + "".join(paragraph(note, "warning") for note in (*unbeaten(report), *report.notes))
        + f"{score_cards(report, report.joint_scores())}</header>",
        *answers,
        folds_section(report),
        _training(run, epochs, figures, report.diagnosis),
        _network(layers),
        section("Data", facts(data, ("data", "value")), listed(notes), _refused(refused)),
        section(
            "Settings",
            facts(run.get("settings") or {}, ("setting", "value"), "Training"),
            facts(run.get("data_settings") or {}, ("setting", "value"), "Reading the data"),
        ),
        _repeat(run),
    ]
    return page(f"{name}: firstlight report", "\n".join(part for part in body if part))


def report_figures(
    report: Report, epochs: list[dict[str, Any]], images: ImageArray | None = None
) -> dict[str, Figure]:
    """The figures of one run, by name.

    Args:
        report: the test report.
        epochs: one dictionary an epoch; none leaves out `curves`.
        images: `(N, H, W, C)` the test images in the report's order; None leaves out `mistakes`.

    Returns:
        `curves`; then for classes `confusion`, `mistakes` and where it is known
        `reliability`; for values `predicted-against-true`, and where they are known `residuals`
        and `calibration` (of several targets each, numbered: `residuals-2`).

    Example:
        >>> import numpy as np
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure",
        ...     target_names=("mass",), target_units=("kg",))
        >>> report = Report("measure", "x", 1, {}, answers, np.array([[3.5]]))
        >>> list(report_figures(report, [{"epoch": 1, "loss": 0.5}]))
        ['curves', 'predicted-against-true']
    """
    figures = {"curves": training_curves(epochs)} if epochs else {}
    if report.task == "measure":
        return figures | _value_figures(report)
    figures["confusion"] = confusion_figure(report)
    if images is not None:
        figures["mistakes"] = mistakes_figure(report, images)
    if report.class_trust is not None:
        figures["reliability"] = reliability_figure(report.class_trust.bins)
    return figures


def _value_figures(report: Report) -> dict[str, Figure]:
    """The figures of each target."""
    predictions = report.predictions
    known = {trust.target: trust for trust in report.trust}
    figures: dict[str, Figure] = {}
    for k, name in enumerate(predictions.target_names):
        drawn = {"predicted-against-true": predicted_against_true(report, k)}
        trust = known.get(name)
        if trust is not None and trust.bins:
            drawn["residuals"] = residuals_figure(trust, predictions.target_units[k])
        if trust is not None and (trust.coverage or trust.ranks):
            drawn["calibration"] = calibration_figure(trust)
        figures |= {figure_name(kind, report, k): figure for kind, figure in drawn.items()}
    return figures


def _training(
    run: Mapping[str, Any],
    epochs: list[dict[str, Any]],
    figures: Mapping[str, bytes],
    diagnosis: tuple[Diagnosis, ...],
) -> str:
    """The curves, how long it took, and what seems to be wrong."""
    if not epochs:
        return ""
    last = epochs[-1]
    words = f"{len(epochs)} epoch{'s' if len(epochs) > 1 else ''}"
    if run.get("seconds"):
        words += f" in {run['seconds']:.1f} s"
    if last.get("images_per_second"):
        words += f", {last['images_per_second']:,.0f} images a second in the last"
    ends = ", ".join(
        f"{key.replace('_', ' ')} "
        + number(last[key], percent=key.removeprefix("validation_") in SHARES)
        for key in last
        if key == "loss" or key.startswith("validation_")
    )
    reading = (
        "Where the validation loss rises while the training loss still falls, the network "
        "has begun to learn its training images by heart."
    )
    alt = f"Curves of loss and metric over {words}. At the end: {ends}."
    return section(
        "Training",
        paragraph(f"{words}. At the end: {ends}."),
        *(
            paragraph(words_of(found), "warning" if found.level == "warning" else "")
            for found in diagnosis
        ),
        chart(figures["curves"], alt),
        paragraph(reading, "quiet"),
    )


def _network(layers: tuple[LayerCost, ...]) -> str:
    if not layers:
        return ""
    rows = [
        (
            layer.name,
            layer.kind,
            " × ".join(map(str, layer.makes)),
            f"{layer.parameters:,}",
            f"{layer.flops:,}",
            "all" if layer.receptive_field is None else "{} × {}".format(*layer.receptive_field),
        )
        for layer in layers
    ]
    parameters = sum(layer.parameters for layer in layers)
    flops = sum(layer.flops for layer in layers)
    words = (
        f"{parameters:,} parameters; {flops:,} floating-point operations (FLOPs) for one image. "
        "Sees: height × width in pixels of the image that one output number depends on."
    )
    heads = ("layer", "kind", "makes", "parameters", "FLOPs", "sees")
    return section("Network", paragraph(words), table(heads, rows, "Layers", words=2))


def _refused(refused: Mapping[str, str]) -> str:
    if not refused:
        return ""
    count = len(refused)
    caption = f"{count:,} file{' was' if count == 1 else 's were'} left out"
    return table(("file", "reason"), refused.items(), caption, words=2)


def _repeat(run: Mapping[str, Any]) -> str:
    command = run.get("command")
    words = " ".join(command) if isinstance(command, (list, tuple)) else str(command or "")
    here = {key: run[key] for key in ("seed", "threads", "precision", "device") if key in run}
    return section(
        "Repeat it",
        f"<pre><code>{escape(words)}</code></pre>" if words else "",
        facts(here | {"versions": run.get("versions") or {}}, ("what", "value")),
    )
