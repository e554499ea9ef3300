"""From pictures in folders to a trained network with little memory for them, stopped on the way."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import firstlight as fl
from firstlight.core import processes
from firstlight.core.errors import DataError, RunError
from firstlight.core.stored import StoredImages
from firstlight.data import converting, shard_worker
from firstlight.training.batches import Batches
from firstlight.training.stopping import InterruptedRunError

from .conftest import striped


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of 600 small PNG files in three classes."""
    folder = tmp_path_factory.mktemp("pictures") / "stripes"
    images, labels = striped(600)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        # Larger than they need be, so that one MB of memory does not hold them all.
        large = np.repeat(np.repeat(image, 6, axis=0), 6, axis=1)
        Image.fromarray(large).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture
def little(pictures, settings, monkeypatch, tmp_path):
    """Keyword arguments of a training with 1 MB for 1.04 MB of images, in nine shards."""
    monkeypatch.setattr(converting, "SHARD_BYTES", 120_000)
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)

    def refuse(self, dtype=None, copy=None):
        raise AssertionError("all images were to be read into memory")

    monkeypatch.setattr(StoredImages, "__array__", refuse)
    monkeypatch.chdir(tmp_path)
    stored = {"memory": "1MB", "shards": "shards", "prepare": "standardise", "runs": "runs"}
    return settings | stored | {"epochs": 3, "batch_size": 32}


def test_a_learning_rate_is_looked_for_with_little_memory(pictures, little, monkeypatch):
    def refuse(self, images):
        raise AssertionError("batches from memory, which holds all images")

    monkeypatch.setattr(Batches, "_hold", refuse)
    told = []
    asked = {key: value for key, value in little.items() if key not in ("runs", "epochs")}
    test = fl.lr(pictures, progress=told.append, **asked)
    assert test.rates[0] < test.suggestion < test.rates[-1]
    assert "--memory 1MB" in test.command
    kinds = [event["kind"] for event in told]
    assert kinds.index("reading") < kinds.index("plan") < kinds.index("step")


def weights(run):
    return run.model.get_weights()


def test_a_run_with_little_memory_learns_and_tests_on_the_same_images(pictures, little):
    run = fl.train(pictures, name="little", **little)
    ours = {key: value for key, value in little.items() if key not in ("memory", "shards")}
    other = fl.train(pictures, name="whole", **ours)
    assert run.report.scores["accuracy"].value > 0.9
    np.testing.assert_array_equal(run.report.predictions.names, other.report.predictions.names)
    with np.load(run.files.split) as one, np.load(other.files.split) as two:
        for part in ("train", "validation", "test", "seen"):
            np.testing.assert_array_equal(one[part], two[part])
    layers = [one.model.get_layer("normalization") for one in (run, other)]
    assert float(layers[0].mean) == pytest.approx(float(layers[1].mean), rel=1e-6)
    assert float(layers[0].variance) == pytest.approx(float(layers[1].variance), rel=1e-6)
    known = json.loads((run.folder / "run.json").read_text())
    assert known["data_settings"]["memory"] == "1MB"
    assert known["data_settings"]["shards"] == str(Path("shards").resolve())
    assert "--memory 1MB" in known["command"]
    assert any("kept on disk" in note for note in known["data"]["notes"])
    assert fl.evaluate(run).scores == run.report.scores
    seen = fl.evaluate("whole", pictures, runs="runs", memory="1MB", shards="shards")
    assert "510 of these 600 images" in seen.notes[0]
    with pytest.raises(DataError, match="images on disk are not brought to another size"):
        fl.evaluate("whole", pictures, runs="runs", memory="1MB", shards="shards", size=30)
    fl.explore(pictures, save="look", memory="1MB", shards="shards")
    assert Path("look/index.html").exists()


def test_a_stopped_run_ends_as_one_that_was_not_and_decodes_nothing_again(
    pictures, little, monkeypatch, tmp_path
):
    whole = fl.train(pictures, name="whole", **little)
    again = fl.train(pictures, name="again", **little)
    for one, other in zip(weights(whole), weights(again), strict=True):
        np.testing.assert_array_equal(one, other)

    def stop(event):
        # In the middle of a window of the second epoch.
        if event["kind"] == "step" and event["step"] > 20:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedRunError):
        fl.train(pictures, name="stopped", progress=stop, **little)

    def refuse(*_):
        raise AssertionError("a picture was opened again")

    for name in ("inspect", "decode"):
        monkeypatch.setattr(shard_worker, name, refuse)
    told = []
    monkeypatch.chdir(pictures)
    resumed = fl.resume("stopped", runs=tmp_path / "runs", progress=told.append)
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    assert {event["what"] for event in told if event["kind"] == "reading"} == {"checking shards"}


def test_a_run_whose_pictures_have_changed_is_not_resumed(pictures, little, tmp_path):
    copy = tmp_path / "copy"
    for path in pictures.glob("*/*.png"):
        (copy / path.parent.name).mkdir(parents=True, exist_ok=True)
        (copy / path.parent.name / path.name).write_bytes(path.read_bytes())

    def stop(event):
        if event["kind"] == "epoch":
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedRunError):
        fl.train(copy, name="stopped", progress=stop, **little)
    one, other = sorted((copy / "top").glob("*.png"))[:2]
    one.write_bytes(other.read_bytes())
    with pytest.raises(RunError, match="have changed since run stopped"):
        fl.resume("stopped", runs="runs")
