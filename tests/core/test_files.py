import stat

import numpy as np
import pytest

from firstlight.core.files import replacing, sweep, write_arrays, write_json, write_text


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

    with pytest.raises(OSError, match="no space"):
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
