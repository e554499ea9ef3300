"""The diagnosis at the end of real trainings: one that goes well, and one for each way not to."""

import json
import subprocess
import sys

import numpy as np
import pytest

import firstlight as fl
from firstlight.core.errors import NotFiniteError

DENSE = """
- Flatten
- Dense: {units: 32, activation: relu}
- Dense: {units: outputs, activation: softmax}
"""
LINEAR = """
- Flatten
- Dense: {units: outputs}
"""
PATTERNS = np.random.default_rng(5).integers(0, 200, (4, 6, 6))
SETTINGS = {"batch_size": 16, "threads": 1, "learning_rate": 0.003, "epochs": 12}


def noisy(count, noise, seed=0):
    """Images of four patterns under noise, and which each one is."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, count)
    images = PATTERNS[labels] + random.normal(0, noise, (count, 6, 6))
    return np.clip(images, 0, 255).astype(np.uint8), labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("diagnosis")
    (place / "dense.yaml").write_text(DENSE)
    (place / "linear.yaml").write_text(LINEAR)
    images, labels = noisy(1600, 25)
    np.savez(place / "clear.npz", images=images, labels=labels)
    shuffled = np.random.default_rng(1).permutation(labels)
    np.savez(place / "shuffled.npz", images=images, labels=shuffled)
    images, labels = noisy(440, 150)
    np.savez(
        place / "forty.npz",
        images=images,
        labels=labels,
        part=np.repeat(["train", "validation", "test"], [40, 200, 200]),
    )
    return place


def codes(folder, data, **changed):
    settings = SETTINGS | {"model": str(folder / "dense.yaml"), "runs": folder / "runs"} | changed
    run = fl.train(folder / data, **settings)
    return run, [found.code for found in run.report.diagnosis]


def test_a_training_that_goes_well_has_none(folder):
    run, found = codes(folder, "clear.npz")
    assert run.history[-1]["validation_accuracy"] > 0.95
    assert found == []
    assert "warning" not in run.files.page.read_text().partition("<h2>Training</h2>")[2]


def test_a_far_too_high_learning_rate(folder):
    run, found = codes(folder, "clear.npz", learning_rate=30.0, epochs=3)
    assert found == ["learning-rate-too-high", "dead-units"]
    page = run.files.page.read_text().partition("<h2>Training</h2>")[2]
    assert "The learning rate is too high" in page
    document = json.loads(run.files.report.read_text())
    assert document["diagnosis"][0]["settings"] == {"learning_rate": 0.01}
    # What the report says is what the run's own files say.
    assert document["diagnosis"][0]["evidence"].endswith("the learning rate is 30.")


def test_a_loss_that_is_no_number_any_more_is_marked_as_such(folder):
    given = {
        "model": str(folder / "linear.yaml"),
        "task": "measure",
        "learning_rate": 1e6,
        "optimizer": "sgd",
        "name": "diverged",
    }
    with pytest.raises(NotFiniteError):
        codes(folder, "clear.npz", **given)
    events = (folder / "runs/diverged/events.jsonl").read_text().splitlines()
    assert json.loads(events[-1])["diverged"] is True


def test_labels_that_were_shuffled(folder):
    for epochs in (3, 60):
        _, found = codes(folder, "shuffled.npz", epochs=epochs)
        assert found[0] == "not-learning"
        assert "overfitting" not in found


def test_forty_images_are_learned_by_heart(folder):
    run, found = codes(folder, "forty.npz", split_column="part", epochs=80)
    assert run.history[-1]["accuracy"] == 1.0
    assert found == ["overfitting", "few-images"]


def test_a_training_that_ended_too_early_or_moved_too_little(folder):
    _, found = codes(folder, "clear.npz", learning_rate=0.0003, epochs=5)
    assert found == ["still-improving"]
    _, found = codes(folder, "clear.npz", learning_rate=1e-8, epochs=3)
    assert found == ["not-learning"]


def test_the_command_line_says_it_at_the_end(folder):
    command = [sys.executable, "-m", "firstlight", "train", "clear.npz", "--model", "dense.yaml"]
    ended = subprocess.run(
        [*command, "--learning-rate", "30", "--epochs", "2", "--quiet"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = ended.stdout.partition("How the training went")[2]
    assert "warning: The learning rate is too high" in said
    assert "--learning-rate 0.01" in said
