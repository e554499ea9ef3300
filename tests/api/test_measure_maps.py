"""Simulated maps from the verb that makes them to a report, with numbers beside the images."""

import json

import numpy as np
import pytest

import firstlight as fl
from firstlight.api.asking import as_tested
from firstlight.core import processes
from firstlight.core.errors import DataError, RunError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.core.telescope import telescope_of
from firstlight.data import found, read_collection
from firstlight.models import for_size, import_keras
from firstlight.training import as_seen

keras = import_keras()

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
    redshifts = np.load(folder / "z.npy")
    own = fl.predict(run, maps).values
    given = {z: fl.predict(run, maps, side={"z": z}).values for z in (7.0, 10.0)}
    assert not np.allclose(given[7.0], given[10.0])
    # The file z.npy beside the maps says the same of each as the option says of all.
    for z, values in given.items():
        np.testing.assert_allclose(own[redshifts == z], values[redshifts == z], atol=1e-6)
    np.save(sky / "alone.npy", np.load(maps)[:3])
    np.savez(sky / "with.npz", images=np.load(maps)[:3], z=redshifts[:3])
    np.testing.assert_allclose(fl.predict(run, sky / "with.npz").values, own[:3], atol=1e-6)
    with pytest.raises(RunError, match=r"z is not known of all images: give it \(--side z="):
        fl.predict(run, [sky / "with.npz", sky / "alone.npy"])
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


def test_larger_maps_are_seen_at_their_own_size_before_the_network_is_asked(sky, run):
    larger = fl.simulate(boxes=3, cells=24, out=sky / "larger")
    how = {"telescope": "hard", "side": ("z",), "resize": "none"}
    report = fl.evaluate(run, larger, **how)
    maps = read_collection(*found(larger, DataSettings(**how))).everything
    assert maps.images.shape[1:] == (24, 24, 1)
    seen = as_seen(maps, telescope_of("hard"), run.information["data"]["split_seed"])
    model = for_size(run.model, 24, 24)
    expected = model.predict([seen.images, seen.side], verbose=0)[:, 0].clip(0, 1)
    np.testing.assert_allclose(report.predictions.values[:, 0], expected, atol=1e-4)


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


@pytest.fixture(scope="module")
def several(sky):
    """A run with an ensemble, folds and a leak check."""
    more = {"ensemble": 2, "folds": 3, "leak_check": True, "epochs": 2}
    return fl.train("reionisation", name="several", **settings(sky, **more))


def test_an_ensemble_answers_with_all_of_its_networks(sky, several):
    inside = several.folder / "inside"
    assert sorted(path.name for path in inside.iterdir()) == [
        *(f"fold-{number}" for number in (1, 2, 3)),
        "network-2",
        "random-split",
    ]
    dataset = fl.load("reionisation", telescope="hard", side=("z",))
    seen = as_tested(dataset, "test")
    answers = []
    for folder in (several.folder, inside / "network-2"):
        model = keras.models.load_model(folder / "model.keras")
        answers.append(model.predict([seen.images, seen.side], verbose=0))
    assert not np.allclose(*answers)
    values = np.mean([answer[:, 0] for answer in answers], axis=0)
    variance = np.mean([np.exp(answer[:, 1]) ** 2 for answer in answers], axis=0)
    variance += np.var([answer[:, 0] for answer in answers], axis=0)
    found = several.report.predictions
    np.testing.assert_allclose(found.values[:, 0], np.clip(values, 0, 1), atol=1e-4)
    np.testing.assert_allclose(found.spread[:, 0], np.sqrt(variance), rtol=1e-3)
    assert fl.evaluate("several", runs=sky / "runs").scores == several.report.scores


def test_the_networks_of_an_ensemble_share_their_data_and_not_their_seed(several):
    other = json.loads((several.folder / "inside" / "network-2" / "run.json").read_text())
    own = several.information
    assert other["data"]["fingerprint"] == own["data"]["fingerprint"]
    assert (own["seed"], other["seed"]) == (0, 1)
    assert other["settings"]["ensemble"] is None


def test_folds_test_each_image_once(several):
    found = several.report.cross_validation
    names = [
        fl.evaluate(several.folder / "inside" / f"fold-{number}").predictions.names
        for number in (1, 2, 3)
    ]
    together = np.concatenate(names)
    assert len(set(together)) == len(together) == found.count
    images = several.information["data"]["images"]
    assert found.count == sum(images.values())


def test_the_leak_is_the_score_of_the_split_that_tears_groups_apart(several):
    inner = fl.evaluate(several.folder / "inside" / "random-split")
    assert several.report.trust[0].leak == inner.scores["r2"]
    parts = several.folder / "inside" / "random-split" / "split.npz"
    groups = np.load(fl.simulate(boxes=8, cells=CELLS) / "groups.npy")
    fraction = np.load(fl.simulate(boxes=8, cells=CELLS) / "xHI.npy")
    kept = groups[(fraction > 0.01) & (fraction < 0.99)]
    with np.load(parts) as split:
        assert set(kept[split["train"]]) & set(kept[split["test"]])


def test_a_run_stopped_among_its_inner_runs_goes_on(sky, several):
    epochs = []

    def stop(event):
        epochs.append(event["kind"] == "epoch")
        if sum(epochs) == 3:
            raise KeyboardInterrupt

    more = {"ensemble": 2, "folds": 3, "leak_check": True, "epochs": 2}
    with pytest.raises(KeyboardInterrupt):
        fl.train("reionisation", name="halted", progress=stop, **settings(sky, **more))
    resumed = fl.resume("halted", runs=sky / "runs")
    assert resumed.report.scores == several.report.scores
    assert resumed.report.cross_validation == several.report.cross_validation


def test_images_without_groups_have_nothing_to_leak(sky):
    path = sky / "plain.npz"
    images = np.random.default_rng(0).normal(size=(40, 8, 8)).astype("float32")
    np.savez(path, images=images, targets=images.mean((1, 2)))
    net = str(sky / "net.yaml")
    with pytest.raises(DataError, match="Groups were expected in plain"):
        fl.train(path, model=net, epochs=1, leak_check=True, runs=sky / "runs", threads=1)


def test_predictions_come_with_intervals_and_flags(sky):
    path = sky / "many.npz"
    rng = np.random.default_rng(1)
    images = rng.normal(size=(400, 8, 8)).astype("float32")
    np.savez(path, images=images, targets=images.mean((1, 2)))
    net = str(sky / "net.yaml")
    made = fl.train(
        path, model=net, epochs=2, runs=sky / "runs", threads=1, bounds=("targets=-0.6:0.6",)
    )
    np.save(sky / "odd.npy", np.stack([images[0], 30 + images[1]]))
    answers = fl.predict(made, sky / "odd.npy")
    assert answers.unlike.tolist() == [False, True]
    assert answers.intervals.shape == (2, 1, 4, 2)
    assert np.abs(answers.intervals).max() <= np.float32(0.6)
