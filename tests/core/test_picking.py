"""Which test images to look at: against scikit-learn's confusion matrix and NumPy by hand."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from firstlight.core.errors import SettingError
from firstlight.core.picking import called_so, furthest_off, worst_mistakes
from firstlight.core.reports import Predictions, Report


@pytest.fixture
def report() -> Report:
    random = np.random.default_rng(0)
    values = random.dirichlet(np.ones(4), 300).astype(np.float32)
    names = np.array([f"{k}.png" for k in range(300)])
    answers = Predictions(names, values, "classify", classes=("a", "b", "c", "d"))
    return Report("classify", "x", 300, {}, answers, random.integers(0, 4, 300))


def test_each_cell_holds_its_images_the_most_certain_first(report: Report) -> None:
    values = report.predictions.values
    expected = confusion_matrix(report.targets, values.argmax(axis=1))
    seen = []
    for true in range(4):
        for predicted in range(4):
            positions = called_so(report, true, predicted)
            assert len(positions) == expected[true, predicted]
            assert (np.diff(values[positions].max(axis=1)) <= 0).all()
            seen += positions.tolist()
    assert sorted(seen) == list(range(300))


@pytest.mark.parametrize("cell", [(4, 0), (0, 4), (-1, 0)])
def test_a_class_that_is_not_there(report: Report, cell: tuple[int, int]) -> None:
    with pytest.raises(SettingError, match="classes 0 to 3"):
        called_so(report, *cell)


def test_the_worst_mistakes_are_the_wrong_ones_the_most_certain_first(report: Report) -> None:
    values = report.predictions.values
    wrong = values.argmax(axis=1) != report.targets
    positions = worst_mistakes(report)
    assert set(positions) == set(np.flatnonzero(wrong))
    assert values[positions[0]].max() == values[wrong].max()
    assert (np.diff(values[positions].max(axis=1)) <= 0).all()


def test_values_that_are_furthest_off() -> None:
    random = np.random.default_rng(1)
    values, truth = random.normal(size=(2, 50, 2))
    answers = Predictions(
        np.arange(50).astype(str), values, "measure", target_names=("mass", "size")
    )
    report = Report("measure", "x", 50, {}, answers, truth)
    off = [abs(v - t) for v, t in zip(values[:, 1], truth[:, 1], strict=True)]
    assert furthest_off(report, 1).tolist() == sorted(range(50), key=lambda k: -off[k])
    with pytest.raises(SettingError, match="values 0 to 1"):
        furthest_off(report, 2)


def test_some_answers_keep_all_that_belongs_to_them() -> None:
    answers = Predictions(
        np.array(["a", "b", "c"]),
        np.arange(3, dtype=np.float32)[:, None],
        "measure",
        target_names=("mass",),
        target_units=("kg",),
        spread=np.ones((3, 1), np.float32) * [[1], [2], [3]],
        intervals=np.arange(6, dtype=np.float32).reshape(3, 1, 1, 2),
        levels=(0.9,),
        unlike=np.array([True, False, False]),
    )
    rows = answers.rows()
    assert answers.select(np.array([2, 0])).rows() == [rows[2], rows[0]]
