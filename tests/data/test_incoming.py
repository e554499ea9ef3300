from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection, read_images


def test_files_folders_and_arrays_together(
    tmp_path: Path, save: Callable, idx_bytes: Callable
) -> None:
    one = save(tmp_path / "one.png", np.full((3, 3), 1, np.uint8))
    save(tmp_path / "folder" / "b" / "two.png", np.full((3, 3), 2, np.uint8))
    save(tmp_path / "folder" / "a.png", np.full((3, 3), 3, np.uint8))
    np.save(tmp_path / "x.npy", np.full((2, 3, 3), 4, np.uint8))
    np.savez(tmp_path / "y.npz", images=np.full((1, 3, 3), 5, np.uint8), labels=[1])
    idx = tmp_path / "z-images-idx3-ubyte.gz"
    idx.write_bytes(gzip.compress(idx_bytes(np.full((1, 3, 3), 6, np.uint8))))
    folder = tmp_path / "folder"
    sources = [one, str(folder), tmp_path / "x.npy", tmp_path / "y.npz", idx, one]
    images, names, refused, _, _ = read_images(sources, (3, 3, 1))
    assert images[:, 0, 0, 0].tolist() == [1, 3, 2, 4, 4, 5, 6, 1]
    assert names.tolist() == [
        str(one),
        f"{folder}/a.png",
        f"{folder}/b/two.png",
        "x.npy[0]",
        "x.npy[1]",
        "y.npz[0]",
        "z-images-idx3-ubyte.gz[0]",
        str(one),
    ]
    assert refused == ()


@pytest.mark.parametrize("resize", ["pad", "crop", "stretch"])
def test_the_rule_of_training(resize: str, tmp_path: Path, save: Callable) -> None:
    rng = np.random.default_rng(0)
    for k, size in enumerate([(10, 6), (6, 9), (30, 30, 3)]):
        save(tmp_path / "all" / f"class{k}" / "x.png", rng.integers(0, 256, size, np.uint8))
    trained = read_collection(tmp_path / "all", DataSettings(size=7, resize=resize))
    how = DataSettings(resize=resize)
    images, names, _, _, _ = read_images(tmp_path / "all", (7, 7, 3), how)
    np.testing.assert_array_equal(images, trained.everything.images)
    assert [Path(name).parent.name for name in names] == ["class0", "class1", "class2"]
    arrays = tmp_path / "a.npy"
    np.save(arrays, rng.integers(0, 256, (2, 9, 4, 3), np.uint8))
    assert read_images(arrays, (7, 7, 1), how)[0].shape == (2, 7, 7, 1)


def test_what_does_not_fit_the_network(tmp_path: Path, save: Callable) -> None:
    good = save(tmp_path / "good.png", np.zeros((3, 3), np.uint8))
    wide = save(tmp_path / "wide.png", np.zeros((3, 3), np.uint16))
    np.save(tmp_path / "float.npy", np.zeros((2, 3, 3)))
    np.save(tmp_path / "five.npy", np.zeros((2, 6, 6, 5), np.uint8))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    os.mkfifo(tmp_path / "pipe.png")
    sources = [
        wide,
        good,
        tmp_path / "float.npy",
        tmp_path / "five.npy",
        tmp_path / "other.npz",
        tmp_path / "pipe.png",
        tmp_path / "missing.png",
    ]
    images, names, refused, _, _ = read_images(sources, (3, 3, 1))
    assert images.shape == (1, 3, 3, 1)
    assert names.tolist() == [str(good)]
    reasons = {Path(item.file).name: item.reason for item in refused}
    assert "is uint16, but the network was trained on uint8" in reasons["wide.png"]
    assert reasons["float.npy"] == "is float32, but the network was trained on uint8"
    assert reasons["five.npy"] == "has 5 channels, but the network was trained on 1"
    assert reasons["other.npz"] == "holds no array called images, but x"
    assert "no file" in reasons["pipe.png"]
    assert "No such file" in reasons["missing.png"]
    assert len(refused) == 6
    same, _, _, _, _ = read_images(wide, (3, 3, 1), dtype=np.uint16)
    assert same.dtype == np.uint16


def test_images_that_keep_their_size(tmp_path: Path, save: Callable) -> None:
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 256, (3, 9, 7), np.uint8)
    np.save(tmp_path / "maps.npy", maps)
    for k, pixels in enumerate(maps):
        save(tmp_path / "folder" / f"{k}.png", pixels)
    odd = save(tmp_path / "folder" / "odd.png", np.zeros((4, 4), np.uint8))
    keep = DataSettings(resize="none")
    found = read_images(tmp_path / "maps.npy", (3, 3, 1), keep)
    np.testing.assert_array_equal(found.images[..., 0], maps)
    assert found.notes == ()
    found = read_images(tmp_path / "folder", (3, 3, 1), keep)
    np.testing.assert_array_equal(found.images[..., 0], maps)
    assert [(item.file, item.reason) for item in found.refused] == [
        (
            str(odd),
            "is 4 x 4 pixels, but most images here are 9 x 7, and --resize none changes no size: "
            "read it on its own",
        )
    ]
    with pytest.raises(DataError, match="but 4 x 4 and 9 x 7 pixels came: ask for each size"):
        read_images([odd, tmp_path / "maps.npy"], (3, 3, 1), keep)
    brought = read_images(tmp_path / "maps.npy", (3, 3, 1))
    assert brought.notes == (
        "Images came as 9 x 7 pixels; all were brought to 3 x 3 (as in training), scaled to fit "
        "with their proportions kept, and zeros put around.",
    )
    assert brought.notes[0] in read_images(maps_alone(tmp_path, odd), (3, 3, 1)).notes


def maps_alone(place: Path, odd: Path) -> Path:
    odd.unlink()
    return place / "folder"


def test_filled_gaps_are_counted(tmp_path: Path, save: Callable) -> None:
    maps = np.ones((3, 4, 4), np.float32)
    maps[1, 2, :2] = np.nan
    np.save(tmp_path / "maps.npy", maps)
    save(tmp_path / "one.tif", maps[1])
    fill = DataSettings(gaps="mean")
    for name in ("maps.npy", "one.tif"):
        found = read_images(tmp_path / name, (4, 4, 1), fill, np.float32)
        assert (found.images == 1).all()
        assert found.notes[0].startswith("2 pixels without a number in 1 image were filled with")


def test_training_images_that_keep_their_size(class_folder: Path, save: Callable) -> None:
    save(class_folder / "dog" / "large.png", np.zeros((9, 9), np.uint8))
    read = read_collection(class_folder, DataSettings(resize="none"))
    assert read.everything.images.shape == (20, 6, 5, 1)
    assert "is 9 x 9 pixels, but most images here are 6 x 5" in read.refused[0].reason
    on_disk = DataSettings(resize="none", memory="1MB", shards=str(class_folder.parent / "shards"))
    stored = read_collection(class_folder, on_disk)
    np.testing.assert_array_equal(stored.everything.images[:], read.everything.images)
    assert stored.refused == read.refused


def test_of_two_sizes_that_are_as_common_the_first_is_kept(tmp_path: Path, save: Callable) -> None:
    """The median of both would be a size that no image has."""
    for k, size in enumerate([(300, 260), (300, 260), (4, 4), (4, 4)]):
        save(tmp_path / "folder" / f"{k}.png", np.full(size, k, np.uint8))
    found = read_images(tmp_path / "folder", (3, 3, 1), DataSettings(resize="none"))
    assert found.images.shape == (2, 300, 260, 1)
    assert [item.reason[:40] for item in found.refused] == 2 * [
        "is 4 x 4 pixels, but most images here ar"
    ]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*digit\.png: check the name"):
        read_images(tmp_path / "digit.png", (3, 3, 1))


def test_nothing_left(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    with pytest.raises(DataError, match=r"none of its 1 files .* is no image"):
        read_images(tmp_path, (3, 3, 1))
