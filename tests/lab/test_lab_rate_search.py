"""The search for a learning rate in the lab: the command's own, in a process that can be ended."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from lab_client import LabProcess, Tab

pytestmark = pytest.mark.slow
SETTINGS = {"model": "intermediate", "batch_size": 16, "seed": 3}


@pytest.fixture
def tab(tmp_path: Path, halves: Callable[..., None], start_lab: Callable):
    halves(tmp_path / "halves.npz", 400)
    with start_lab(tmp_path) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            yield tab, lab


def change(tab: Tab, **edited: object) -> None:
    assert tab.ask("edit", revision=tab.revision, change=edited)["kind"] == "done"
    tab.snapshot["document"]["revision"] += 1


def search_until(tab: Tab, *states: str) -> list[dict]:
    """Everything that is told of the search until it is in one of these states."""
    told: list[dict] = []

    def wanted(news: dict) -> bool:
        if news["kind"] == "rate":
            told.append(news["search"])
        return news["kind"] == "rate" and news["search"]["state"] in states

    tab.until(wanted, 120)
    return told


def workers(lab: LabProcess) -> set[int]:
    """The processes that search for this lab."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == lab.process.pid and b"rate" in words:
            found.add(int(entry.name))
    return found


def test_it_finds_what_the_command_finds(tab: tuple[Tab, LabProcess]) -> None:
    page, lab = tab
    assert page.snapshot["rate"]["state"] == "none"
    change(page, kind="source", source={"place": "path", "name": "halves.npz"})
    change(page, kind="settings", values=SETTINGS)
    assert page.ask("find-rate", revision=page.revision)["kind"] == "done"
    told = search_until(page, "finished", "failed")
    assert told[0]["state"] == "running"
    assert "halves.npz, intermediate, batches of 16, adam" in told[0]["about"]
    between = [one["rates"] for one in told[1:-1]]
    assert between
    assert all(one == other[: len(one)] for one, other in pairwise(between))
    found = told[-1]["found"]
    command = [sys.executable, "-m", "firstlight", "lr", "halves.npz", "--json"]
    for name, value in SETTINGS.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(
        command, cwd=lab.folder, capture_output=True, text=True, check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    theirs = json.loads(done.stdout)
    assert (found["suggestion"], found["rates"]) == (theirs["suggestion"], theirs["rates"])
    assert found["losses"] == pytest.approx(theirs["losses"], rel=1e-4)
    # Nothing is left: no process, no run; and a page that comes later sees the result.
    assert workers(lab) == set()
    assert [one.name for one in lab.runs.iterdir()] == [".lab"]
    with lab.tab() as other:
        assert other.snapshot["rate"]["found"]["suggestion"] == found["suggestion"]


def test_it_is_given_up_and_begun_again(tab: tuple[Tab, LabProcess]) -> None:
    page, lab = tab
    assert "no data" in page.ask("find-rate", revision=page.revision)["sentence"]
    change(page, kind="source", source={"place": "path", "name": "halves.npz"})
    assert page.ask("find-rate", revision=page.revision)["kind"] == "done"
    search_until(page, "running")
    deadline = time.monotonic() + 30
    while len(workers(lab)) != 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    (first,) = workers(lab)
    # A second one takes the place of the first.
    assert page.ask("find-rate", revision=page.revision)["kind"] == "done"
    assert first not in workers(lab)
    assert page.ask("give-up-rate")["kind"] == "done"
    assert search_until(page, "none")[-1] == page.snapshot["rate"]
    assert workers(lab) == set()
    assert page.ask("give-up-rate")["kind"] == "done"


def test_what_cannot_be_searched_for_is_said(tab: tuple[Tab, LabProcess]) -> None:
    page, _ = tab
    change(page, kind="source", source={"place": "path", "name": "halves.npz"})
    change(page, kind="settings", values={"augment": "spin:3"})
    assert page.ask("find-rate", revision=page.revision - 1)["kind"] == "refused"
    page.ask("find-rate", revision=page.revision)
    (*_, failed) = search_until(page, "failed", "finished")
    assert "spin" in failed["sentence"]
