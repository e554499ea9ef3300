"""Screens of how good a network is: train, evaluate, compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.core.diagnosis import words_of
from firstlight.core.reports import worse_than_mean
from firstlight.core.verdicts import (
    about_coverage,
    about_folds,
    about_leak,
    about_probabilities,
    about_unlike,
    about_worst_bin,
    against_baselines,
    beats_baselines,
    by_column,
    telling,
)
from firstlight.shells.cli.progress import score_text
from firstlight.shells.cli.terminal import heading, say, say_path, show_table, warn
from firstlight.shells.cli.text import counted, number, percent

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.api import Run
    from firstlight.core.comparison import Comparison
    from firstlight.core.diagnosis import Diagnosis
    from firstlight.core.reports import Report
    from firstlight.core.scores import Score
    from firstlight.core.trust import Trust

MOST_CONFUSED = 10


def show_run(console: Console, run: Run) -> None:
    """The report of a training run, and where its files are."""
    show_report(console, run.report)
    _show_diagnosis(console, run.report.diagnosis)
    console.print()
    say_path(console, "Run", run.folder)
    say_path(console, "Report", run.folder / "report.html")


def _show_diagnosis(console: Console, diagnosis: tuple[Diagnosis, ...]) -> None:
    """What seems to be wrong with the training, and what to try next."""
    if diagnosis:
        heading(console, "How the training went")
    for found in diagnosis:
        (warn if found.level == "warning" else say)(console, words_of(found))
        options = [f"--{name.replace('_', '-')} {value}" for name, value in found.settings.items()]
        if options:
            say(console, f"  {' '.join(options)}", "bold")


def show_report(console: Console, report: Report) -> None:
    """Scores with their intervals; the classes, or what is known of the trust in the values."""
    heading(console, f"{report.data}: {counted(report.count, 'image')}")
    for note in (*worse_than_mean(report), *report.notes):
        warn(console, note)
    joint = report.joint_scores()
    rows = [
        (
            name,
            f"{score_text(name, score.value)} {report.unit_of(name)}".rstrip(),
            _interval(name, score),
        )
        for name, score in report.scores.items()
        if name in joint or " of " in name
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
    if report.class_trust is not None:
        heading(console, "Its probabilities")
        say(console, about_probabilities(report.class_trust))
        for coverage in telling(report.class_trust.coverage):
            say(console, about_coverage(coverage, of_classes=True))
    for trust in report.trust:
        _show_trust(console, report, trust)
    if report.cross_validation is not None:
        heading(console, "Cross-validation")
        say(console, about_folds(report))
    unlike = about_unlike(report.predictions)
    if unlike:
        heading(console, "Odd images")
        say(console, unlike)


def _show_trust(console: Console, report: Report, trust: Trust) -> None:
    """What is known of the trust in one target's values, in a few sentences."""
    unit = report.unit_of(f"rmse of {trust.target}")
    several = f": {trust.target}" if len(report.trust) > 1 else ""
    rmse, r2 = (report.score_of(kind, trust.target) for kind in ("rmse", "r2"))
    if trust.baselines and rmse is not None:
        heading(console, f"Simpler ways{several}")
        ways = {way.name: (way.rmse, way.r2) for way in trust.baselines}
        ways |= {"this network": (rmse, r2)} if r2 is not None else {}
        rmse_head = f"rmse [{unit}]" if unit else "rmse"
        rows = [(name, number(off.value), number(fit.value)) for name, (off, fit) in ways.items()]
        show_table(console, ("way", rmse_head, "r2"), rows, words=("way",))
        tell = say if beats_baselines(rmse, trust.baselines) else warn
        tell(console, against_baselines(rmse, trust.baselines, unit))
    if trust.leak is not None and r2 is not None:
        say(console, about_leak(trust.leak, r2))
    if trust.bins:
        heading(console, f"Where it is wrong{several}")
    for column, bins in by_column(trust.bins).items():
        sentence = about_worst_bin(bins, unit, unit if column == trust.target else "")
        if sentence:
            say(console, sentence)
    if trust.coverage:
        heading(console, f"Its intervals{several}")
    for coverage in trust.coverage:
        say(console, about_coverage(coverage))


def _interval(name: str, score: Score) -> str:
    if score.low is None or score.high is None:
        return ""
    low, high = score_text(name, score.low), score_text(name, score.high)
    return f"{low} to {high} ({score.level * 100:g} % interval)"


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
