"""Folders of simulated maps: whole, stopped, held by somebody else."""

import numpy as np
import pytest
from filelock import FileLock

from firstlight.core import processes
from firstlight.core.errors import DataError
from firstlight.core.telling import listening
from firstlight.simulation import box_worker, making
from firstlight.simulation.boxes import Universe, simulate_box
from firstlight.simulation.making import is_whole, make_maps

SMALL = Universe(boxes=3, cells=8, redshifts=(7.0, 9.0), slices=2)


def arrays(folder):
    return {path.stem: np.load(path, allow_pickle=False) for path in folder.glob("*.npy")}


@pytest.fixture
def whole(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)
    make_maps(SMALL, tmp_path / "whole")
    return arrays(tmp_path / "whole")


def test_the_folder_holds_every_map_with_its_columns(whole):
    assert whole["images"].shape == (3 * 2 * 3 * 2, 8, 8)
    assert whole["images"].dtype == np.float32
    assert sorted(set(whole["groups"])) == ["box 0", "box 1", "box 2"]
    assert sorted(set(whole["z"])) == [7, 9]
    # A map of the second box is that box's own, cut where its columns say.
    box = simulate_box(SMALL, 1)
    np.testing.assert_array_equal(whole["images"][12:24], box.maps)
    np.testing.assert_array_equal(whole["xHI"][12:24], box.columns["xHI"])


def test_a_map_is_the_slice_that_its_columns_name():
    # Slices along different axes share a row of the cube, if as much is ionised in both.
    box = simulate_box(Universe(**{**vars(SMALL), "box_neutral": (0.5, 0.5)}), 0)
    chosen = box.columns["z"] == 7
    first = chosen & (box.columns["axis"] == 0)
    second = chosen & (box.columns["axis"] == 1)
    i, j = (int(box.columns["index"][slices][0]) for slices in (first, second))
    np.testing.assert_array_equal(box.maps[first][0][j], box.maps[second][0][i])


def test_several_processes_make_the_same(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "usable_cores", lambda: 2)
    told = []
    with listening(told.append):
        make_maps(SMALL, tmp_path / "two")
    for name, array in arrays(tmp_path / "two").items():
        np.testing.assert_array_equal(array, whole[name])
    assert [event["done"] for event in told] == [0, 1, 2, 3]


def test_a_stopped_simulation_goes_on_where_it_was(whole, tmp_path, monkeypatch):
    made, perform = [], box_worker.perform

    def stop(task, tell):
        if task["number"] == 2 and len(made) < 3:
            made.append("stopped")
            raise KeyboardInterrupt
        made.append(task["number"])
        perform(task, tell)

    monkeypatch.setattr(box_worker, "perform", stop)
    with pytest.raises(KeyboardInterrupt):
        make_maps(SMALL, tmp_path / "stopped")
    assert not is_whole(tmp_path / "stopped")
    make_maps(SMALL, tmp_path / "stopped")
    assert made == [0, 1, "stopped", 2]
    for name, array in arrays(tmp_path / "stopped").items():
        np.testing.assert_array_equal(array, whole[name])
    make_maps(SMALL, tmp_path / "stopped")
    assert made == [0, 1, "stopped", 2]


def test_more_boxes_change_none_of_the_others(whole):
    more = simulate_box(Universe(**{**vars(SMALL), "boxes": 50}), 2)
    np.testing.assert_array_equal(whole["images"][24:], more.maps)


@pytest.mark.usefixtures("whole")
def test_another_simulation_is_not_mixed_in(tmp_path):
    other = Universe(**{**vars(SMALL), "seed": 1, "cells": 16})
    with pytest.raises(
        DataError, match=r"another simulation \(its cells, seed differ\): name .*--out"
    ):
        make_maps(other, tmp_path / "whole")


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds thesis\.txt: name another"):
        make_maps(SMALL, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "thesis.txt"]


def test_two_do_not_write_one_folder(tmp_path):
    with (
        FileLock(tmp_path / "lock"),
        pytest.raises(DataError, match="another process simulates into"),
    ):
        make_maps(SMALL, tmp_path)


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)

    def full(path, record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "write_json", full)
    with pytest.raises(
        DataError, match=r"cannot be written \(No space left on device\): make room"
    ):
        make_maps(SMALL, tmp_path / "new")


def test_neutral_fractions_are_spread_evenly():
    universe = Universe(boxes=40, cells=16, redshifts=(8.0,), slices=1)
    boxes = [simulate_box(universe, number) for number in range(40)]
    fractions = np.sort(np.concatenate([box.columns["box_xHI"] for box in boxes]))
    count = len(fractions)
    assert count == 120
    # Kolmogorov-Smirnov distance to an even spread; this one is passed by chance once in 20 times.
    steps = np.arange(count) / count
    distance = max(np.abs(fractions - steps).max(), np.abs(fractions - steps - 1 / count).max())
    assert distance < 1.36 / np.sqrt(count)
    assert min(box.maps.min() for box in boxes) >= 0


def test_all_slices_together_are_as_neutral_as_their_box():
    universe = Universe(boxes=1, cells=8, redshifts=(8.0,), slices=8, box_neutral=(0.4, 0.4))
    found = simulate_box(universe, 0).columns["xHI"].reshape(3, 8)
    assert found.mean(axis=1) == pytest.approx([0.4] * 3, abs=1 / 8**3)
    assert found.std() > 0.05
