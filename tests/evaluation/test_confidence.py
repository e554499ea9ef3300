"""What validation images teach about answers: applied, kept, and left out where too few."""

import json
from dataclasses import replace

import numpy as np
import pytest

from firstlight.core.errors import RunError
from firstlight.core.reports import Predictions
from firstlight.evaluation import Confidence, learn_confidence
from firstlight.evaluation.calibration import fit_temperature
from firstlight.evaluation.conformal import calibrate_intervals

RNG = np.random.default_rng(1)
COUNT = 400
TRUTH = RNG.uniform(0, 1, (COUNT, 1)).astype(np.float32)
GROUPS = np.array([f"box {k // 20}" for k in range(COUNT)])
FEATURES = (RNG.normal(size=(300, 4)), RNG.normal(size=(COUNT, 4)))
MEASURED = Predictions(
    np.array(["?"] * COUNT),
    TRUTH + RNG.normal(0, 0.2, (COUNT, 1)).astype(np.float32),
    "measure",
    target_names=("xHI",),
    target_units=("",),
    spread=np.full((COUNT, 1), 0.1, np.float32),
)


def learnt(bounds=((0.0, 1.0),)):
    return learn_confidence(MEASURED, TRUTH, GROUPS, FEATURES, GROUPS, bounds)


def test_intervals_are_those_of_the_calibration_and_values_stay_within_bounds():
    confidence, notes = learnt()
    answers = confidence.applied(MEASURED)
    by_hand = calibrate_intervals(
        TRUTH, MEASURED.values, MEASURED.spread, GROUPS, bounds=[(0.0, 1.0)]
    )
    np.testing.assert_array_equal(
        answers.intervals, by_hand.intervals(MEASURED.values, MEASURED.spread)
    )
    assert answers.levels == (0.5, 0.68, 0.9, 0.95)
    assert MEASURED.values.min() < 0
    np.testing.assert_array_equal(answers.values, np.clip(MEASURED.values, 0, 1))
    assert notes == []
    unbound = learnt(None)[0].applied(MEASURED)
    np.testing.assert_array_equal(unbound.values, MEASURED.values)


def test_images_are_flagged_by_their_features():
    confidence, _ = learnt()
    odd = np.vstack([np.zeros(4), [50, 0, 0, 0]])
    two = replace(MEASURED, names=MEASURED.names[:2], values=MEASURED.values[:2],
                  spread=MEASURED.spread[:2])  # fmt: skip
    assert confidence.applied(two, odd).unlike.tolist() == [False, True]
    assert confidence.applied(two).unlike is None


def test_probabilities_are_tempered_and_the_class_stays():
    logits = RNG.normal(0, 4, (COUNT, 3))
    soft = np.exp(logits / 4)
    targets = (RNG.random(COUNT)[:, None] > (soft / soft.sum(1, keepdims=True)).cumsum(1)).sum(1)
    sure = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    answers = Predictions(
        MEASURED.names, sure.astype(np.float32), "classify", classes=("a", "b", "c")
    )
    confidence, _ = learn_confidence(answers, targets, None, FEATURES)
    # Made four times too sure of itself.
    assert confidence.temperature == pytest.approx(4, rel=0.2)
    assert confidence.temperature == pytest.approx(
        fit_temperature(np.log(np.maximum(sure, 1e-7)), targets), rel=1e-3
    )
    tempered = confidence.applied(answers).values
    np.testing.assert_array_equal(tempered.argmax(1), sure.argmax(1))
    expected = soft / soft.sum(1, keepdims=True)
    assert np.abs(tempered - expected).mean() < np.abs(sure - expected).mean() / 5
    assert confidence.sets is not None


@pytest.mark.parametrize("bounds", [None, ((0.0, None),)])
def test_what_is_kept_comes_back(bounds, tmp_path):
    confidence, _ = learnt(bounds)
    confidence.save(tmp_path)
    again = Confidence.load(tmp_path)
    assert again.intervals == confidence.intervals
    ours, theirs = (one.applied(MEASURED, FEATURES[1]) for one in (confidence, again))
    np.testing.assert_array_equal(ours.intervals, theirs.intervals)
    np.testing.assert_array_equal(ours.unlike, theirs.unlike)


def test_nothing_is_known_of_a_run_without_the_file(tmp_path):
    assert Confidence.load(tmp_path).applied(MEASURED) is MEASURED


@pytest.mark.parametrize("damage", ["{", "{}", '{"temperature": 1}', "[]"])
def test_damage_is_named(damage, tmp_path):
    learnt()[0].save(tmp_path)
    (tmp_path / "confidence.json").write_text(damage)
    with pytest.raises(RunError, match="A calibration was expected"):
        Confidence.load(tmp_path)


def test_intervals_of_a_damaged_kind_are_named(tmp_path):
    learnt()[0].save(tmp_path)
    document = json.loads((tmp_path / "confidence.json").read_text())
    document["intervals"].pop("factors")
    (tmp_path / "confidence.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="damaged"):
        Confidence.load(tmp_path)


def test_too_few_groups_leave_out_what_needs_more_of_them_and_say_so():
    one = np.full(COUNT, "box 0")
    confidence, notes = learn_confidence(MEASURED, TRUTH, one, FEATURES, one)
    assert confidence.intervals is None
    assert confidence.likeness is None
    assert [note.partition(":")[0] for note in notes] == [
        "Images unlike those of the training are not flagged",
        "There are no intervals",
    ]
    assert confidence.applied(MEASURED).intervals is None


def test_values_stay_within_bounds_where_there_are_no_intervals(tmp_path):
    bounded = Confidence(bounds=((0.0, None),))
    bounded.save(tmp_path)
    for confidence in (bounded, Confidence.load(tmp_path)):
        found = confidence.applied(MEASURED)
        np.testing.assert_array_equal(found.values, np.maximum(MEASURED.values, 0))
        assert found.intervals is None
    assert MEASURED.values.min() < 0


def test_a_run_of_the_first_days_has_its_bounds_with_its_intervals(tmp_path):
    confidence, _ = learnt()
    confidence.save(tmp_path)
    document = json.loads((tmp_path / "confidence.json").read_text())
    del document["bounds"]
    (tmp_path / "confidence.json").write_text(json.dumps(document))
    assert Confidence.load(tmp_path).bounds == ((0.0, 1.0),)
