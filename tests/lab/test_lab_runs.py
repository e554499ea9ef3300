"""Runs in the lab: real processes, followed while they train, whoever started them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from lab_client import LabProcess, Tab

import firstlight as fl

TRAIN = [sys.executable, "-P", "-m", "firstlight", "train"]
HEAVY = {"torch", "keras", "matplotlib", "pandas", "sklearn", "PIL", "numpy"}
LONG = ["halves.npz", "--epochs", "100000", "--batch-size", "8"]


def choose(tab: Tab, name: str = "halves.npz") -> None:
    source = {"place": "path", "name": name}
    change = {"kind": "source", "source": source}
    assert tab.ask("edit", revision=tab.revision, change=change)["kind"] == "done"
    tab.until(lambda news: news["kind"] == "data" and news["data"]["state"] == "ready")
    tab.snapshot["document"]["revision"] += 1


def set_training(tab: Tab, **values: object) -> None:
    change = {"kind": "settings", "values": values}
    assert tab.ask("edit", revision=tab.revision, change=change)["kind"] == "done"
    tab.snapshot["document"]["revision"] += 1


def state_of(name: str, *states: str) -> Callable[[dict], bool]:
    def wanted(news: dict) -> bool:
        run = news.get("run")
        return news["kind"] == "run" and run["name"] == name and run["state"] in states

    return wanted


def points_of(name: str) -> Callable[[dict], bool]:
    return lambda news: news["kind"] == "points" and news["run"] == name


@pytest.fixture
def place(tmp_path: Path, halves: Callable[[Path], None]) -> Path:
    halves(tmp_path / "halves.npz")
    return tmp_path


@pytest.mark.slow
def test_a_run_is_started_followed_stopped_and_resumed(place: Path, start_lab: Callable) -> None:
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            choose(tab)
            set_training(tab, epochs=100_000, batch_size=8)
            started = tab.ask("start", revision=tab.revision, name="first")
            assert started["run"] == "first"
            live = tab.until(points_of("first"))
            assert live["progress"]["epochs"] == 100_000
            assert tab.ask("resume", run="first")["kind"] == "refused"

            assert tab.ask("stop", run="first")["kind"] == "done"
            stopped = tab.until(state_of("first", "stopped", "killed", "failed"))["run"]
            assert stopped["state"] == "stopped"
            step = live["progress"]["step"]

            assert tab.ask("resume", run="first")["kind"] == "done"
            again = tab.until(points_of("first"))
            assert again["progress"]["step"] > step
            # Everything that the stream brought is what the events say: without gaps.
            curve = tab.ask("curve", run="first")["points"]
            assert curve[0][0] == 0
            assert all(one[1] == other[0] for one, other in pairwise(curve))

            writer = json.loads((lab.runs / "first/writer.json").read_text())
            os.kill(writer["process"], signal.SIGKILL)
            killed = tab.until(state_of("first", "stopped", "killed", "failed"))["run"]
            assert killed["state"] == "killed"
            assert "signal 9" in killed["sentence"]
    # A lab that is started later finds the run as it stands.
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            (run,) = tab.snapshot["runs"]
            assert (run["name"], run["state"]) == ("first", "killed")
            assert "Resume" in run["sentence"]
            assert tab.snapshot["document"]["settings"] == {"epochs": 100_000, "batch_size": 8}
            assert tab.snapshot["document"]["source"]["name"] == "halves.npz"


@pytest.mark.slow
def test_a_run_of_the_command_line_is_seen_stopped_and_finished(
    place: Path, start_lab: Callable
) -> None:
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            process = subprocess.Popen([*TRAIN, *LONG, "--name", "outside", "--quiet"], cwd=place)
            tab.until(points_of("outside"))
            assert tab.ask("stop", run="outside")["kind"] == "done"
            assert process.wait(60) == 128 + signal.SIGTERM
            assert tab.until(state_of("outside", "stopped"))["run"]["state"] == "stopped"
            subprocess.run(
                [*TRAIN, "halves.npz", "--epochs", "3", "--name", "whole", "--quiet"],
                cwd=place, check=True,
            )  # fmt: skip
            whole = tab.until(state_of("whole", "finished"))["run"]
            accuracy = next(one for one in whole["test"] if one["name"] == "accuracy")
            assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
            assert len(tab.ask("curve", run="whole")["epochs"]) == 3


@pytest.mark.slow
def test_a_closed_lab_leaves_its_runs_alone(place: Path, start_lab: Callable) -> None:
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            choose(tab)
            set_training(tab, epochs=100_000, batch_size=8)
            tab.ask("start", revision=tab.revision, name="first")
            tab.until(points_of("first"))
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            assert tab.snapshot["runs"][0]["state"] == "training"
            tab.until(points_of("first"))
            tab.ask("stop", run="first")
            tab.until(state_of("first", "stopped"))


@pytest.mark.slow
def test_a_run_that_cannot_begin_says_why(place: Path, start_lab: Callable) -> None:
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            choose(tab)
            set_training(tab, augment="spin:3")
            tab.ask("start", revision=tab.revision, name="first")
            failed = tab.until(state_of("first", "failed"))["run"]
            assert "spin" in failed["sentence"]
            assert not (lab.runs / "first").exists()


@pytest.mark.slow
def test_a_page_that_comes_back_misses_nothing(place: Path, start_lab: Callable) -> None:
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as first, lab.tab() as second:
            set_training(first, epochs=2)
            # The last that an edit of the settings is answered with.
            number = second.until(lambda news: news["kind"] == "network")["number"]
            stream = first.snapshot["stream"]
        with lab.tab() as other:
            set_training(other, epochs=3, batch_size=16)
        with lab.tab(stream=stream, after=number) as back:
            missed = back.hear()
            assert (missed["kind"], missed["number"]) == ("document", number + 1)
            assert missed["document"]["settings"] == {"epochs": 3, "batch_size": 16}
        with lab.tab(stream="another", after=number) as strange:
            assert strange.hear()["kind"] == "snapshot"
        with lab.tab() as one, lab.tab() as two:
            set_training(one, epochs=5)
            change = {"kind": "settings", "values": {"epochs": 7}}
            refused = two.ask("edit", revision=two.revision, change=change)
            assert "another tab" in refused["sentence"]


@pytest.mark.slow
def test_an_upload_becomes_a_data_set(place: Path, start_lab: Callable) -> None:
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            name = lab.upload(tab, {"halves.npz": (place / "halves.npz").read_bytes()}, keep=True)
            assert tab.ask("upload", name="mine")["upload"] == f"{name}-2"
            change = {"kind": "source", "source": {"place": "upload", "name": name}}
            assert tab.ask("edit", revision=0, change=change)["kind"] == "done"
            ready = tab.until(
                lambda news: news["kind"] == "data" and news["data"]["state"] == "ready"
            )
            found = ready["data"]["exploration"]
            assert sum(part["count"] for part in found["parts"]) == 60
            ones = tab.ask("samples", part="train", label=1, start=0, count=5)
            assert [tile["label"] for tile in ones["tiles"]] == ["1"] * 5
            assert ones["total"] == found["parts"][0]["class_counts"][1]


def test_the_lab_starts_without_the_heavy_packages(place: Path, start_lab: Callable) -> None:
    with start_lab(place) as lab:
        maps = Path(f"/proc/{lab.process.pid}/maps").read_text()
        for package in HEAVY:
            assert f"/{package}/" not in maps
    code = (
        "import sys, firstlight.shells.lab.server; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(loaded.stdout.split())


@pytest.mark.slow
def test_following_runs_takes_no_heavy_package(place: Path, start_lab: Callable) -> None:
    fl.train(place / "halves.npz", runs=place / "runs", name="done", epochs=2, threads=1)
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            [run] = tab.snapshot["runs"]
            assert (run["state"], run["diagnosis"] != []) == ("finished", True)
        maps = Path(f"/proc/{lab.process.pid}/maps").read_text()
        assert not [package for package in HEAVY if f"/{package}/" in maps]


def test_a_page_that_does_not_read_is_told_to_begin_anew() -> None:
    from firstlight.shells.lab.messages.runs import RunGone
    from firstlight.shells.lab.stream import WAITING, Stream, Tab

    stream, slow, quick = Stream(), Tab(), Tab()
    stream.tabs |= {slow, quick}
    for tab in (slow, quick):
        tab.listening = True
    for _ in range(WAITING + 1):
        stream.publish(RunGone, run="a")
        quick.waiting.get_nowait()
    assert slow.waiting.qsize() == 1
    assert slow.waiting.get_nowait() == b'{"kind":"resync"}'
    stream.publish(RunGone, run="b")
    assert slow.waiting.empty()
    assert quick.waiting.qsize() == 1


def test_stop_of_a_run_that_nobody_trains(lab: LabProcess) -> None:
    with lab.tab() as tab:
        assert "no run called" in tab.ask("stop", run="absent")["sentence"]


def test_a_port_that_is_taken_is_said(lab: LabProcess) -> None:
    command = [sys.executable, "-m", "firstlight", "lab", "--no-browser", "--port", str(lab.port)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f"port {lab.port} is taken" in ended.stderr


def test_a_run_that_is_stopped_before_it_has_begun(place: Path, start_lab: Callable) -> None:
    with start_lab(place) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            source = {"place": "path", "name": "halves.npz"}
            assert tab.ask("edit", revision=0, change={"kind": "source", "source": source})
            started = tab.ask("start", revision=1, name="")
            assert tab.ask("stop", run=started["run"])["kind"] == "done"
            stopped = tab.until(state_of(started["run"], "stopped", "failed"))["run"]
            assert (stopped["state"], stopped["sentence"]) == ("stopped", "")
