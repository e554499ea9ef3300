"""Small data on disk, and one trained run that tests share."""

import numpy as np
import pytest

import firstlight as fl

NET = """
- Conv2D: {filters: 6, kernel_size: 3, activation: relu}
- Flatten
- Dense: {units: outputs, activation: softmax}
"""
MEASURING = """
- Conv2D: {filters: 6, kernel_size: 3, activation: relu}
- Flatten
- Dense: {units: outputs}
"""


def striped(count=240, seed=0):
    """Images whose class is the row, of three, that is bright."""
    generator = np.random.default_rng(seed)
    labels = np.array(["top", "middle", "bottom"])
    targets = generator.integers(0, 3, count)
    images = generator.integers(0, 60, (count, 6, 8)).astype("uint8")
    images[np.arange(count), 2 * targets] += 150
    return images, labels[targets]


def unfinish(run):
    """Take the end off a run's events, as if it had been killed just before."""
    events = run.folder / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(line for line in lines if '"kind": "end"' not in line))


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with `stripes.npz`, `glow.npz` (a number to measure) and two networks."""
    folder = tmp_path_factory.mktemp("api")
    images, labels = striped()
    np.savez(folder / "stripes.npz", images=images, labels=labels)
    brightness = images.reshape(len(images), -1).mean(1).astype("float32")
    np.savez(folder / "glow.npz", images=images, brightness=brightness)
    (folder / "net.yaml").write_text(NET)
    (folder / "measuring.yaml").write_text(MEASURING)
    return folder


@pytest.fixture(scope="session")
def settings(place):
    """Keyword arguments of a training that takes a second."""
    return {
        "model": str(place / "net.yaml"),
        "epochs": 6,
        "batch_size": 16,
        "learning_rate": 0.01,
        "threads": 1,
    }


@pytest.fixture(scope="session")
def run(place, settings):
    """A finished run on the stripes."""
    return fl.train(place / "stripes.npz", runs=place / "runs", name="first", **settings)
