"""Images kept on disk are those that would be in memory, whatever happens to the disk."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from firstlight.core import processes
from firstlight.core.dataset import Dataset
from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.core.stored import StoredImages, blocks_of
from firstlight.data import converting, explore_dataset, load_dataset, memory, shard_worker
from firstlight.data.shard_worker import perform

ON_ITS_SIDE = 6  # EXIF's orientation


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of a few images, made in this process."""
    monkeypatch.setattr(converting, "SHARD_BYTES", 4 * 6 * 5)
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)


@pytest.fixture
def on_disk(tmp_path: Path) -> Callable[..., Dataset]:
    """Load a source with its images on disk, in `shards` beside it."""

    def load(source: Path, **settings: Any) -> Dataset:
        progress = settings.pop("progress", None)
        asked = DataSettings(memory="1MB", shards=str(tmp_path / "shards"), **settings)
        return load_dataset(source, asked, 3, progress)

    return load


def shards_of(dataset: Dataset) -> Path:
    assert isinstance(dataset.train.images, StoredImages)
    return dataset.train.images.folder


def assert_same(ours: Dataset, theirs: Dataset) -> None:
    """The same parts, images, targets and names in the same order."""
    for (part, one), (_, other) in zip(ours.parts(), theirs.parts(), strict=True):
        assert isinstance(one.images, StoredImages)
        assert one.images.dtype == other.images.dtype
        np.testing.assert_array_equal(one.images[:], other.images)
        np.testing.assert_array_equal(one.targets, other.targets)
        np.testing.assert_array_equal(one.names, other.names)
        np.testing.assert_array_equal(getattr(ours.split, part), getattr(theirs.split, part))
    assert ours.refused == theirs.refused
    assert ours.sizes == theirs.sizes
    assert [note for note in ours.notes if "kept on disk" not in note] == list(theirs.notes)
    assert len(ours.notes) == len(theirs.notes) + 1


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


NUMBERS = np.random.default_rng(2).integers(0, 256, (40, 6, 5, 1))


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


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The shards that are made."""
    names: list[str] = []

    def counting(task: dict[str, Any], tell: Callable[[int], None]) -> Any:
        names.append(Path(task["path"]).name if "path" in task else "heads")
        return perform(task, tell)

    monkeypatch.setattr(shard_worker, "perform", counting)
    return names


@pytest.mark.usefixtures("alone")
def test_what_is_on_disk_is_not_made_again(
    class_folder: Path, on_disk: Callable[..., Dataset], made: list[str]
) -> None:
    first = on_disk(class_folder)
    assert made == ["heads", *(f"00000{k}.npy" for k in range(5))]
    again = on_disk(class_folder)
    assert len(made) == 6
    assert again.fingerprint == first.fingerprint
    # Neither the seed of the split nor the amount of memory is part of what is on the disk.
    shards = str(class_folder.parent / "shards")
    load_dataset(class_folder, DataSettings(memory="2MB", shards=shards), 8)
    assert len(made) == 6


@pytest.mark.usefixtures("alone")
def test_a_changed_source_is_noticed(
    class_folder: Path, on_disk: Callable[..., Dataset], save: Callable[..., Path]
) -> None:
    first = on_disk(class_folder)
    path = class_folder / "cat" / "3.png"
    known = path.stat()
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0] ^= 255
    save(path, pixels)
    # As a copy that keeps the time would leave it.
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    second = on_disk(class_folder)
    assert second.fingerprint != first.fingerprint
    assert_same(second, load_dataset(class_folder, DataSettings(), 3))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    "damage",
    [
        flip,
        Path.unlink,
        lambda path: os.truncate(path, 130),
        lambda path: shutil.copy(path.with_name("000001.npy"), path),
        lambda path: (path.rename(path.with_name("moved")), path.symlink_to("moved")),
    ],
    ids=["flipped", "missing", "cut off", "foreign", "a link"],
)
def test_a_damaged_shard_is_named_and_made_anew(
    damage: Callable[[Path], Any],
    class_folder: Path,
    on_disk: Callable[..., Dataset],
    made: list[str],
) -> None:
    first = on_disk(class_folder)
    damage(shards_of(first) / "000003.npy")
    made.clear()
    second = on_disk(class_folder)
    assert made == ["000003.npy"]
    assert any("made anew from the source: 000003.npy." in note for note in second.notes)
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.train.images[:], first.train.images[:])


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", ["manifest.json", "rows.npz", "heads.json"])
def test_other_damaged_files_are_made_anew(
    name: str, class_folder: Path, on_disk: Callable[..., Dataset]
) -> None:
    first = on_disk(class_folder)
    (shards_of(first) / name).write_bytes(b"{")
    assert on_disk(class_folder).fingerprint == first.fingerprint


@pytest.mark.usefixtures("alone")
def test_a_stopped_conversion_goes_on_where_it_was(
    class_folder: Path,
    on_disk: Callable[..., Dataset],
    made: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counting = shard_worker.perform

    def stop(task: dict[str, Any], tell: Callable[[int], None]) -> Any:
        if task.get("path", "").endswith("000002.npy"):
            raise KeyboardInterrupt
        return counting(task, tell)

    monkeypatch.setattr(shard_worker, "perform", stop)
    with pytest.raises(KeyboardInterrupt):
        on_disk(class_folder)
    assert made == ["heads", "000000.npy", "000001.npy"]
    monkeypatch.setattr(shard_worker, "perform", counting)
    told: list[dict[str, Any]] = []
    assert_same(
        on_disk(class_folder, progress=told.append), load_dataset(class_folder, DataSettings(), 3)
    )
    assert made[3:] == ["000002.npy", "000003.npy", "000004.npy"]
    bringing = [event for event in told if event["what"] == "bringing images to disk"]
    assert [event["done"] for event in bringing] == [8, 12, 16, 20]
    assert {(event["kind"], event["total"]) for event in bringing} == {("reading", 20)}


LOAD = """
import sys
from pathlib import Path
from firstlight.core.settings import DataSettings
from firstlight.data import converting, load_dataset
converting.SHARD_BYTES = 200_000
load_dataset(Path(sys.argv[1]), DataSettings(memory="1MB", shards=sys.argv[2]), 3)
"""


@pytest.mark.slow
def test_a_killed_conversion_goes_on_and_leaves_no_process(
    tmp_path: Path, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, source, shards = np.random.default_rng(0), tmp_path / "noise", tmp_path / "shards"
    for k in range(240):
        save(source / f"{k % 2}" / f"{k}.png", rng.integers(0, 256, (80, 80, 3), np.uint8))
    process = subprocess.Popen([sys.executable, "-c", LOAD, str(source), str(shards)])
    while process.poll() is None and len(list(shards.glob("*/*.npy"))) < 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not list(shards.glob("*/manifest.json"))
    # A worker may still finish its shard; then it finds that nobody asks any more, and ends.
    time.sleep(1)
    there = {path: path.stat().st_mtime_ns for path in shards.glob("*/*.npy")}
    monkeypatch.setattr(converting, "SHARD_BYTES", 200_000)
    ours = load_dataset(source, DataSettings(memory="1MB", shards=str(shards)), 3)
    assert_same(ours, load_dataset(source, DataSettings(), 3))
    kept = [path for path, when in there.items() if path.stat().st_mtime_ns == when]
    # Killed between a shard and what is known about it, one for each process is made anew.
    assert 1 <= len(kept) < len(list(shards.glob("*/*.npy")))
    assert not list(shards.glob("*/.*.part*"))


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of a few images, made by two other processes."""
    monkeypatch.setattr(converting, "SHARD_BYTES", 4 * 6 * 5)
    monkeypatch.setattr(processes, "usable_cores", lambda: 2)


@pytest.mark.usefixtures("many")
def test_other_processes_make_the_same(
    class_folder: Path,
    on_disk: Callable[..., Dataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here").mkdir()
    # A worker must not take its modules from the folder where the user happens to be.
    (tmp_path / "here" / "numpy.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path / "here")
    told: list[dict[str, Any]] = []
    ours = on_disk(class_folder, progress=told.append)
    assert_same(ours, load_dataset(class_folder, DataSettings(), 3))
    bringing = [event for event in told if event["what"] == "bringing images to disk"]
    steps = [event["done"] for event in bringing]
    assert len(steps) > 2
    assert steps == sorted(steps)
    assert steps[-1] == bringing[-1]["total"]


@pytest.mark.parametrize("processes", ["alone", "many"])
def test_an_image_that_cannot_be_used_is_named(
    processes: str, request: pytest.FixtureRequest, tmp_path: Path, on_disk: Callable
) -> None:
    request.getfixturevalue(processes)
    images = NUMBERS.astype(np.float32)
    images[17, 2, 3] = np.nan
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(40) % 2)
    with pytest.raises(DataError, match=r"image 17 of images\.npy in .*a\.npz holds nan at index"):
        on_disk(tmp_path / "a.npz")


@pytest.mark.usefixtures("many")
def test_a_process_that_ends_early_is_said(
    class_folder: Path, on_disk: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "COMMAND", (sys.executable, "-c", "raise SystemExit(9)"))
    with pytest.raises(DataError, match=r"ended before its time \(code 9\)"):
        on_disk(class_folder)


def test_the_cache_belongs_to_the_user_alone(
    class_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = DataSettings(memory="1MB")
    folder = shards_of(load_dataset(class_folder, settings))
    assert folder.parent == tmp_path / "cache" / "firstlight"
    for place in (folder, folder.parent):
        assert place.stat().st_mode & 0o777 == 0o700
        place.chmod(0o770)
        with pytest.raises(DataError, match="only you can write"):
            load_dataset(class_folder, settings)
        place.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(DataError, match="only you can write"):
        load_dataset(class_folder, settings)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder.parent.rename(tmp_path / "elsewhere")
    folder.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="it is a link"):
        load_dataset(class_folder, settings)


def test_a_full_disk_is_said_before_anything_is_written(
    class_folder: Path, on_disk: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=599)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DataError, match=r"take 0\.6 KB on disk, but .* has 0\.599 KB free"):
        on_disk(class_folder)
    assert not list((tmp_path / "shards").glob("*/*.npy"))


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
