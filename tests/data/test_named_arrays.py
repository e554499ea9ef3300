from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection, read_images
from firstlight.data.npy import ArrayFile

IMAGES = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5)
LABELS = np.array([3, 1, 3, 1])


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def test_images_and_labels(tmp_path: Path) -> None:
    found = read_collection(npz(tmp_path, images=IMAGES, labels=LABELS))
    np.testing.assert_array_equal(found.everything.images[..., 0], IMAGES)
    assert found.classes == ("1", "3")
    assert found.everything.targets.tolist() == [1, 0, 1, 0]
    assert found.everything.names[3] == "images[3]"
    assert found.name == "data"
    assert found.sizes == (((6, 5), 4),)
    assert found.notes == ()


def test_compressed_fortran_and_big_endian(tmp_path: Path) -> None:
    images = np.asfortranarray(IMAGES.astype(">u2"))
    np.savez_compressed(tmp_path / "a.npz", images=images, labels=LABELS)
    back = read_collection(tmp_path / "a.npz").everything.images
    assert back.dtype == np.uint16
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back[..., 0], IMAGES)


def test_values_groups_and_split(tmp_path: Path) -> None:
    values = np.arange(8).reshape(4, 2) / 7
    path = npz(
        tmp_path,
        images=IMAGES,
        targets=values,
        target_names=np.array(["x_HI", "T"]),
        target_units=np.array(["", "mK"]),
        groups=np.array([5, 5, 6, 7]),
        split=np.array(["train", "train", "val", "test"]),
    )
    found = read_collection(path)
    assert found.task == "measure"
    assert found.target_names == ("x_HI", "T")
    assert found.target_units == ("", "mK")
    np.testing.assert_array_equal(found.everything.targets, values.astype(np.float32))
    assert found.everything.groups is not None
    assert found.everything.groups.tolist() == ["5", "5", "6", "7"]
    assert found.parts.tolist() == ["train", "train", "validation", "test"]


def test_columns_by_name(tmp_path: Path) -> None:
    path = npz(tmp_path, images=IMAGES, labels=LABELS, zeta=np.ones(4), box=np.arange(4))
    settings = DataSettings(target=("zeta",), group_column="box")
    found = read_collection(path, settings)
    assert found.target_names == ("zeta",)
    assert found.everything.groups is not None
    assert found.everything.groups.tolist() == ["0", "1", "2", "3"]


def test_whole_numbers_are_measured_where_asked_for(tmp_path: Path) -> None:
    names = np.array(["zebra", "ant", "cow", "bee"])
    path = npz(tmp_path, images=IMAGES, labels=LABELS, classes=names)
    found = read_collection(path, DataSettings(task="measure"))
    assert (found.task, found.classes, found.target_names) == ("measure", (), ("labels",))
    assert found.everything.targets.dtype == np.float32
    assert found.everything.targets.tolist() == [[3], [1], [3], [1]]
    keras = npz(tmp_path, x_train=IMAGES, y_train=LABELS)
    assert read_collection(keras, DataSettings(task="measure")).task == "measure"
    values = npz(tmp_path, images=IMAGES, targets=LABELS / 2)
    with pytest.raises(DataError, match="numbers with a decimal point came"):
        read_collection(values, DataSettings(task="classify"))


def test_an_array_without_targets(tmp_path: Path) -> None:
    np.save(tmp_path / "pictures.npy", IMAGES)
    with pytest.raises(DataError, match=r"images only, but there is no labels\.npy .*predict RUN"):
        read_collection(tmp_path / "pictures.npy")


def test_class_names(tmp_path: Path) -> None:
    names = np.array(["zebra", "ant", "cow", "bee"])
    found = read_collection(npz(tmp_path, images=IMAGES, labels=LABELS, classes=names))
    assert [found.classes[k] for k in found.everything.targets] == ["bee", "ant", "bee", "ant"]
    with pytest.raises(DataError, match=r"Labels from 0 to 1 were expected.* 1 to 3 came"):
        read_collection(npz(tmp_path, images=IMAGES, labels=LABELS, classes=names[:2]))


def test_as_keras_keeps_them(tmp_path: Path) -> None:
    path = npz(
        tmp_path,
        x_train=IMAGES,
        y_train=LABELS[:, None],
        x_test=IMAGES[:2] + 100,
        y_test=LABELS[:2, None],
        x_val=IMAGES[:1] + 50,
        y_val=LABELS[:1, None],
    )
    found = read_collection(path)
    assert found.parts.tolist() == ["train"] * 4 + ["validation"] + ["test"] * 2
    assert found.everything.targets.tolist() == [1, 0, 1, 0, 1, 1, 0]
    np.testing.assert_array_equal(found.everything.images[5:, ..., 0], IMAGES[:2] + 100)
    assert found.everything.names[5] == "x_test[0]"


def test_npy_with_its_columns_beside(tmp_path: Path) -> None:
    np.save(tmp_path / "scans.npy", IMAGES)
    with pytest.raises(DataError, match=r"Targets were expected beside .*scans\.npy"):
        read_collection(tmp_path / "scans.npy")
    np.save(tmp_path / "labels.npy", LABELS)
    found = read_collection(tmp_path / "scans.npy")
    assert found.classes == ("1", "3")
    (tmp_path / "scans.npy").rename(tmp_path / "images.npy")
    assert read_collection(tmp_path).classes == ("1", "3")


def test_size_and_colour(tmp_path: Path) -> None:
    path = npz(tmp_path, images=IMAGES, labels=LABELS)
    found = read_collection(path, DataSettings(size=3, colour="colour"))
    assert found.everything.images.shape == (4, 3, 3, 3)
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("u1", "u1"), ("u2", "u2"), ("?", "u1"), ("i8", "f4"), ("f2", "f4"), ("f8", "f4")],
)
def test_number_types(dtype: str, stored: str, tmp_path: Path) -> None:
    images = (IMAGES % 2).astype(dtype)
    back = read_collection(npz(tmp_path, images=images, labels=LABELS)).everything.images
    assert back.dtype == stored
    np.testing.assert_array_equal(back[..., 0], IMAGES % 2)


def poisoned(value: float) -> np.ndarray:
    images = IMAGES.astype(float)
    images[2, 1, 4] = value
    return images


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"labels": LABELS}, "An array called images, or x_train .* but labels came"),
        ({"images": IMAGES}, "One array of targets"),
        ({"images": IMAGES, "labels": LABELS, "targets": LABELS}, "One array of targets"),
        ({"images": IMAGES, "labels": LABELS[:3]}, "4 images and 3 targets"),
        ({"images": IMAGES, "labels": LABELS, "groups": LABELS[:2]}, "4 images and 2 groups"),
        ({"images": IMAGES[0], "labels": LABELS}, r"has the shape 6 x 5: reshape"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, r"has the shape 0 x 6 x 5"),
        ({"images": np.zeros((4, 3, 9, 9)), "labels": LABELS}, "channels in front"),
        ({"images": poisoned(np.nan), "labels": LABELS}, r"holds nan at index \[2, 1, 4, 0\]"),
        ({"images": poisoned(-np.inf), "labels": LABELS}, r"holds -inf at index \[2, 1, 4, 0\]"),
        ({"images": poisoned(1e300), "labels": LABELS}, r"holds 1e\+300 at index"),
        ({"images": IMAGES, "targets": poisoned(np.nan)[:, 1, 4]}, "holds nan at index 2"),
        ({"images": IMAGES.astype(object), "labels": LABELS}, "holds Python objects"),
        ({"images": IMAGES, "labels": LABELS.astype(object)}, "holds Python objects"),
        ({"images": IMAGES.astype("U3"), "labels": LABELS}, "Pixels have to be numbers"),
        ({"images": IMAGES.astype("c8"), "labels": LABELS}, "but complex64 came"),
        ({"images": IMAGES, "labels": np.eye(4)}, "one-hot: store labels.argmax"),
        ({"images": IMAGES, "labels": np.zeros(4, int)}, "At least two classes"),
        ({"x_train": IMAGES, "y_test": LABELS}, "An array called y_train was expected"),
        ({"x_train": IMAGES, "y_train": LABELS[:1]}, "4 images in x_train"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:, 1:], "y_test": LABELS},
            "have to be of one shape and type",
        ),
    ],
)
def test_arrays_that_cannot_be_used(arrays: dict, says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says):
        read_collection(npz(tmp_path, **arrays))


def head(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


@pytest.mark.parametrize(
    ("shape", "content", "says"),
    [
        ((10**6, 10**6, 10**6), b"", "announces 1,000,000,000,000,000,000 bytes, but 0"),
        ((2, 3, 3), b"12", "announces 18 bytes, but 2 are there"),
        ((2, 3, 3), bytes(19), "announces 18 bytes, but 19 are there"),
    ],
)
def test_heads_that_lie(shape: tuple[int, ...], content: bytes, says: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", head(shape) + content)
        archive.writestr("labels.npy", head((2,)) + b"ab")
    with pytest.raises(DataError, match=says):
        read_collection(tmp_path / "a.npz")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstlight.data.memory.available_memory", lambda: 10_000_000)
    images = np.zeros((9000, 32, 32), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", images=images, labels=np.arange(9000) % 2)
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    with pytest.raises(DataError, match=r"would take 0\.0 GB of memory"):
        read_collection(tmp_path / "a.npz")


def test_packings_without_a_limit_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("images.npy", head((2, 3, 3)) + bytes(18))
        archive.writestr("labels.npy", head((2,)) + b"ab")
    with pytest.raises(DataError, match=r"packed in a way that numpy\.savez never uses"):
        read_collection(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no", b"\x93NUMPY"])
def test_no_archive(content: bytes, tmp_path: Path) -> None:
    for ending, says in ((".npz", "An .npz file was expected"), (".npy", "damaged")):
        path = tmp_path / f"images{ending}"
        path.write_bytes(content)
        (tmp_path / "labels.npy").write_bytes(content)
        with pytest.raises(DataError, match=says):
            read_collection(path)


def test_flipped_bits_are_found(tmp_path: Path) -> None:
    path = npz(tmp_path, images=IMAGES, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[content.index(IMAGES.tobytes()) + 50] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged .*CRC"):
        read_collection(path)


@pytest.mark.parametrize(
    ("arrays", "setting"),
    [
        ({"images": IMAGES, "labels": LABELS}, {"image_column": "labels"}),
        ({"x_train": IMAGES, "y_train": LABELS, "groups": LABELS}, {"group_column": "groups"}),
        ({"x_train": IMAGES, "y_train": LABELS, "zeta": LABELS}, {"target": ("zeta",)}),
        ({"x_train": IMAGES, "y_train": LABELS, "part": LABELS}, {"split_column": "part"}),
    ],
)
def test_options_without_a_use_are_refused(arrays: dict, setting: dict, tmp_path: Path) -> None:
    option = "--" + next(iter(setting)).replace("_", "-")
    with pytest.raises(SettingError, match=rf"{option} names a column .*leave {option} out, or"):
        read_collection(npz(tmp_path, **arrays), DataSettings(**setting))


@pytest.mark.parametrize(
    ("dtype", "told"), [("i4", True), ("i8", True), ("u4", True), ("u1", False), ("f8", False)]
)
@pytest.mark.parametrize("name", ["images", "x_train"])
def test_whole_numbers_that_become_float_are_told(
    name: str, dtype: str, told: bool, tmp_path: Path
) -> None:
    targets = {"images": "labels", "x_train": "y_train"}[name]
    notes = read_collection(npz(tmp_path, **{name: IMAGES.astype(dtype), targets: LABELS})).notes
    stored = np.dtype(dtype)
    assert [f"The pixels are stored as {stored} and were read as" in note for note in notes] == (
        [True] if told else []
    )


@pytest.mark.parametrize("form", [1, 2])
@pytest.mark.parametrize(
    "text",
    [
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3), ",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': \x27\x27\x27(2, 3, 3), }",
        b"{'descr': '|u1', 'fortran_order': False, 1: (2, 3, 3), }",
        b"{'descr': ((((((, 'fortran_order': False, 'shape': (2, 3, 3), }",
        b"(" * 5000,
        b"  \n dedent\n{",
    ],
)
def test_heads_that_are_no_python(text: bytes, form: int, tmp_path: Path) -> None:
    length = len(text).to_bytes(2 * form, "little")
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY" + bytes([form, 0]) + length + text + bytes(18))
    with pytest.raises(DataError, match="is damaged"):
        ArrayFile(tmp_path / "x.npy")()
    np.save(tmp_path / "good.npy", IMAGES)
    images, _, refused, _, _ = read_images([tmp_path / "x.npy", tmp_path / "good.npy"], (6, 5, 1))
    assert len(images) == 4
    assert len(refused) == 1
