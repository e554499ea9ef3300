"""Images kept on disk are those that would be in memory, whatever happens to the disk."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shard_checks import NUMBERS, assert_same, shards_of

from firstlight.core.dataset import Dataset
from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.core.stored import StoredImages, blocks_of
from firstlight.data import explore_dataset, load_dataset, memory

ON_ITS_SIDE = 6  # EXIF's orientation


@pytest.mark.usefixtures("alone")
def test_a_folder_is_the_same_on_disk_and_split_the_same(
    class_folder: Path, on_disk: Callable[..., Dataset], save: Callable[..., Path]
) -> None:
    (class_folder / "cat" / "bad.png").write_bytes(b"no picture")
    whole = (class_folder / "dog" / "0.png").read_bytes()
    (class_folder / "dog" / "torn.png").write_bytes(whole[:-25])
    # That this one is cut off shows only when it is decoded.
    short = save(class_folder / "cat" / "0.jpg", np.arange(30, dtype=np.uint8).reshape(6, 5))
    short.write_bytes(short.read_bytes()[:-12])
    save(class_folder / "dog" / "wide.png", np.zeros((6, 9), np.uint8))
    save(class_folder / "dog" / "deep.png", np.zeros((6, 5), np.uint16))
    outside = save(class_folder.parent / "outside.png", np.zeros((6, 5), np.uint8))
    (class_folder / "dog" / "link.png").symlink_to(outside)
    ours = on_disk(class_folder, resize="stretch")
    assert_same(ours, load_dataset(class_folder, DataSettings(resize="stretch"), 3))
    assert [item.file for item in ours.refused] == [
        "cat/0.jpg", "cat/bad.png", "dog/deep.png", "dog/link.png", "dog/torn.png",
    ]  # fmt: skip


@pytest.mark.usefixtures("alone")
def test_pictures_that_lie_on_their_side(
    class_folder: Path, on_disk: Callable[..., Dataset], save: Callable[..., Path]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = ON_ITS_SIDE
    for path in class_folder.glob("*/*.png"):
        save(path, np.asarray(Image.open(path)), exif=exif)
    ours = on_disk(class_folder)
    assert ours.image_shape == (5, 6, 1)
    assert_same(ours, load_dataset(class_folder, DataSettings(), 3))


@pytest.mark.usefixtures("alone")
def test_a_table_with_groups(tmp_path: Path, on_disk: Callable, save: Callable) -> None:
    rng = np.random.default_rng(0)
    rows = ["image,height [m],patient"]
    for k in range(24):
        save(tmp_path / f"{k}.png", rng.integers(0, 256, (6, 5), np.uint8))
        rows.append(f"{k}.png,{k / 7},p{k % 6}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    ours = on_disk(tmp_path / "table.csv")
    assert_same(ours, load_dataset(tmp_path / "table.csv", DataSettings(), 3))
    assert ours.train.groups is not None


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("dtype", ["u1", ">u2", "<i2", ">f4", "?"])
@pytest.mark.parametrize("form", ["npy", "npz", "packed npz"])
def test_arrays_are_the_same_on_disk(
    form: str, dtype: str, tmp_path: Path, on_disk: Callable[..., Dataset]
) -> None:
    arrays = {"images": NUMBERS.astype(dtype), "labels": np.arange(40) % 2}
    source = tmp_path / "set" / f"images.{form[-3:]}"
    source.parent.mkdir()
    if form == "npy":
        for name, array in arrays.items():
            np.save(source.with_name(f"{name}.npy"), array)
    else:
        {"npz": np.savez, "packed npz": np.savez_compressed}[form](source, **arrays)  # type: ignore[operator]
    assert_same(on_disk(source), load_dataset(source, DataSettings(), 3))
    assert not list((tmp_path / "shards").glob("*/unpacked*"))


@pytest.mark.usefixtures("alone")
def test_arrays_of_several_parts_in_another_size(tmp_path: Path, on_disk: Callable) -> None:
    images, labels = NUMBERS.astype(np.uint8), np.arange(40) % 2
    source = tmp_path / "keras.npz"
    np.savez(
        source, x_train=images[:30], y_train=labels[:30], x_test=images[30:], y_test=labels[30:]
    )
    settings = {"size": 9, "colour": "colour", "resize": "crop"}
    assert_same(on_disk(source, **settings), load_dataset(source, DataSettings(**settings), 3))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_are_the_same_on_disk(
    packed: bool, tmp_path: Path, on_disk: Callable, idx_bytes: Callable
) -> None:
    folder = tmp_path / "idx"
    folder.mkdir()
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", NUMBERS[..., 0]), ("labels-idx1", np.arange(40) % 3)):
            content = idx_bytes(array.astype(np.uint8))
            path = folder / f"{part}-{name}-ubyte{'.gz' * packed}"
            path.write_bytes(gzip.compress(content) if packed else content)
    assert_same(on_disk(folder), load_dataset(folder, DataSettings(), 3))


@pytest.mark.usefixtures("alone")
def test_shards_are_plain_files_in_a_drawn_order(
    class_folder: Path, on_disk: Callable[..., Dataset]
) -> None:
    dataset = on_disk(class_folder)
    folder = shards_of(dataset)
    shards = [
        np.load(path, allow_pickle=False, mmap_mode="r") for path in sorted(folder.glob("*.npy"))
    ]
    assert [shard.shape for shard in shards] == [(4, 6, 5, 1)] * 5
    lying = np.concatenate(shards)
    source = [
        np.asarray(Image.open(path))[..., None] for path in sorted(class_folder.glob("*/*.png"))
    ]
    places = [next(k for k, one in enumerate(source) if (one == image).all()) for image in lying]
    assert sorted(places) == list(range(20))
    # One class after the other would have one change of class, and images of a folder in order.
    classes = np.array(places) >= 10
    assert np.abs(np.diff(classes.astype(int))).sum() > 4
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest["sha256"]) == 6
    for name, known in manifest["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == known


def test_what_cannot_be_read_in_pieces_is_refused_by_name(
    tmp_path: Path, on_disk: Callable
) -> None:
    np.savez(
        tmp_path / "a.npz", images=np.asfortranarray(NUMBERS.astype("u1")), labels=np.arange(40)
    )
    with pytest.raises(DataError, match=r"images\.npy in .*a\.npz lies in Fortran's order"):
        on_disk(tmp_path / "a.npz")


def test_a_damaged_archive_is_refused(tmp_path: Path, on_disk: Callable) -> None:
    np.savez(tmp_path / "a.npz", images=NUMBERS.astype("u1"), labels=np.arange(40) % 2)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.index(b"images.npy") + 600] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"images\.npy in .*a\.npz is damaged"):
        on_disk(tmp_path / "a.npz")


def test_images_that_do_not_fit_name_the_way_out(
    class_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 100)
    with pytest.raises(DataError, match=r"--memory and an amount, such as 2GB"):
        load_dataset(class_folder)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"memory": "plenty"}, "--memory takes an amount such as 500MB or 2GB, but 'plenty' came"),
        ({"memory": "2"}, "write a number with its unit"),
        ({"memory": "5KB"}, r"--memory takes 1 MB or more, but '5KB' came"),
        ({"shards": "here"}, "give --memory too"),
    ],
)
def test_amounts_that_say_nothing_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        DataSettings(**settings)


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2e9), ("1.5 gb", 1.5e9), ("512MiB", 2**29), ("3T", 3e12), ("2000K", 2e6)],
)
def test_amounts_are_read(text: str, size: float) -> None:
    assert DataSettings(memory=text).budget == size


@pytest.fixture
def stored(class_folder: Path, on_disk: Callable, alone: None) -> StoredImages:
    images = on_disk(class_folder).train.images
    assert isinstance(images, StoredImages)
    return images


@pytest.mark.parametrize(
    "index",
    [
        3,
        -1,
        slice(2, 9),
        slice(None, None, -2),
        slice(5, 5),
        np.array([7, 0, 7, 3]),
        np.arange(15) % 3 == 0,
    ],
    ids=["one", "last", "slice", "backwards", "none", "numbers", "mask"],
)
def test_images_are_asked_for_as_of_an_array(
    index: Any, stored: StoredImages, class_folder: Path
) -> None:
    array = load_dataset(class_folder, DataSettings(), 3).train.images
    assert isinstance(array, np.ndarray)
    assert len(stored) == len(array) == 15
    np.testing.assert_array_equal(stored[index], array[index])
    np.testing.assert_array_equal(np.asarray(stored), array)
    assert (stored.shape, stored.nbytes) == (array.shape, array.nbytes)
    several = index if isinstance(index, np.ndarray) else np.array([2, 1])
    np.testing.assert_array_equal(stored.select(several)[:], array[several])


def test_blocks_hold_every_image_once_in_the_order_of_the_disk(stored: StoredImages) -> None:
    blocks = list(blocks_of(stored, 100))
    assert [len(block) for block in blocks] == [3, 3, 3, 3, 3]
    np.testing.assert_array_equal(np.concatenate(blocks), stored[np.argsort(stored.rows)])


def test_a_shard_that_is_gone_is_named(stored: StoredImages) -> None:
    (stored.folder / "000000.npy").unlink()
    with pytest.raises(DataError, match=r"000000\.npy, but it cannot be read \(No such file"):
        stored[:]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_first_look_tells_the_same(dtype: Any, tmp_path: Path, on_disk: Callable) -> None:
    images = NUMBERS.astype(dtype)
    images[5] = images[31]
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(40) % 2)
    ours = explore_dataset(on_disk(tmp_path / "a.npz")).to_dict()
    theirs = explore_dataset(load_dataset(tmp_path / "a.npz", DataSettings(), 3)).to_dict()
    for one in (ours, theirs):
        del one["fingerprint"], one["notes"]
        for part in one["parts"]:
            # The sum of floats depends on their order, in the last digits.
            part["mean"], part["std"] = round(part["mean"], 6), round(part["std"], 6)
        for histogram in one["histograms"].values():
            histogram["edges"] = np.round(histogram["edges"], 6).tolist()
    assert ours == theirs
