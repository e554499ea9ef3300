"""`report.html`: what a run is worth, in one file that can be mailed, printed and archived."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import isfinite
from typing import Any

from matplotlib.figure import Figure

from firstlight.core.findings import LayerCost
from firstlight.core.reports import Report, worse_than_mean
from firstlight.core.scores import Score
from firstlight.core.stored import ImageArray
from firstlight.draw.answers import (
    confusion_figure,
    mistakes_figure,
    predicted_against_true,
    worst_mistakes,
)
from firstlight.draw.curves import training_curves
from firstlight.draw.html import (
    chart,
    data_uri,
    facts,
    listed,
    page,
    paragraph,
    pixels_to_png,
    section,
    table,
)
from firstlight.draw.mosaic import displayed

NO_BREAK = "\N{NO-BREAK SPACE}"
SHARES = ("accuracy", "top_3")
MEANINGS = {
    "loss": "what the training made small, on these images; 0 is perfect",
    "accuracy": "share of images whose class was named right",
    "top_3": "true class among the three most probable",
    "rmse": "root of the mean squared error",
    "mae": "mean distance from the true value",
    "bias": "mean of predicted minus true",
    "r2": "share of the targets' variance that is explained; 1 is perfect",
}


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
    body = [
        f'<header><p class="over">firstlight report: {escape(report.data)}</p>'
        f"<h1>{escape(name)}</h1>{paragraph(headline(report), 'result')}"
        + "".join(paragraph(note, "warning") for note in report.notes)
        + f"{_scores(report)}</header>",
        _training(run, epochs, figures),
        _classes(report, figures) if report.task == "classify" else _values(report, figures),
        _mistakes(report, images),
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
        `curves`, then `confusion` and `mistakes` for classes, or `predicted-against-true`.

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
        return figures | {"predicted-against-true": predicted_against_true(report)}
    figures["confusion"] = confusion_figure(report)
    if images is not None:
        figures["mistakes"] = mistakes_figure(report, images)
    return figures


def headline(report: Report) -> str:
    """The result in one or two plain sentences.

    Example:
        >>> import numpy as np
        >>> from firstlight.core.reports import Predictions
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure")
        >>> headline(Report("measure", "sky", 1, {"rmse": Score(0.5)}, answers, np.array([[3.5]])))
        'Its values are off by 0.5 (root mean square) on 1 image that it was not trained on.'
    """
    if report.task == "classify":
        accuracy = report.scores["accuracy"]
        right = round(accuracy.value * report.count)
        return (
            f"It names {_number(accuracy.value, percent=True)} right: {right:,} of "
            f"{_images(report.count)} that it was not trained on.{_likely(accuracy, percent=True)}"
        )
    units = set(report.predictions.target_units)
    unit = f" {units.pop()}".rstrip() if len(units) == 1 else ""
    rmse = report.scores["rmse"]
    fit = "".join(f"{sentence} " for sentence in worse_than_mean(report))
    return (
        f"{fit}Its values are off by {rmse.value:.3g}{unit} (root mean square) on "
        f"{_images(report.count)} that it was not trained on.{_likely(rmse, percent=False)}"
    )


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _likely(score: Score, percent: bool) -> str:
    if score.low is None or score.high is None:
        return ""
    return f" Other images of this kind would give {_interval(score, percent)}."


def _number(value: float, percent: bool) -> str:
    if not isfinite(value):
        return "–"
    return f"{100 * value:.2f}{NO_BREAK}%" if percent else f"{value:.4g}"


def _measured(name: str, value: float | None) -> str:
    """A loss or metric of an epoch, with a dash where it is not finite."""
    return "–" if value is None else _number(value, percent=name in SHARES)


def _interval(score: Score, percent: bool) -> str:
    low, high = (_number(end or 0.0, percent) for end in (score.low, score.high))
    return f"{low} to {high} ({100 * score.level:.0f}{NO_BREAK}% interval)"


def _scores(report: Report) -> str:
    """One card a score: value, interval, meaning."""
    cards = []
    for title, score in report.scores.items():
        kind = title.split(" of ")[0]
        percent = kind in SHARES
        note = MEANINGS.get(kind, "")
        if score.low is not None and score.high is not None:
            note = f"{_interval(score, percent)}. {note[:1].upper()}{note[1:]}"
        cards.append(
            f"<div><dt>{escape(title.replace('_', ' '))}</dt>"
            f'<dd class="value">{_number(score.value, percent)}</dd>'
            f'<dd class="note">{escape(note)}</dd></div>'
        )
    return f'<dl class="scores">{"".join(cards)}</dl>'


def _training(
    run: Mapping[str, Any], epochs: list[dict[str, Any]], figures: Mapping[str, bytes]
) -> str:
    """The curves, and how long it took."""
    if not epochs:
        return ""
    last = epochs[-1]
    words = f"{len(epochs)} epoch{'s' if len(epochs) > 1 else ''}"
    if run.get("seconds"):
        words += f" in {run['seconds']:.1f} s"
    if last.get("images_per_second"):
        words += f", {last['images_per_second']:,.0f} images a second in the last"
    ends = ", ".join(
        f"{key.replace('_', ' ')} {_measured(key.removeprefix('validation_'), last[key])}"
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
        chart(figures["curves"], alt),
        paragraph(reading, "quiet"),
    )


def _classes(report: Report, figures: Mapping[str, bytes]) -> str:
    rows = [
        (
            row.name,
            _number(row.precision, percent=True),
            _number(row.recall, percent=True),
            f"{row.f1:.4f}",
            f"{row.count:,}",
        )
        for row in report.per_class
    ]
    explained = (
        "Precision: of the images called so, the share that is. Recall: of the images that are, "
        "the share that was found. F1: both in one number."
    )
    pairs = [(pair.true, pair.predicted, f"{pair.count:,}") for pair in report.confused]
    scores = table(("class", "precision", "recall", "F1", "images"), rows, "Scores of each class")
    confused = table(("true", "predicted", "images"), pairs, "Most confused pairs", words=2)
    alt = "Confusion matrix, rows true, columns predicted; the tables hold its numbers."
    matrix = chart(figures["confusion"], alt, "chart narrow")
    left = f"<div>{paragraph(explained)}{scores}{confused if pairs else ''}</div>"
    right = f"<div>{matrix}</div>"
    return section("Class by class", f'<div class="side">{left}{right}</div>')


def _values(report: Report, figures: Mapping[str, bytes]) -> str:
    names = ", ".join(report.predictions.target_names)
    return section(
        "Predicted against true",
        chart(figures["predicted-against-true"], f"Predicted against true values of {names}."),
        paragraph("Each dot is an image. Perfect answers lie on the dashed line.", "quiet"),
    )


def _mistakes(report: Report, images: ImageArray | None) -> str:
    """A gallery of the images where it was most certain of a wrong class."""
    if report.task != "classify" or images is None:
        return ""
    worst = worst_mistakes(report)
    items = []
    for position, pixels in zip(worst, displayed(images[worst]), strict=True):
        values = report.predictions.values[position]
        true = escape(report.classes[int(report.targets[position])])
        said = escape(report.classes[int(values.argmax())])
        name = escape(str(report.predictions.names[position]))
        items.append(
            f'<li><img src="{data_uri(pixels_to_png(pixels))}" alt="{name}, truly {true}">'
            f'<span class="said">{said}, not {true}</span>'
            f"<span>{100 * values.max():.1f} % sure</span><span>{name}</span></li>"
        )
    if not items:
        return section("Worst mistakes", paragraph("There are none."))
    explained = "The images on which it was most certain of a wrong class."
    gallery = f'<ul class="gallery">{"".join(items)}</ul>'
    return section("Worst mistakes", paragraph(explained), gallery)


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
