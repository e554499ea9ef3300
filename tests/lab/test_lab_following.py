"""Run folders as they are found: odd, hostile, torn, left behind."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from firstlight.core.run_folder import RunFolder, create_run
from firstlight.shells.lab.following import Runs

INFORMATION: dict[str, Any] = {
    "created": "2026-01-01T00:00:00+0000",
    "command": "firstlight train x",
    "settings": {
        "model": "compact",
        "loss": "categorical_crossentropy",
        "metric": "accuracy",
        "batch_size": 4,
    },
    "data_settings": {"resize": "pad"},
    "data": {
        **dict.fromkeys(("source", "task", "image_shape", "dtype", "fingerprint"), "x"),
        "split_seed": 0,
        "images": {"train": 40},
        "notes": ["a note"],
    },
    "model": {"architecture": "x", "source": "", "parameters": 7},
    "machine": {"precision": "float32", "threads": 1},
}
START = {"number": 1, "kind": "start", "epochs": 2, "steps": 20}


def step(number: int, loss: float = 1.0) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "step",
        "step": number,
        "steps_total": 20,
        "epoch": (number - 1) // 10 + 1,
        "loss": loss,
        "accuracy": 0.5,
        "images_per_second": 10.0,
        "seconds_left": 3.0,
    }


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path, "one", "one", INFORMATION)


def write(folder: RunFolder, *events: Any, end: str = "\n") -> None:
    lines = [one if isinstance(one, str) else json.dumps({"number": 1, **one}) for one in events]
    with (folder.path / "events.jsonl").open("a") as file:
        file.write("\n".join(lines) + end)


def test_events_are_taken_in_as_they_are_written(tmp_path: Path, folder: RunFolder) -> None:
    runs = Runs(tmp_path)
    with folder.lock():
        write(folder, START, step(1))
        (change,) = runs.read()
        assert change.run is not None
        assert (change.run.state, change.run.notes) == ("training", ("a note",))
        write(folder, step(2), step(3), step(5))
        (change,) = runs.read()
        (point,) = change.points
        assert (point.first, point.last, point.loss) == (1, 5, 1.0)
        assert change.progress is not None
        assert (change.progress.step, change.progress.seconds_left) == (5, 3.0)
        # A line becomes an event with its end.
        write(folder, json.dumps(step(6))[:20], end="")
        assert runs.read() == []
        write(folder, json.dumps(step(6))[20:])
        assert runs.read()[0].points[0].last == 6


def epoch(number: int, loss: float, accuracy: float, held_out: float) -> dict[str, Any]:
    scores = {"loss": loss, "accuracy": accuracy, "validation_accuracy": held_out}
    return {
        "kind": "epoch",
        "epoch": number,
        "epochs": 2,
        "validation_loss": loss,
        "seconds": 1.0,
        **scores,
    }


def test_what_seems_wrong_is_told_with_the_epochs(tmp_path: Path) -> None:
    settings = {"epochs": 2, "learning_rate": 0.5, "schedule": "constant"}
    data = {
        "task": "classify",
        "classes": ["a", "b"],
        "images": {"train": 4000, "validation": 400},
    }
    information = INFORMATION | {
        "settings": INFORMATION["settings"] | settings,
        "data": INFORMATION["data"] | data,
        "constant_answer": 0.5,
    }
    folder = create_run(tmp_path, "one", "one", information)
    runs = Runs(tmp_path)
    with folder.lock():
        write(folder, START, step(1, loss=0.7))
        runs.read()
        write(folder, epoch(1, 9.0, 0.5, 0.5))
        (change,) = runs.read()
        # It comes with the epoch; the run itself has not changed.
        assert change.progress is not None
        assert change.run is not None
        (found,) = change.run.diagnosis
        assert (found.code, found.settings) == ("learning-rate-too-high", {"learning_rate": 0.01})
        write(folder, {"kind": "units", "layers": [{"layer": "c", "units": 4, "dead": 4}]})
        write(folder, {"kind": "units", "layers": [{"layer": "c", "units": 0, "dead": "many"}]})
        write(folder, {"kind": "end", "state": "finished", "seconds": 1.0})
    runs.read()
    codes = [one.code for one in runs.known["one"].run.diagnosis]
    assert codes == ["learning-rate-too-high", "dead-units"]


def test_a_training_that_left_the_numbers_is_diagnosed(tmp_path: Path) -> None:
    settings = {"epochs": 2, "learning_rate": 0.5, "schedule": "constant"}
    data = {"task": "measure", "classes": [], "images": {"train": 4000, "validation": 400}}
    information = INFORMATION | {
        "settings": INFORMATION["settings"] | settings,
        "data": INFORMATION["data"] | data,
    }
    folder = create_run(tmp_path, "one", "one", information)
    end = {"kind": "end", "state": "stopped", "message": "the loss became nan", "diverged": True}
    write(folder, START, step(1), end)
    runs = Runs(tmp_path)
    runs.read()
    (found,) = runs.known["one"].run.diagnosis
    assert found.code == "learning-rate-too-high"


def test_lines_that_firstlight_does_not_write_are_passed_over(
    tmp_path: Path, folder: RunFolder
) -> None:
    odd = [
        *["", "[]", "null", "{", "1e999", '"a"', '{"kind": "step"}', "[" * 100_000],
        {**step(2), "loss": "much"},
        {**step(2), "epoch": None},
        {**step(2), "step": []},
        {"kind": "start", "epochs": 0, "steps": "many"},
        {"kind": "end"},
        {"kind": "units", "layers": 3},
        {"kind": "state", "state": {}, "message": None},
        {"kind": ["epoch"]},
    ]
    write(folder, START, step(1), *odd, step(3))
    runs = Runs(tmp_path)
    runs.read()
    assert runs.known["one"].points[-1].last == 3


def test_what_nobody_writes_any_more_was_killed(tmp_path: Path, folder: RunFolder) -> None:
    write(folder, START, step(1))
    runs = Runs(tmp_path)
    with folder.lock():
        runs.read()
        assert runs.known["one"].run.state == "training"
    for _ in range(3):
        changes = runs.read()
    assert changes[0].run is not None
    assert changes[0].run.state == "killed"
    # A lab that comes later sees it at once.
    long_ago = time.time() - 60
    os.utime(folder.path / "run.json", (long_ago, long_ago))
    later = Runs(tmp_path)
    later.read()
    assert later.known["one"].run.state == "killed"


@pytest.mark.parametrize(
    ("events", "state", "sentence"),
    [
        ([{"kind": "end", "state": "finished"}], "finished", ""),
        (
            [
                {"kind": "state", "state": "stopped", "message": "stopped by a signal"},
                {"kind": "end", "state": "stopped", "message": "go on with --resume one"},
            ],
            "stopped",
            "Go on with --resume one.",
        ),
        (
            [{"kind": "end", "state": "stopped", "message": "the loss became nan"}],
            "failed",
            "The loss became nan.",
        ),
    ],
)
def test_how_runs_end(
    tmp_path: Path, folder: RunFolder, events: list[Any], state: str, sentence: str
) -> None:
    write(folder, START, step(1), *events)
    runs = Runs(tmp_path)
    runs.read()
    run = runs.known["one"].run
    assert (run.state, run.sentence) == (state, sentence)


def test_links_pipes_and_folders_of_others_are_no_runs(tmp_path: Path, folder: RunFolder) -> None:
    outside = tmp_path / "outside"
    runs_root = tmp_path / "runs"
    runs_root.mkdir()
    folder.path.rename(outside)
    (runs_root / "link").symlink_to(outside)
    (runs_root / "empty").mkdir()
    for name, document in {"odd": "{}", "list": "[]", "broken": "{"}.items():
        (runs_root / name).mkdir()
        (runs_root / name / "run.json").write_text(document)
    (runs_root / "pipe").mkdir()
    os.mkfifo(runs_root / "pipe" / "run.json")
    runs = Runs(runs_root)
    assert runs.read() == []
    # Parts of a run that are pipes are not waited for.
    piped = create_run(runs_root, "piped", "piped", INFORMATION)
    for part in ("events.jsonl", "lock", "report.json"):
        os.mkfifo(piped.path / part)
    assert [change.name for change in runs.read()] == ["piped"]
    assert runs.read() == []


def test_a_folder_that_goes_is_told(tmp_path: Path, folder: RunFolder) -> None:
    runs = Runs(tmp_path)
    runs.read()
    folder.path.rename(tmp_path / ".gone")
    (change,) = runs.read()
    assert (change.name, change.run) == ("one", None)


def test_who_writes_a_run(folder: RunFolder) -> None:
    assert folder.writer() is None
    with folder.lock():
        assert folder.is_written()
        assert folder.writer() == (os.getpid(), os.uname().nodename)
        # A number that would reach every process is none.
        (folder.path / "writer.json").write_text('{"process": -1, "machine": "here"}')
        assert folder.writer() is None
    (folder.path / "writer.json").write_text(json.dumps({"process": 2, "machine": "here"}))
    assert folder.writer() is None
