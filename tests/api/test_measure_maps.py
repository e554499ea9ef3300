"""Simulated maps from the verb that makes them to a report, with numbers beside the images."""

import json

import numpy as np
import pytest

import firstlight as fl
from firstlight.core import processes
from firstlight.core.errors import RunError, SettingError

NET = """
- Conv2D: {filters: 4, kernel_size: 3, strides: 2, activation: relu}
- GlobalAveragePooling2D
- Dense: {units: outputs}
"""
CELLS = 16


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """A simulation of 8 tiny boxes, a network, and how to train it in a second."""
    place = tmp_path_factory.mktemp("sky")
    (place / "net.yaml").write_text(NET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place))
        patch.setattr(processes, "usable_cores", lambda: 1)
        fl.simulate(boxes=8, cells=CELLS)
        yield place


def settings(sky, **more):
    return {
        "model": str(sky / "net.yaml"),
        "epochs": 3,
        "batch_size": 32,
        "threads": 1,
        "augment": "roll,flip:both,turn",
        "side": ("z",),
        "loss": "gaussian",
        "telescope": "hard",
        "runs": sky / "runs",
    } | more


@pytest.fixture(scope="module")
def run(sky):
    return fl.train("reionisation", name="first", **settings(sky))


def test_a_run_measures_values_with_spreads(run):
    report = run.report
    assert report.predictions.target_names == ("xHI",)
    assert report.predictions.spread.shape == report.predictions.values.shape
    assert (report.predictions.spread > 0).all()
    assert len(set(report.groups)) == 1
    information = json.loads((run.folder / "run.json").read_text())
    assert information["data"]["name"] == "reionisation"
    assert information["data"]["pixel_unit"] == "mK"
    assert " mK, white 0, blue " in (run.folder / "report.html").read_text()
    kept = information["data_settings"]
    assert (kept["telescope"], kept["pixel"], kept["side"]) == ("hard", 2.0, ["z"])


def test_the_same_test_gives_the_same_report(sky, run):
    again = fl.evaluate("first", runs=sky / "runs")
    assert again.scores == run.report.scores
    np.testing.assert_array_equal(again.predictions.spread, run.report.predictions.spread)


def test_a_stopped_run_goes_on_with_the_noise_it_would_have_had(sky, run):
    def stop(event):
        if event["kind"] == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fl.train("reionisation", name="stopped", progress=stop, **settings(sky))
    # Other maps simulated since are not what this run was trained on.
    fl.simulate(boxes=3, cells=CELLS, seed=9)
    resumed = fl.resume("stopped", runs=sky / "runs")
    fl.simulate(boxes=8, cells=CELLS)
    losses = [[epoch["loss"] for epoch in one.history] for one in (resumed, run)]
    assert losses[0][-3:] == losses[1]
    np.testing.assert_array_equal(resumed.report.predictions.values, run.report.predictions.values)


def test_numbers_beside_the_images_matter(sky, run):
    folder = fl.simulate(boxes=8, cells=CELLS)
    maps = folder / "images.npy"
    near, far = (fl.predict(run, maps, side={"z": z}).values for z in (7.0, 10.0))
    assert not np.allclose(near, far)
    with pytest.raises(RunError, match=r"takes z beside an image, but none came: give --side z="):
        fl.predict(run, maps)
    with pytest.raises(RunError, match=r"takes z beside an image, but zeta came"):
        fl.predict(run, maps, side={"zeta": 1.0})


def test_another_simulator_is_seen_through_the_telescope_that_is_asked_for(sky, run):
    rng = np.random.default_rng(0)
    other = sky / "other.npz"
    images = rng.normal(10, 5, (12, CELLS, CELLS)).astype("float32")
    np.savez(other, images=images, xHI=np.linspace(0, 1, 12), z=np.full(12, 8.0))
    plain = fl.evaluate(run, other)
    seen = fl.evaluate(run, other, telescope="standard")
    assert plain.count == seen.count == 12
    assert not np.allclose(plain.predictions.values, seen.predictions.values)
    again = fl.evaluate(run, other, telescope="standard")
    np.testing.assert_array_equal(again.predictions.values, seen.predictions.values)


def test_maps_of_the_training_are_recognised_before_any_telescope(sky, run):
    report = fl.evaluate(run, fl.simulate(boxes=8, cells=CELLS))
    used = len(fl.load("reionisation").train) + len(fl.load("reionisation").validation)
    assert f"{used:,} of these" in report.notes[0]


def test_explore_shows_maps_as_the_telescope_sees_them(sky):
    sky_itself = fl.load("reionisation").train.images
    look = fl.explore("reionisation", telescope="clean")
    assert look.parts[0].mean == pytest.approx(0, abs=1e-3)
    assert sky_itself.mean() > 1


def test_only_what_can_be_simulated_is(sky):
    with pytest.raises(SettingError, match="reionisation is what can be simulated"):
        fl.simulate("galaxies")
    with pytest.raises(SettingError, match="--cells takes an even number"):
        fl.simulate(cells=17)
