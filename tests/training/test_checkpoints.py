import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import torch

from firstlight.core.errors import RunError, TrainingError, WriteError
from firstlight.training.checkpoints import (
    MAGIC,
    check_disk,
    checkpoints,
    load_newest,
    save_checkpoint,
)


def state(step):
    return {"network": {"weight": torch.full((50,), float(step))}, "step": step}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    for step in (10, 20):
        save_checkpoint(folder, step, state(step))
    return folder


def test_the_last_two_are_kept(folder):
    save_checkpoint(folder, 30, state(30))
    assert [path.name for path in checkpoints(folder)] == [
        "step-000000020.ckpt",
        "step-000000030.ckpt",
    ]


def test_what_was_saved_comes_back(folder):
    found, damaged = load_newest(folder)
    assert found["step"] == 20
    assert torch.equal(found["network"]["weight"], torch.full((50,), 20.0))
    assert damaged == []


def test_a_run_killed_before_its_first_checkpoint_begins_anew(folder):
    for path in checkpoints(folder):
        path.unlink()
    assert load_newest(folder) == ({}, [])


def truncated(data):
    return data[: len(data) // 2]


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def zeroed(data):
    return bytes(len(data))


def emptied(data):
    return b""


@pytest.mark.parametrize("damage", [truncated, flipped, zeroed, emptied])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(folder, damage):
    newest = checkpoints(folder)[-1]
    newest.write_bytes(damage(newest.read_bytes()))
    found, damaged = load_newest(folder)
    assert found["step"] == 10
    assert len(damaged) == 1
    assert "step-000000020.ckpt is damaged" in damaged[0]
    assert load_newest(folder)[1] == []


def test_no_whole_checkpoint_is_an_error(folder):
    for path in checkpoints(folder):
        path.write_bytes(b"")
    with pytest.raises(RunError, match=r"run has no checkpoint to go on from \(checkpoint step-"):
        load_newest(folder)


def test_a_pickle_is_never_run(folder):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("the checkpoint's code was run",)

    save_checkpoint(folder, 30, {"trap": Trap()})
    found, refused = load_newest(folder)
    assert found["step"] == 20
    assert "step-000000030.ckpt is refused (it holds something other than numbers)" in refused[0]


def test_leftovers_of_a_killed_save_are_removed(folder):
    leftover = folder / ".step-000000030.ckpt.abc.part"
    leftover.write_bytes(b"half")
    assert load_newest(folder)[0]["step"] == 20
    assert not leftover.exists()


def test_a_full_disk_is_named_and_the_old_ones_stay(folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("firstlight.core.files.os.fsync", full)
    with pytest.raises(WriteError, match=r"step-000000030\.ckpt cannot .*: the disk is full"):
        save_checkpoint(folder, 30, state(30))
    monkeypatch.undo()
    assert load_newest(folder)[0]["step"] == 20
    assert len(list(folder.iterdir())) == 2


def test_a_checkpoint_that_cannot_be_read_counts_as_damaged(folder, monkeypatch):
    opened = Path.open

    def bad_sector(path, *arguments):
        if path.name == "step-000000020.ckpt":
            raise OSError(5, "Input/output error")
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", bad_sector)
    found, damaged = load_newest(folder)
    assert found["step"] == 10
    assert "step-000000020.ckpt cannot be read (Input/output error)" in damaged[0]


def test_a_format_of_another_version_is_not_taken_for_a_checkpoint(folder):
    newest = checkpoints(folder)[-1]
    newest.write_bytes(newest.read_bytes().replace(MAGIC, b"firstlight checkpoint 9\n"))
    found, damaged = load_newest(folder)
    assert found["step"] == 10
    assert "it does not end as a checkpoint does" in damaged[0]


MEASURE = """
import sys
from pathlib import Path
import torch
from firstlight.training.checkpoints import load_newest, save_checkpoint

def memory(name):
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields[name].split()[0]) / 1024

def rise(work):
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (proc(5))
    before = memory("VmRSS")
    kept = work()
    return memory("VmHWM") - before

folder = Path(sys.argv[1])
state = {"weights": [torch.ones(2**18 * 16) for _ in range(int(sys.argv[2]) // 16)]}
save_checkpoint(folder, 1, {"weights": [torch.ones(1)]})
load_newest(folder)
print(rise(lambda: save_checkpoint(folder, 2, state)), rise(lambda: load_newest(folder)))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_saving_takes_no_copy_in_memory_and_loading_one(tmp_path):
    """64 MiB of weights; the rise of the memory in use is the system's own count."""
    command = [sys.executable, "-c", MEASURE, str(tmp_path), "64"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    saving, loading = map(float, answer.split())
    assert saving < 8
    assert 56 < loading < 80


def test_too_little_disk_is_seen_before_the_first_step(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 50 * 2**20))
    check_disk(tmp_path, 8 * 2**20)
    with pytest.raises(TrainingError, match=r"needs 56 MiB of disk .* but 50 MiB are free"):
        check_disk(tmp_path, 10 * 2**20)
