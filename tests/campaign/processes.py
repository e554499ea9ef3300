"""Trainings in processes of their own, and whether they ended as one that was left alone did."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from faults import Fault, heed_signals, work

EPOCHS = 10
NET = """
- Conv2D: {filters: 8, kernel_size: 3, activation: relu}
- MaxPooling2D: {pool_size: 2}
- BatchNormalization
- Dropout: {rate: 0.2}
- Flatten
- Dense: {units: outputs, activation: softmax}
"""
FIGURES = ("loss", "accuracy", "validation_loss")
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["faults"])


def _start_server() -> None:
    """Start the process that all others are forked from; Python 3.11 keeps our path from it."""
    with pytest.MonkeyPatch.context() as change:
        change.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        forkserver.ensure_running()


@dataclass
class Started:
    """A process at work."""

    process: ForkServerProcess
    stderr: Path

    @property
    def pid(self) -> int:
        return self.process.pid or 0

    def running(self) -> bool:
        return self.process.is_alive()

    def send(self, number: int) -> None:
        if self.running():
            os.kill(self.pid, number)

    def end(self) -> tuple[int, str]:
        """Its exit code (negative: the signal that killed it) and what it printed."""
        self.process.join()
        return int(self.process.exitcode or 0), self.stderr.read_text()


class Place:
    """A folder with data, a network and runs."""

    def __init__(self, folder: Path) -> None:
        _start_server()
        self.folder = folder
        self.runs = folder / "runs"
        self.program = [sys.executable, "-m", "firstlight"]
        self._started = 0
        self._twins: dict[int, Path] = {}
        generator = np.random.default_rng(0)
        targets = generator.integers(0, 4, 1600)
        images = generator.integers(0, 200, (1600, 12, 12)).astype("uint8")
        images[np.arange(1600), 3 * targets] += 50
        np.savez(folder / "striped.npz", images=images, labels=targets)
        (folder / "net.yaml").write_text(NET)

    def train(self, name: str, seed: int = 0, **changes: object) -> list[str]:
        """The command that trains; `changes` are further options."""
        options = {"model": "net.yaml", "epochs": EPOCHS, "batch_size": 32, "seed": seed}
        options |= {"augment": "shift:1,flip", "threads": 1, "name": name, **changes}
        words = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        return ["train", "striped.npz", *words]

    def go_on(self, name: str, seed: int = 0) -> list[str]:
        """The command that goes on with a run, or begins it where it does not exist yet."""
        known = (self.runs / name / "run.json").exists()
        return ["train", "--resume", name] if known else self.train(name, seed)

    def start(
        self,
        arguments: list[str],
        fault: Fault | None = None,
        limits: dict[int, int] | None = None,
    ) -> Started:
        """Start `firstlight`, forked from a process that has it imported already."""
        self._started += 1
        stderr = self.folder / f"process-{self._started}.txt"
        given = (arguments, self.folder, stderr, fault, limits or {})
        process = SERVER.Process(target=work, args=given)
        process.start()
        return Started(process, stderr)

    def start_anew(self, arguments: list[str], **options: object) -> subprocess.Popen:
        """Start `firstlight` as a user does, all imports included."""
        return subprocess.Popen(
            [*self.program, *arguments],
            cwd=self.folder,
            **{
                "stdout": subprocess.DEVNULL,
                "stderr": subprocess.PIPE,
                "preexec_fn": heed_signals,
                **options,
            },
        )

    def finish(self, arguments: list[str]) -> str:
        """Run to the end and return what was printed."""
        code, printed = self.start(arguments).end()
        assert code == 0, printed
        return printed

    def wait_for_event(self, name: str, kind: str, process: Started, before: int = 0) -> None:
        """Wait until a run has more than `before` events of a kind, or its process has ended."""
        while process.running() and self.count(name, kind) <= before:
            time.sleep(0.005)

    def count(self, name: str, kind: str) -> int:
        """How many events of a kind a run has."""
        file = self.runs / name / "events.jsonl"
        return file.read_bytes().count(f'"kind": "{kind}"'.encode()) if file.exists() else 0

    def stopped(self, name: str, seed: int = 0, epochs: int = 3) -> None:
        """A run that was killed after some epochs."""
        process = self.start(self.train(name, seed))
        self.wait_for_event(name, "epoch", process, epochs - 1)
        self.wait_for_event(name, "step", process, self.count(name, "step"))
        process.send(signal.SIGKILL)
        assert process.end()[0] == -signal.SIGKILL

    def events(self, name: str) -> list[dict]:
        """A run's events; a torn last line is none."""
        file = self.runs / name / "events.jsonl"
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        return [json.loads(line) for line in lines]

    def lost(self, name: str, newest: int, starts: int) -> bool:
        """Whether what came after `starts` starts of a run lost more than it had to.

        Args:
            newest: the step of the newest checkpoint at that moment.
        """
        events = self.events(name)
        begun = [at for at, event in enumerate(events) if event["kind"] == "start"]
        if len(begun) > starts and newest > 0:
            # It has to go on at the newest checkpoint, unless it was killed before it said so.
            since = events[begun[-1] + 1 :]
            words = [event["message"] for event in since if event.get("state") == "resumed"]
            return f"step {newest} of" not in words[0] if words else bool(since)
        epochs = [event["epoch"] for event in events if event["kind"] == "epoch"]
        steps = events[begun[0]]["steps"] // EPOCHS if begun else 0
        return self.newest(name) < (max(epochs, default=1) - 1) * steps

    def newest(self, name: str) -> int:
        """The step of a run's newest checkpoint; 0 where there is none."""
        files = sorted((self.runs / name / "checkpoints").glob("step-*.ckpt"))
        return int(files[-1].stem[5:]) if files else 0

    def twin(self, seed: int = 0) -> Path:
        """A run with the same settings that was left alone."""
        if seed not in self._twins:
            self.finish(self.train(f"whole-{seed}", seed))
            self._twins[seed] = self.runs / f"whole-{seed}"
        return self._twins[seed]

    def check_going_on(self, tally: Any, case: str, name: str, newest: int | None = None) -> str:
        """Go on with a run: it ends as if nothing had been, and lost no more than it had to.

        Args:
            newest: the step of the checkpoint to go on from; None: the newest that lies there.

        Returns:
            What was printed.
        """
        newest = self.newest(name) if newest is None else newest
        starts = self.count(name, "start")
        printed = self.finish(self.go_on(name))
        tally.add(case, went_on=1, lost=self.lost(name, newest, starts))
        self.check_same(name)
        tally.add(case, identical=1)
        assert tally.counts["lost"] == 0
        return printed

    def check_same(self, name: str, seed: int = 0) -> None:
        """Compare a finished run with its twin, bit for bit; nothing may lie about."""
        self.check_equal(name, self.twin(seed))

    def check_equal(self, name: str, twin: Path, epochs: int = EPOCHS) -> None:
        """Compare a finished run of so many epochs with another one."""
        folder = self.runs / name
        ours, theirs = _weights(folder), _weights(twin)
        assert ours.keys() == theirs.keys()
        for path, array in ours.items():
            np.testing.assert_array_equal(array, theirs[path], err_msg=f"{name} {path}")
        assert _epochs(folder) == _epochs(twin)
        assert len(_epochs(folder)) == epochs
        scores = [json.loads((one / "report.json").read_text())["scores"] for one in (folder, twin)]
        assert scores[0] == scores[1]
        assert {path.name for path in folder.rglob("*")} >= {
            path.name for path in twin.rglob("*") if path.suffix != ".ckpt"
        }
        assert not list(folder.rglob("*.part*"))
        assert not (folder / "writer.json").exists()


def _weights(folder: Path) -> dict[str, np.ndarray]:
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
    assert len(found) >= 6
    return found


def _epochs(folder: Path) -> dict[int, list[float]]:
    """Loss and accuracy of each epoch, as they were logged last."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    return {
        event["epoch"]: [event[key] for key in FIGURES]
        for event in events
        if event["kind"] == "epoch"
    }
