"""Screens of how good a network is: train, evaluate, compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.core.reports import worse_than_mean
from firstlight.shells.cli.progress import score_text
from firstlight.shells.cli.terminal import heading, say, say_path, show_table, warn
from firstlight.shells.cli.text import counted, percent

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.api import Run
    from firstlight.core.comparison import Comparison
    from firstlight.core.reports import Report
    from firstlight.core.scores import Score

MOST_CONFUSED = 10


def show_run(console: Console, run: Run) -> None:
    """The report of a training run, and where its files are."""
    show_report(console, run.report)
    console.print()
    say_path(console, "Run", run.folder)
    say_path(console, "Report", run.folder / "report.html")


def show_report(console: Console, report: Report) -> None:
    """Scores with their intervals, the per-class table, the most confused pairs."""
    heading(console, f"{report.data}: {counted(report.count, 'image')}")
    for note in (*worse_than_mean(report), *report.notes):
        warn(console, note)
    units = dict(
        zip(report.predictions.target_names, report.predictions.target_units, strict=False)
    )
    rows = [
        (name, _with_unit(name, score, units), _interval(name, score))
        for name, score in report.scores.items()
    ]
    show_table(console, ("score", "value", "interval"), rows, words=("score", "interval"))
    if report.per_class:
        heading(console, "Each class")
        show_table(
            console,
            ("class", "precision", "recall", "F1", "images"),
            [
                (c.name, percent(c.precision), percent(c.recall), f"{c.f1:.4f}", f"{c.count:,}")
                for c in report.per_class
            ],
            words=("class",),
        )
    if report.confused:
        heading(console, "Most confused")
        show_table(
            console,
            ("truly", "called", "images"),
            [(pair.true, pair.predicted, f"{pair.count:,}") for pair in report.confused][
                :MOST_CONFUSED
            ],
            words=("truly", "called"),
        )


def _interval(name: str, score: Score) -> str:
    if score.low is None or score.high is None:
        return ""
    low, high = score_text(name, score.low), score_text(name, score.high)
    return f"{low} to {high} ({score.level * 100:g} % interval)"


def _with_unit(name: str, score: Score, units: dict[str, str]) -> str:
    """The value, with the unit of its target where the score has one (R2 and losses have none)."""
    kind, _, target = name.partition(" of ")
    unit = ""
    if kind in {"rmse", "mae", "bias"}:
        unit = units.get(target or next(iter(units), ""), "")
    return f"{score_text(name, score.value)} {unit}".rstrip()


def show_comparison(console: Console, comparison: Comparison, save: Path | None) -> None:
    """Settings that differ, final numbers, and whether the difference is more than chance."""
    heading(console, f"Compared on the same {counted(comparison.count, 'test image')}")
    if comparison.differences:
        first = comparison.differences[0]
        scores = [(first.first, score_text(first.score, first.first_value))]
        scores += [(d.second, score_text(d.score, d.second_value)) for d in comparison.differences]
        show_table(console, ("run", first.score), scores, words=("run",))
    for difference in comparison.differences:
        say(console, f"{difference.sentence}.")
    _show_settings(console, comparison)
    if save is not None:
        console.print()
        say_path(console, "Curves", save / "curves.png")
        say_path(console, "Page", save / "index.html")


def _show_settings(console: Console, comparison: Comparison) -> None:
    heading(console, "Settings that differ")
    if not comparison.settings:
        say(console, "None: the runs were trained alike.")
        return
    columns = ("setting", *comparison.runs)
    rows = [
        (name, *("-" if values[run] is None else values[run] for run in comparison.runs))
        for name, values in comparison.settings.items()
    ]
    show_table(console, columns, rows, words=columns)
