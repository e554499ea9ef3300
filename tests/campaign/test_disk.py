"""Disks that are full, read-only or failing: the message says what to do, and the run goes on.

Most are played by the process itself (`faults.py`); a small file system that is really full and a
limit of the system on the size of files are among them where the system lets us have them.
"""

import contextlib
import errno
import resource
import shutil
import subprocess
import time

import pytest
from faults import Fault

pytestmark = pytest.mark.slow
WORDS = {
    errno.ENOSPC: "the disk is full. First make room.",
    errno.EROFS: "the disk is read-only. First make it writable.",
    errno.EIO: "the disk does not work as it should. First have it checked.",
    errno.EFBIG: "no file may become that large here. First raise the limit (ulimit -f).",
}
# Every file of a run, each with each error at least where it matters most: in the checkpoints.
CASES = [
    ("step-", "write", errno.ENOSPC),
    ("events.jsonl", "write", errno.EIO),
    ("model.keras", "write", errno.ENOSPC),
    ("step-", "fsync", errno.EIO),
    ("step-", "open", errno.EROFS),
    ("events.jsonl", "write", errno.ENOSPC),
    ("report.json", "write", errno.ENOSPC),
    ("predictions.npz", "fsync", errno.EIO),
    ("split.npz", "write", errno.ENOSPC),
    ("curves.png", "write", errno.ENOSPC),
    ("report.html", "replace", errno.EROFS),
    ("model.keras", "open", errno.EROFS),
    ("step-", "replace", errno.EROFS),
    ("/checkpoints", "fsync", errno.ENOSPC),
    ("writer.json", "write", errno.ENOSPC),
]
NAMES = {errno.ENOSPC: "full", errno.EROFS: "read-only", errno.EIO: "input/output error"}


def check_and_go_on(place, tally, case, name, printed, code):
    """The message is one line that says how to go on; going on ends as if nothing had been."""
    line = printed.strip().splitlines()[-1]
    assert code == 2, printed
    assert line.startswith("firstlight: "), printed
    assert line.endswith(f"Then go on with --resume {name}."), printed
    place.check_going_on(tally, case, name)
    return line


@pytest.mark.tries(few=3, all=len(CASES))
def test_a_write_that_fails_is_named_and_the_run_goes_on(place, tally, attempt):
    file, call, number = CASES[attempt]
    case, name = f"disk: {NAMES[number]}", f"disk-{attempt}"
    often = file in ("step-", "events.jsonl")
    fault = Fault(file, call, 4 if often else 1, error=number)
    tally.add(case, tries=1)
    code, printed = place.start(place.train(name), fault).end()
    line = check_and_go_on(place, tally, case, name, printed, code)
    assert f"{file.strip('/')}" in line
    assert f"cannot be written: {WORDS[number]}" in line


def test_a_run_that_cannot_be_made_leaves_nothing(place, tally):
    case = "disk: full before the run exists"
    tally.add(case, tries=1)
    fault = Fault("run.json", "write", error=errno.ENOSPC)
    code, printed = place.start(place.train("unmade"), fault).end()
    assert code == 2
    assert f"run.json cannot be written: {WORDS[errno.ENOSPC]}" in printed
    assert not list(place.runs.glob("*unmade*"))
    place.finish(place.train("unmade"))
    place.check_same("unmade")
    tally.add(case, went_on=1, identical=1)


@pytest.fixture
def small_disk(place):
    """A file system of 24 MiB below the runs; only root may mount one."""
    disk = place.folder / "small"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "firstlight-campaign", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        disk.rmdir()
        pytest.skip("mounting a file system is root's privilege")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
    disk.rmdir()


def fill(file):
    """Write until there is no room left."""
    with file.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))
    assert file.stat().st_size > 2**20


@pytest.mark.tries(few=1, all=2)
def test_a_disk_that_is_really_full(place, tally, small_disk, attempt):
    case, name = "disk: a file system that is full", f"small-{attempt}"
    tally.add(case, tries=1)
    process = place.start([*place.train(name), f"--runs={small_disk}"])
    events = small_disk / name / "events.jsonl"
    while process.running() and not (events.exists() and b'"epoch"' in events.read_bytes()):
        time.sleep(0.005)
    fill(small_disk / "filler")
    code, printed = process.end()
    (small_disk / "filler").unlink()
    shutil.copytree(small_disk / name, place.runs / name)
    line = check_and_go_on(place, tally, case, name, printed, code)
    assert WORDS[errno.ENOSPC] in line


@pytest.mark.tries(few=1, all=2)
def test_a_limit_on_the_size_of_files(place, tally, attempt):
    case, name = "disk: a limit on the size of files", f"limited-{attempt}"
    tally.add(case, tries=1)
    largest = (3000, 20_000)[attempt]
    code, printed = place.start(place.train(name), limits={resource.RLIMIT_FSIZE: largest}).end()
    line = check_and_go_on(place, tally, case, name, printed, code)
    assert WORDS[errno.EFBIG] in line


def test_a_disk_that_is_read_only_when_the_run_shall_go_on(place, tally):
    case, name = "disk: read-only when going on", "refused"
    place.stopped(name)
    tally.add(case, tries=1)
    fault = Fault(f"runs/{name}", "open", error=errno.EROFS)
    code, printed = place.start(place.go_on(name), fault).end()
    assert code == 2
    assert f"cannot be written: {WORDS[errno.EROFS]}" in printed
    place.check_going_on(tally, case, name)
