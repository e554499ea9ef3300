from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from firstlight.core.errors import DataError
from firstlight.data import read_collection
from firstlight.data.builtin import MNIST
from firstlight.data.idx import read_idx

ARRAYS = st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]).flatmap(
    lambda code: hnp.arrays(code, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(array=ARRAYS, packed=st.booleans())
def test_what_was_written_is_read(
    array: np.ndarray, packed: bool, tmp_path: Path, idx_bytes: Callable
) -> None:
    content = idx_bytes(array)
    path = tmp_path / "a-idx"
    path.write_bytes(gzip.compress(content) if packed else content)
    back = read_idx(path)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "does not begin like one"),
        (b"\x89PNG....", "does not begin like one"),
        (b"\0\0\x08\x46" + b"\0\0\0\1" * 70 + b"a", "does not begin like one"),
        (b"\0\0\x08\x03\0\0", "ends within its head"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "announces 5 bytes of numbers, but only 3 came"),
        (b"\0\0\x08\x01\0\0\0\x02abc", "announces 2 bytes of numbers, but more came"),
        (b"\0\0\x08\x03" + b"\xff\xff\xff\xff" * 3, "GB of memory"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcde", mtime=0)[:-9], "is damaged"),
    ],
)
def test_damaged_files_are_refused(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_idx(path)


def test_mnist_is_the_original_byte_for_byte() -> None:
    readme = (MNIST / "README.md").read_text()
    sums = dict(re.findall(r"\| (\S+-ubyte) \| ([0-9a-f]{64}) \|", readme))
    assert len(sums) == 4
    for name, expected in sums.items():
        content = gzip.decompress((MNIST / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == expected


def test_mnist_as_a_collection() -> None:
    digits = read_collection("mnist")
    assert digits.everything.images.shape == (70_000, 28, 28, 1)
    assert digits.everything.images.dtype == np.uint8
    assert digits.classes == tuple("0123456789")
    assert (digits.parts[:60_000] == "train").all()
    assert (digits.parts[60_000:] == "test").all()
    # The published counts of each digit in the training and test sets.
    train = np.bincount(digits.everything.targets[:60_000])
    assert train.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = np.bincount(digits.everything.targets[60_000:])
    assert test.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert digits.everything.names[60_001] == "t10k[1]"
    assert digits.notes == ()


def write_pair(
    folder: Path, stem: str, images: np.ndarray, labels: np.ndarray, make: Callable
) -> None:
    (folder / f"{stem}images-idx3-ubyte.gz").write_bytes(gzip.compress(make(images)))
    (folder / f"{stem}labels-idx1-ubyte").write_bytes(make(labels))


def test_a_folder_of_idx_files(tmp_path: Path, idx_bytes: Callable) -> None:
    images = np.arange(4 * 6, dtype=np.uint8).reshape(4, 2, 3)
    write_pair(tmp_path, "train-", images[:3], np.array([7, 2, 7], np.uint8), idx_bytes)
    write_pair(tmp_path, "t10k-", images[3:], np.array([2], np.uint8), idx_bytes)
    found = read_collection(tmp_path)
    np.testing.assert_array_equal(found.everything.images[..., 0], images)
    assert found.parts.tolist() == ["train", "train", "train", "test"]
    assert found.classes == ("2", "7")
    assert found.everything.targets.tolist() == [1, 0, 1, 0]


def test_one_idx_file_with_its_labels_beside(tmp_path: Path, idx_bytes: Callable) -> None:
    images = np.zeros((2, 2, 2), np.uint8)
    write_pair(tmp_path, "", images, np.array([0, 1], np.uint8), idx_bytes)
    found = read_collection(tmp_path / "images-idx3-ubyte.gz")
    assert found.parts.tolist() == ["", ""]
    (tmp_path / "labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="Labels were expected beside"):
        read_collection(tmp_path / "images-idx3-ubyte.gz")


def test_more_images_than_labels(tmp_path: Path, idx_bytes: Callable) -> None:
    images = np.zeros((3, 2, 2), np.uint8)
    write_pair(tmp_path, "train-", images, np.array([0, 1], np.uint8), idx_bytes)
    with pytest.raises(DataError, match="A label for each of 3 images"):
        read_collection(tmp_path)


@pytest.mark.parametrize(
    ("stems", "parts"),
    [
        (("emnist-letters-train-", "emnist-letters-test-"), ["train"] * 3 + ["test"]),
        (("Train_", "t10k."), ["train"] * 3 + ["test"]),
        (("digits.test-", "digits.val-"), ["validation"] + ["test"] * 3),
        (("a-", "a-test-"), [""] * 3 + ["test"]),
    ],
)
def test_parts_anywhere_in_the_name(
    stems: tuple[str, str], parts: list[str], tmp_path: Path, idx_bytes: Callable
) -> None:
    images = np.arange(4 * 6, dtype=np.uint8).reshape(4, 2, 3)
    write_pair(tmp_path, stems[0], images[:3], np.array([7, 2, 7], np.uint8), idx_bytes)
    write_pair(tmp_path, stems[1], images[3:], np.array([2], np.uint8), idx_bytes)
    assert read_collection(tmp_path).parts.tolist() == parts


def test_several_data_sets_in_one_folder(tmp_path: Path, idx_bytes: Callable) -> None:
    images, labels = np.zeros((2, 2, 2), np.uint8), np.array([0, 1], np.uint8)
    for stem in ("emnist-letters-train-", "emnist-letters-test-", "emnist-digits-train-", "t10k-"):
        write_pair(tmp_path, stem, images, labels, idx_bytes)
    named = r"3 \(one without a name, emnist-digits, emnist-letters\)"
    with pytest.raises(DataError, match=f"IDX files of one data set .*{named}: give each"):
        read_collection(tmp_path)


def test_integers_that_become_float_are_told(tmp_path: Path, idx_bytes: Callable) -> None:
    images, labels = np.zeros((2, 2, 2), "i4"), np.array([0, 1], np.uint8)
    write_pair(tmp_path, "", images, labels, idx_bytes)
    assert "stored as int32 and were read as float32" in read_collection(tmp_path).notes[0]
