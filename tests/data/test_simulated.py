"""Simulated maps as data: found in the cache, and read as their record says."""

import json
import os

import numpy as np
import pytest

from firstlight import simulation
from firstlight.core import processes
from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings, SimulationSettings
from firstlight.data import found, load_dataset, simulate_maps, simulated

TINY = {"boxes": 6, "cells": 16}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)
    return tmp_path / "firstlight"


def test_maps_of_equal_settings_are_simulated_once(cache, monkeypatch):
    folder = simulate_maps(SimulationSettings(**TINY))
    assert folder.is_relative_to(cache)
    before = (folder / "images.npy").stat().st_mtime_ns
    assert simulate_maps(SimulationSettings(preset="hard", **TINY)) == folder
    assert (folder / "images.npy").stat().st_mtime_ns == before
    assert simulate_maps(SimulationSettings(seed=1, **TINY)) != folder


def test_the_maps_asked_for_last_are_taken():
    first = simulate_maps(SimulationSettings(**TINY))
    second = simulate_maps(SimulationSettings(seed=1, **TINY))
    for age, folder in ((9, first), (5, second)):
        os.utime(folder / "simulation.json", ns=(age * 10**9, age * 10**9))
    source, settings = found("reionisation", DataSettings())
    assert source == first
    assert settings.telescope == "standard"
    simulate_maps(SimulationSettings(seed=1, preset="hard", **TINY))
    source, settings = found("reionisation", DataSettings(target=("z",)))
    assert source == second
    assert (settings.target, settings.telescope, settings.pixel) == (("z",), "hard", 2.0)
    assert settings.side == ("z",)


def test_quick_maps_are_simulated_where_there_are_none(monkeypatch, cache):
    monkeypatch.setattr(simulated, "QUICK_BOXES", 3)
    asked = []
    monkeypatch.setattr(
        simulation, "make_maps", lambda universe, *rest: asked.append((universe.boxes, *rest))
    )
    source, _ = found("reionisation", DataSettings())
    assert asked == [(3, source, "standard")]


def test_whole_boxes_go_into_the_parts_and_trivial_maps_stay_out():
    folder = simulate_maps(SimulationSettings(**TINY))
    dataset = load_dataset("reionisation")
    assert dataset.pixel_unit == "mK"
    assert (dataset.name, dataset.task, dataset.target_names) == (
        "reionisation",
        "measure",
        ("xHI",),
    )
    assert dataset.source == str(folder)
    assert set(np.unique(dataset.train.columns["z"])) == {7.0, 8.0, 9.0, 10.0}
    groups = [set(part.groups) for _, part in dataset.parts()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 6
    fraction = np.load(folder / "xHI.npy")
    kept = (fraction > 0.01) & (fraction < 0.99)
    assert sum(len(part) for _, part in dataset.parts()) == kept.sum()


def test_an_unfinished_simulation_is_no_data(cache):
    folder = simulate_maps(SimulationSettings(**TINY))
    (folder / "xHI.npy").unlink()
    assert found(folder, DataSettings()) == (folder, DataSettings())


def test_the_record_has_the_name_that_the_simulation_gives_it():
    assert simulated.RECORD == simulation.RECORD


def test_a_damaged_record_is_named():
    folder = simulate_maps(SimulationSettings(**TINY))
    (folder / "simulation.json").write_text(json.dumps({"universe": {}}))
    with pytest.raises(DataError, match="A record of a simulation was expected"):
        found(folder, DataSettings())


def test_what_a_record_brings_along_is_not_held_against_the_user():
    """Errors by redshift are for numbers; the box that a map comes from is a class."""
    folder = simulate_maps(SimulationSettings(**TINY))
    assert load_dataset(folder, DataSettings(target=("groups",))).task == "classify"
    with pytest.raises(SettingError, match="--report-by divides the errors"):
        load_dataset(folder, DataSettings(target=("groups",), report_by=("z",)))
