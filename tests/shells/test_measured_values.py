"""Screens and files of measured values: what is known of their trust, their intervals, flags."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from firstlight.core.exploration import GroupSummary
from firstlight.core.reports import Report
from firstlight.core.scores import Score
from firstlight.core.trust import Baseline, ClassTrust, Coverage

Make = Callable[[int], Report]


@pytest.fixture
def shown(api: SimpleNamespace, cli: Any) -> Callable[[Report], str]:
    """What `evaluate` shows of a report, as one line of words."""

    def show(report: Report) -> str:
        api.evaluate = lambda *_, **__: report
        return " ".join(cli("evaluate", "sky").out.split())

    return show


def test_the_screen_of_a_report_says_what_its_page_says(shown, sky_report: Make) -> None:
    report = sky_report(1)
    held = replace(report.trust[0].coverage[2], covered=Score(0.88, 0.83, 0.93))
    trust = replace(report.trust[0], coverage=(held,))
    words = shown(replace(report, trust=(trust,)))
    rmse, r2 = report.scores["rmse"].value, report.scores["r2"].value
    worst = next(row for row in trust.bins if row.column == "z" and row.low == 9.5)
    for sentence in (
        f"mean of the pixels 0.12 0.8 forest 0.0652 0.946 this network {rmse:.4g} {r2:.4g}",
        "It beats every simpler way: the best of them, the forest, is off by 0.0652, the "
        f"network by {rmse:.3g}.",
        "A split at random would have shown r2 = 0.9991, because images of one group lie on both "
        "sides.",
        f"It is furthest off where z is 9.5 to 10.5: by {worst.rmse:.3g} (root mean square).",
        "Intervals that are to hold 90 % of true values held 88 % (83 to 93 %).",
        "5 of 360 images do not look like those that the network was trained on.",
    ):
        assert sentence in words
    assert "warning" not in words


def test_a_network_that_does_not_beat_a_simpler_way_is_warned_of(shown, sky_report: Make) -> None:
    report = sky_report(1)
    forest = Baseline("forest", Score(0.001), Score(0.99))
    words = shown(replace(report, trust=(replace(report.trust[0], baselines=(forest,)),)))
    assert "warning: It does not beat a simpler way: the forest is off by 0.001, the" in words


def test_a_victory_within_the_interval_may_be_chance(shown, sky_report: Make) -> None:
    report = sky_report(1)
    rmse = report.scores["rmse"]
    forest = Baseline("forest", Score(rmse.high), Score(0.9))
    words = shown(replace(report, trust=(replace(report.trust[0], baselines=(forest,)),)))
    assert "warning: It beats the forest by no more than chance could give: that is" in words
    worse = replace(forest, rmse=Score(rmse.high * 1.001))
    words = shown(replace(report, trust=(replace(report.trust[0], baselines=(worse,)),)))
    assert "It beats every simpler way" in words


def test_without_a_leak_the_random_split_is_no_better(shown, sky_report: Make) -> None:
    report = sky_report(1)
    r2 = report.scores["r2"].value
    words = shown(replace(report, trust=(replace(report.trust[0], leak=Score(r2)),)))
    assert f"r2 = {r2:.4g}, no more than the {r2:.4g} on groups that it has not seen." in words


def test_each_target_is_named_and_has_its_unit(shown, sky_report: Make) -> None:
    report = sky_report(2)
    words = shown(report)
    rmse = report.scores["rmse of T_vir"].value
    assert f"rmse of T_vir {rmse:.4f} kK" in words
    assert "Simpler ways: T_vir way rmse [kK] r2" in words
    assert "Its intervals: xHI" in words
    # Fractions and kilokelvins have no error in common.
    assert "mae 0" not in words


def test_plain_reports_stay_short(shown, sky_report: Make) -> None:
    report = sky_report(1)
    answers = replace(report.predictions, unlike=None)
    words = shown(replace(report, trust=(), predictions=answers))
    assert words.endswith("interval)")


def few(report: Report) -> Any:
    answers, part = report.predictions, slice(6, 9)
    return replace(
        answers,
        names=answers.names[part],
        values=answers.values[part],
        spread=answers.spread[part],
        intervals=answers.intervals[part],
        unlike=answers.unlike[part],
    )


def test_predictions_are_shown_with_interval_and_flag(
    api: SimpleNamespace, cli: Any, sky_report: Make
) -> None:
    answers = few(sky_report(1))
    api.predict = lambda *_, **__: answers
    lines = cli("predict", "sky", "a.npy").out.splitlines()
    assert lines[0].split() == ["file", "xHI", "90", "%", "interval", "looks"]
    for line, value, ends, flag in zip(
        lines[2:],
        answers.values[:, 0],
        answers.intervals[:, 0, 2],
        ("", "unlike", ""),
        strict=False,
    ):
        low, high = (f"{end:.4g}" for end in ends)
        assert line.split()[1:] == [f"{value:.4g}", low, "to", high, *flag.split()]
    assert (
        lines[5]
        == "warning: 1 of 3 images does not look like those that the network was trained on."
    )


def test_what_was_done_to_images_is_said_in_every_form(
    api: SimpleNamespace, cli: Any, sky_report: Make
) -> None:
    note = "2 pixels without a number in 1 image were filled."
    api.predict = lambda *_, **__: replace(few(sky_report(1)), notes=(note,))
    assert cli("predict", "sky", "a.npy").out.splitlines()[-1] == note
    csv_form = cli("predict", "sky", "a.npy", "--format", "csv")
    assert note not in csv_form.out
    assert csv_form.err == f"firstlight: {note}\n"
    assert cli("predict", "sky", "a.npy", "--json").document()["notes"] == [note]


def test_files_of_predictions_hold_every_level(
    api: SimpleNamespace, cli: Any, sky_report: Make
) -> None:
    answers = few(sky_report(2))
    api.predict = lambda *_, **__: answers
    rows = list(csv.DictReader(io.StringIO(cli("predict", "r", "a", "--format", "csv").out)))
    document = cli("predict", "r", "a", "--json").document()
    assert document["units"] == {"xHI": "", "T_vir": "kK"}
    for k, (row, entry) in enumerate(zip(rows, document["predictions"], strict=True)):
        assert list(row) == list(entry)
        for place, name in enumerate(("xHI", "T_vir")):
            ends = answers.intervals[k, place]
            expected = {
                name: answers.values[k, place],
                f"{name}_spread": answers.spread[k, place],
                f"{name}_low_50": ends[0, 0],
                f"{name}_high_68": ends[1, 1],
                f"{name}_low_90": ends[2, 0],
                f"{name}_high_95": ends[3, 1],
            }
            for title, value in expected.items():
                assert np.float32(row[title]) == pytest.approx(value, rel=1e-6)
                assert np.float32(entry[title]) == value
        assert entry["unlike"] is bool(answers.unlike[k])
        assert row["unlike"] == str(bool(answers.unlike[k])).lower()


def test_what_probabilities_are_worth_is_told(shown, api: SimpleNamespace) -> None:
    report = api.evaluate()
    sets = (Coverage(0.9, Score(0.96, 0.95, 0.97), 2.5),)
    trust = ClassTrust((), 0.0312, Score(0.01, 0.005, 0.018), coverage=sets)
    scores = report.scores | {"calibration_error": Score(0.0312)}
    words = shown(replace(report, class_trust=trust, scores=scores))
    assert "calibration_error 3.12 %" in words
    assert "calibration error); of right ones, chance would show 0.5 to 1.8 %." in words
    assert "with 2.5 classes on average: they are larger than they need to be." in words
    assert "temperature" not in words


def test_explore_shows_units_and_groups(api: SimpleNamespace, cli: Any) -> None:
    look = api.explore()
    train = replace(look.parts[0], groups=GroupSummary(70, 20, 36))
    test = replace(look.parts[2], groups=GroupSummary(1, 36, 36))
    look = replace(look, parts=(train, look.parts[1], test), pixel_unit="mK")
    api.explore = lambda *_, **__: look
    words = " ".join(cli("explore", "sky").out.split())
    assert "Pixels are in mK. Groups: train 70 groups of 20 to 36, test 1 group of 36 images." in (
        words
    )
