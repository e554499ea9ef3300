"""Records in a notebook: tables with the record's own numbers, every text escaped."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest

from firstlight.core.findings import Checkup, Finding, Fix, LayerCost
from firstlight.core.reports import ClassScore, ConfusedPair, Predictions, Report
from firstlight.core.scores import Score

SCRIPT = "<script>alert('x')</script>"
ANSWERS = Predictions(
    np.array(["a.png"]), np.array([[0.9, 0.1]], np.float32), "classify", classes=("cat", SCRIPT)
)


def rows_of(html: str) -> list[list[str]]:
    """The rows of every table, headings among them."""
    assert "<script" not in html
    assert html.count("<table>") == html.count("</table>") > 0
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [[unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row)] for row in rows]


def test_report_shows_scores_classes_and_confusions() -> None:
    report = Report(
        "classify",
        f"pets {SCRIPT}, test",
        1234,
        {"loss": Score(float("nan")), "accuracy": Score(0.91234, 0.9, 0.925)},
        ANSWERS,
        np.array([0]),
        classes=("cat", SCRIPT),
        per_class=(ClassScore(SCRIPT, 0.5, 1.0, 2 / 3, 1234),),
        confused=(ConfusedPair("cat", SCRIPT, 7),),
    )
    html = report._repr_html_()
    assert rows_of(html) == [
        ["score", "value", "interval"],
        ["loss", "–", ""],
        ["accuracy", "0.9123", "0.9 to 0.925 (95 %)"],
        ["class", "precision", "recall", "F1", "images"],
        [SCRIPT, "0.5", "1", "0.6667", "1,234"],
        ["true", "predicted", "images"],
        ["cat", SCRIPT, "7"],
    ]
    assert f"pets {SCRIPT}, test: 1,234 images" in unescape(html)


def test_report_of_values_is_one_table() -> None:
    report = Report("measure", "sky", 2, {"rmse": Score(0.25)}, ANSWERS, np.array([[1.0]]))
    assert rows_of(report._repr_html_()) == [["score", "value", "interval"], ["rmse", "0.25", ""]]


def test_report_of_values_shows_simpler_ways_and_intervals(sky_report) -> None:
    report = sky_report(2)
    rows = rows_of(report._repr_html_())
    mae = report.scores["mae of T_vir"]
    assert ["mae of T_vir", f"{mae.value:.4g} kK", mae.interval()] in rows
    assert rows.count(["forest", "0.0652", "0.946"]) == 2
    held = report.trust[1].coverage[2]
    assert ["90 %", f"{100 * held.covered.value:.3g} %", f"{held.width:.4g}"] in rows


def test_predictions_show_their_interval_and_flag(sky_report) -> None:
    answers = sky_report(2).predictions
    heads, *rows = rows_of(answers._repr_html_())
    titles = ["xHI", "xHI, 90 % interval", "T_vir [kK]", "T_vir, 90 % interval"]
    assert heads == ["file", *titles, "looks"]
    assert len(rows) == 20
    low, high = answers.intervals[7, 1, 2]
    assert rows[7][4:] == [f"{low:.4g} to {high:.4g}", "unlike"]
    assert rows[8][5] == ""


@pytest.mark.parametrize("fix", [None, Fix(f"put Flatten() before {SCRIPT}")])
def test_checkup_shows_the_walk_and_the_findings(fix: Fix | None) -> None:
    layers = (LayerCost(SCRIPT, "Conv2D", (28, 28, 1), (24, 24, 16), 416, 416, 460_800, 9, (5, 5)),)
    finding = Finding("error", "some-code", f"{SCRIPT} does not fit.", layer=SCRIPT, fix=fix)
    html = Checkup("net.yaml", layers, (finding,))._repr_html_()
    assert rows_of(html) == [
        ["layer", "kind", "receives", "makes", "parameters", "FLOPs"],
        [SCRIPT, "Conv2D", "28x28x1", "24x24x16", "416", "460,800"],
        ["level", "layer", "finding", "fix"],
        ["error", SCRIPT, f"{SCRIPT} does not fit.", fix.sentence if fix else ""],
    ]


def test_checkup_without_findings_says_so() -> None:
    assert "net.yaml: nothing to mend" in Checkup("net.yaml", (), ())._repr_html_()
