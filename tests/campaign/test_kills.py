"""Real training processes, killed at random moments: every one goes on, and ends bit-identical.

`pytest tests/campaign --kills 200` makes a longer campaign of it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import h5py
import numpy as np
import pytest

CHAINS = 2
EPOCHS = 24
NET = """
- Conv2D: {filters: 8, kernel_size: 3, activation: relu}
- MaxPooling2D: {pool_size: 2}
- BatchNormalization
- Dropout: {rate: 0.2}
- Flatten
- Dense: {units: outputs, activation: softmax}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data and a network, both small."""
    folder = tmp_path_factory.mktemp("kills")
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 4, 4000)
    images = generator.integers(0, 200, (4000, 12, 12)).astype("uint8")
    images[np.arange(4000), 3 * targets] += 50
    np.savez(folder / "striped.npz", images=images, labels=targets)
    (folder / "net.yaml").write_text(NET)
    return folder


def command(seed, name):
    options = ["--model", "net.yaml", "--epochs", str(EPOCHS), "--batch-size", "32"]
    options += ["--augment", "shift:1,flip", "--threads", "1", "--seed", str(seed)]
    return ["train", "striped.npz", *options, "--name", name, "--quiet"]


def start(place, arguments):
    program = [sys.executable, "-m", "firstlight", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(program, cwd=place, env={**os.environ, "OMP_NUM_THREADS": "1"}, **quiet)


def wait_for_training(process, events, lines_before):
    """Wait until the process has written an event, or has ended."""
    while process.poll() is None:
        if events.exists() and len(events.read_bytes().splitlines()) > lines_before:
            return
        time.sleep(0.01)


def kill_once(place, arguments, folder, chance):
    """Start a process and kill it: one in five while it starts up, the others in training."""
    events = folder / "events.jsonl"
    before = len(events.read_bytes().splitlines()) if events.exists() else 0
    with start(place, arguments) as process:
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0.2, 3.0))
        else:
            wait_for_training(process, events, before)
            time.sleep(chance.uniform(0.0, 1.2))
        process.send_signal(signal.SIGKILL)
        errors = process.stderr.read().decode()
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode == -signal.SIGKILL


def finish(place, arguments):
    with start(place, arguments) as process:
        errors = process.stderr.read().decode()
    assert process.returncode == 0, errors


def weights(folder):
    """Every array in a run's model file, by path."""
    found = {}
    with zipfile.ZipFile(folder / "model.keras") as archive:
        stored = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(stored) as file:
        file.visititems(
            lambda path, item: (
                found.update({path: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    assert len(found) > 6
    return found


def epochs(folder):
    """Loss and accuracy of each epoch, as they were logged last."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    return {
        event["epoch"]: [event[key] for key in ("loss", "accuracy", "validation_loss")]
        for event in events
        if event["kind"] == "epoch"
    }


def campaign(place, chain, wanted):
    """Kill `wanted` processes, in as many runs as it takes; each run ends as its twin did."""
    chance, killed, seed = random.Random(chain), 0, chain
    while killed < wanted:
        name = f"killed-{seed}"
        folder, twin = place / "runs" / name, place / "runs" / f"whole-{seed}"
        finish(place, command(seed, twin.name))
        while killed < wanted and not (folder / "report.json").exists():
            known = (folder / "run.json").exists()
            arguments = ["train", "--resume", name, "--quiet"] if known else command(seed, name)
            killed += kill_once(place, arguments, folder, chance)
        known = (folder / "run.json").exists()
        finish(place, ["train", "--resume", name, "--quiet"] if known else command(seed, name))
        ours, theirs = weights(folder), weights(twin)
        assert ours.keys() == theirs.keys()
        for path, array in ours.items():
            np.testing.assert_array_equal(array, theirs[path], err_msg=f"{name} {path}")
        assert epochs(folder) == epochs(twin)
        assert len(epochs(folder)) == EPOCHS
        assert not list(folder.rglob("*.part"))
        seed += CHAINS
    return killed


@pytest.mark.slow
def test_killed_trainings_go_on_and_end_bit_identical(place, request):
    kills = request.config.getoption("--kills")
    with ThreadPoolExecutor(CHAINS) as pool:
        jobs = [pool.submit(campaign, place, chain, -(-kills // CHAINS)) for chain in range(CHAINS)]
        killed = sum(job.result() for job in jobs)
    assert killed >= kills
