import shutil
from collections import namedtuple

import pytest
import torch

from firstlight.core.errors import RunError, TrainingError
from firstlight.training.checkpoints import (
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
    with pytest.raises(TrainingError, match=r"the disk is full.*--resume run"):
        save_checkpoint(folder, 30, state(30))
    monkeypatch.undo()
    assert load_newest(folder)[0]["step"] == 20
    assert len(list(folder.iterdir())) == 2


def test_too_little_disk_is_seen_before_the_first_step(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(0, 0, 50 * 2**20))
    check_disk(tmp_path, 8 * 2**20)
    with pytest.raises(TrainingError, match=r"needs 56 MiB of disk .* but 50 MiB are free"):
        check_disk(tmp_path, 10 * 2**20)
