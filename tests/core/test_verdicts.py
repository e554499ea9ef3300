"""Sentences about the numbers of a report say what the numbers say."""

from __future__ import annotations

import pytest

from firstlight.core.scores import Score
from firstlight.core.trust import Baseline, Bin, Coverage
from firstlight.core.verdicts import (
    about_coverage,
    about_worst_bin,
    against_baselines,
    beats_baselines,
    bin_ends,
)

WAYS = (
    Baseline("training mean", Score(0.3, 0.28, 0.32), Score(0.0)),
    Baseline("forest", Score(0.05, 0.04, 0.06), Score(0.9)),
)


@pytest.mark.parametrize(
    ("rmse", "beats", "words"),
    [
        (
            Score(0.02, 0.01, 0.03),
            True,
            "It beats every simpler way: the best of them, the forest",
        ),
        (Score(0.04, 0.03, 0.05), False, "It beats the forest by no more than chance could give"),
        (Score(0.05), False, "It does not beat a simpler way: the forest is off by 0.05 m"),
        (Score(0.049), True, "It beats every simpler way"),
        (Score(0.4, 0.3, 0.5), False, "It does not beat a simpler way: the forest"),
    ],
)
def test_the_best_simpler_way_is_what_counts(rmse: Score, beats: bool, words: str) -> None:
    assert beats_baselines(rmse, WAYS) is beats
    assert against_baselines(rmse, WAYS, "m").startswith(words)


def test_with_nothing_beside_it_nothing_is_said() -> None:
    assert beats_baselines(Score(1.0), ())
    assert against_baselines(Score(1.0), ()) == ""
    assert about_worst_bin([Bin("z", 7, 7, 3, Score(0.0), 0.1)]) == ""


@pytest.mark.parametrize(
    ("held", "end"),
    [
        (Score(0.8, 0.7, 0.899), ": they are too narrow."),
        (Score(0.8, 0.7, 0.9), "held 80 % (70 to 90 %)."),
        (Score(0.95, 0.9, 1.0), "held 95 % (90 to 100 %)."),
        (Score(0.95, 0.901, 1.0), ": they are wider than they need to be."),
        (Score(0.8), "held 80 %."),
    ],
)
def test_a_promise_is_broken_outside_of_the_sampling_error(held: Score, end: str) -> None:
    assert about_coverage(Coverage(0.9, held, 0.1)).endswith(end)


def test_a_bin_of_one_value_has_no_ends() -> None:
    bins = [Bin("z", z, z, 3, Score(0.0), z / 100) for z in (7.0, 8.0)]
    assert bin_ends(bins[0]) == "7"
    assert about_worst_bin(bins, "kg", "Mpc").startswith("It is furthest off where z is 8 Mpc: by")


def test_sets_of_one_class_cannot_be_smaller():
    held = Score(0.991, 0.987, 0.993)
    words = about_coverage(Coverage(0.9, held, 1.0004), of_classes=True)
    assert words.endswith("held 99.1 % (98.7 to 99.3 %), with one class in each.")
    more = about_coverage(Coverage(0.9, held, 1.01), of_classes=True)
    assert more.endswith("with 1.01 classes on average: they are larger than they need to be.")
