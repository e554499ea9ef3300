"""Reports written to a folder and read back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.core.dataset import Refused
from firstlight.core.errors import RunError
from firstlight.core.reports import Predictions, Report
from firstlight.core.scores import Score
from firstlight.core.trust import ClassTrust, Coverage, ReliabilityBin
from firstlight.evaluation import (
    evaluate,
    load_report,
    report_arrays,
    report_from_dict,
    report_to_dict,
    save_report,
)


def classified(count: int = 30, classes: int = 7, seed: int = 0) -> Report:
    random = np.random.default_rng(seed)
    predictions = Predictions(
        names=np.array([f"Ünïcode {k}.png" for k in range(count)]),
        values=random.dirichlet(np.ones(classes), count).astype(np.float32),
        task="classify",
        classes=tuple(f"class {k}" for k in range(classes)),
        refused=(Refused("bad.png", "it is cut off"),),
    )
    return evaluate(predictions, random.integers(0, classes, count), "letters, test")


def measured() -> Report:
    random = np.random.default_rng(1)
    predictions = Predictions(
        names=np.array(["a", "b", "c"]),
        values=random.normal(size=(3, 2)).astype(np.float32),
        task="measure",
        target_names=("x", "y"),
        target_units=("K", ""),
    )
    return evaluate(predictions, random.normal(size=(3, 2)).astype(np.float32), "sky, test")


def assert_equal(one: Report, other: Report) -> None:
    equal = ("task", "data", "count", "scores", "classes", "per_class", "confused", "notes")
    for field in (*equal, "trust", "class_trust"):
        assert getattr(one, field) == getattr(other, field), field
    assert (one.confusion is None) == (other.confusion is None)
    if one.confusion is not None:
        assert np.array_equal(one.confusion, other.confusion)
        assert one.confusion.dtype == other.confusion.dtype
    for field in ("task", "classes", "target_names", "target_units", "refused", "levels"):
        assert getattr(one.predictions, field) == getattr(other.predictions, field), field
    assert list(one.columns) == list(other.columns)
    pairs = [(one.targets, other.targets), (one.groups, other.groups)]
    pairs += [(one.columns[name], other.columns[name]) for name in one.columns]
    for field in ("names", "values", "spread", "intervals", "unlike"):
        pairs.append((getattr(one.predictions, field), getattr(other.predictions, field)))
    for first, second in pairs:
        assert (first is None) == (second is None)
        if first is not None:
            assert np.array_equal(first, second)
            assert first.dtype == second.dtype


@pytest.mark.parametrize("report", [classified(), measured()], ids=["classify", "measure"])
def test_a_report_survives_its_folder(report, tmp_path):
    save_report(tmp_path, report)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["predictions.npz", "report.json"]
    assert_equal(load_report(tmp_path), report)


@pytest.mark.parametrize("targets", [1, 2])
def test_the_trust_in_values_survives_its_folder(targets, sky_report, tmp_path):
    report = sky_report(targets)
    report = replace(report, columns={**report.columns, "../a\n": np.arange(360.0)})
    save_report(tmp_path, report)
    assert_equal(load_report(tmp_path), report)


def test_the_trust_in_classes_survives_its_folder(tmp_path):
    bins = (
        ReliabilityBin(0.5, 0.75, 3, 0.61, Score(2 / 3, 0.2, 0.9)),
        ReliabilityBin(0.75, 1.0, 27, 0.93, Score(1.0)),
    )
    sets = (Coverage(0.9, Score(0.91, 0.89, 0.93), 1.2),)
    trust = ClassTrust(bins, 0.031, Score(0.01, 0.005, 0.02), 1.7, sets)
    report = replace(classified(), class_trust=trust)
    save_report(tmp_path, report)
    assert_equal(load_report(tmp_path), report)


@pytest.mark.parametrize("report", [classified(), measured()], ids=["classify", "measure"])
def test_a_report_of_an_earlier_version_is_read(report, tmp_path):
    save_report(tmp_path, report)
    document = json.loads((tmp_path / "report.json").read_text())
    for later in ("levels", "columns", "trust", "class_trust"):
        del document[later]
    (tmp_path / "report.json").write_text(json.dumps(document))
    answers = report.predictions
    np.savez(
        tmp_path / "predictions.npz",
        names=answers.names,
        values=answers.values,
        targets=report.targets,
    )
    assert_equal(load_report(tmp_path), report)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_json_loses_nothing(count, classes, seed):
    report = classified(count, classes, seed)
    document = json.loads(json.dumps(report_to_dict(report), allow_nan=False))
    assert_equal(report_from_dict(document, report_arrays(report)), report)


def test_a_missing_report_says_how_to_make_one(tmp_path):
    with pytest.raises(RunError, match=r"Expected report\.json in .*: run firstlight evaluate"):
        load_report(tmp_path)
    save_report(tmp_path, measured())
    (tmp_path / "predictions.npz").unlink()
    with pytest.raises(RunError, match=r"Expected predictions\.npz in"):
        load_report(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("report.json", b"{"),
        ("report.json", b"[]"),
        ("report.json", b'{"task": "classify"}'),
        ("report.json", b"\xff\xfe"),
        ("predictions.npz", b""),
        ("predictions.npz", b"PK\x03\x04 cut off"),
        ("predictions.npz", b"not an archive"),
    ],
)
def test_a_damaged_report_is_refused(file, content, tmp_path):
    save_report(tmp_path, measured())
    (tmp_path / file).write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        load_report(tmp_path)


def test_pickles_are_refused(tmp_path):
    report = measured()
    save_report(tmp_path, report)
    names = np.array([{"a": 1}, None, "c"], dtype=object)
    np.savez(
        tmp_path / "predictions.npz",
        names=names,
        values=report.predictions.values,
        targets=report.targets,
    )
    with pytest.raises(RunError, match=r"damaged.*allow_pickle"):
        load_report(tmp_path)


def test_answers_of_another_report_are_refused(tmp_path):
    report = classified()
    save_report(tmp_path, report)
    save_report(tmp_path, replace(report, count=29))
    with pytest.raises(RunError, match=r"Expected 29 answers .* but names of shape \(30,\) came"):
        load_report(tmp_path)


def test_columns_of_another_report_are_refused(sky_report, tmp_path):
    report = sky_report(1)
    save_report(tmp_path, report)
    arrays = report_arrays(report) | {"columns": np.zeros((359, 1))}
    np.savez(tmp_path / "predictions.npz", **arrays)
    with pytest.raises(RunError, match=r"columns of shape \(359, 1\) came"):
        load_report(tmp_path)
