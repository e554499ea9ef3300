import errno
import os
import stat

import numpy as np
import pytest

from firstlight.core.errors import WriteError
from firstlight.core.files import (
    replacing,
    sweep,
    sync_folder,
    write_arrays,
    write_json,
    write_text,
)


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_leftovers(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError("no space")

    with pytest.raises(WriteError, match=r"a\.txt cannot be written: no space\."):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_readable_as_the_umask_says(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "ours", "")
    plain, ours = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours"))
    assert ours == plain


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})


def test_arrays_come_back(tmp_path):
    write_arrays(tmp_path / "a.npz", train=np.arange(3), test=np.ones(2))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays["train"].tolist() == [0, 1, 2]
        assert arrays["test"].tolist() == [1, 1]


def test_sweep_removes_what_a_killed_process_left(tmp_path):
    (tmp_path / ".a.txt.x1.part").write_text("half")
    (tmp_path / "a.txt").write_text("whole")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_suffix_of_ones_own_is_kept_and_swept(tmp_path):
    path = tmp_path / "model.keras"
    with replacing(path, suffix=".part.keras") as temporary:
        assert temporary.name.startswith(".model.keras.")
        assert temporary.name.endswith(".part.keras")
        left = temporary.with_name(".model.keras.killed.part.keras")
        left.write_text("half")
        temporary.write_text("whole")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full. First make room."),
        (errno.EROFS, "the disk is read-only. First make it writable."),
        (errno.EFBIG, "no file may become that large here. First raise the limit (ulimit -f)."),
        (errno.EIO, "the disk does not work as it should. First have it checked."),
        (errno.ENETDOWN, "Network is down. First look what is wrong there."),
    ],
)
def test_an_error_names_file_obstacle_and_remedy(tmp_path, number, words):
    path = tmp_path / "a.txt"
    with pytest.raises(WriteError) as caught, replacing(path):
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"{path} cannot be written: {words}"


def test_a_disk_that_keeps_its_files_does_not_hide_the_reason(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("firstlight.core.files.os.fsync", refuse)
    monkeypatch.setattr("firstlight.core.files.Path.unlink", refuse)
    with pytest.raises(WriteError, match="read-only"):
        write_text(tmp_path / "a.txt", "new")


def test_a_folder_that_cannot_be_synced_is_left_alone_and_a_failing_one_is_not(
    tmp_path, monkeypatch
):
    def answer(number):
        def fsync(handle):
            raise OSError(number, "")

        monkeypatch.setattr("firstlight.core.files.os.fsync", fsync)

    answer(errno.EINVAL)
    sync_folder(tmp_path)
    answer(errno.EIO)
    with pytest.raises(OSError, match=f"{errno.EIO}"):
        sync_folder(tmp_path)
