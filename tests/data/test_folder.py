from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection
from firstlight.data.paths import list_files, read_bytes, shown


def reasons(collection: object) -> dict[str, str]:
    return {item.file: item.reason for item in collection.refused}  # type: ignore[attr-defined]


def test_class_folders(class_folder: Path) -> None:
    pets = read_collection(class_folder)
    assert pets.name == "pets"
    assert pets.task == "classify"
    assert pets.classes == ("cat", "dog")
    assert pets.everything.images.shape == (20, 6, 5, 1)
    assert set(pets.parts.tolist()) == {""}
    assert pets.refused == ()
    assert pets.notes == ()
    assert pets.sizes == (((6, 5), 20),)
    assert pets.files_read == 20
    for k, name in enumerate(pets.everything.names.tolist()):
        np.testing.assert_array_equal(
            pets.everything.images[k, :, :, 0], np.asarray(Image.open(class_folder / name))
        )
        assert pets.classes[pets.everything.targets[k]] == Path(name).parts[0]


def test_the_order_of_classes_that_are_numbers(tmp_path: Path, save: Callable) -> None:
    for label in ("10", "9", "-1"):
        save(tmp_path / label / "a.png", np.zeros((2, 2), np.uint8))
    assert read_collection(tmp_path).classes == ("-1", "9", "10")


@pytest.mark.parametrize("words", [("train", "val", "test"), ("Training", "valid", "testing")])
def test_parts_above_the_classes(words: tuple[str, ...], tmp_path: Path, save: Callable) -> None:
    for word in words:
        for label in ("a", "b"):
            save(tmp_path / word / label / "deep" / "x.png", np.zeros((2, 2), np.uint8))
    save(tmp_path / "other" / "a" / "x.png", np.zeros((2, 2), np.uint8))
    found = read_collection(tmp_path)
    assert found.classes == ("a", "b")
    assert sorted(set(found.parts.tolist())) == ["test", "train", "validation"]
    assert reasons(found) == {"other/a/x.png": "lies outside of the parts of the split"}


def test_a_class_may_be_called_train(tmp_path: Path, save: Callable) -> None:
    for label in ("train", "car"):
        save(tmp_path / label / "x.png", np.zeros((2, 2), np.uint8))
    assert read_collection(tmp_path).classes == ("car", "train")


def test_bad_files_are_listed_and_the_others_used(class_folder: Path, save: Callable) -> None:
    cat = class_folder / "cat"
    (cat / "broken.png").write_bytes((cat / "1.png").read_bytes()[:-30])
    (cat / "empty.png").touch()
    (cat / "notes.txt").write_text("hello")
    (cat / ".DS_Store").write_text("hidden")
    (class_folder / "README.md").write_text("pets")
    save(cat / "really_a.png", np.zeros((6, 5), np.uint8), format="JPEG")
    save(cat / "wide.png", np.zeros((6, 5), np.uint16))
    pets = read_collection(class_folder)
    assert len(pets.everything) == 21
    assert "cat/really_a.png" in pets.everything.names
    listed = reasons(pets)
    assert list(listed) == [
        "README.md",
        "cat/broken.png",
        "cat/empty.png",
        "cat/notes.txt",
        "cat/wide.png",
    ]
    assert listed["README.md"] == "lies outside of the class folders"
    assert "damaged" in listed["cat/broken.png"]
    assert listed["cat/empty.png"] == "is empty"
    assert "is no image" in listed["cat/notes.txt"]
    assert "is uint16, but most images here are uint8" in listed["cat/wide.png"]


def test_links_pipes_and_sockets(class_folder: Path, tmp_path: Path, save: Callable) -> None:
    outside = save(tmp_path / "outside" / "secret.png", np.zeros((6, 5), np.uint8))
    cat = class_folder / "cat"
    (cat / "out.png").symlink_to(outside)
    (cat / "outfolder").symlink_to(outside.parent)
    (cat / "in.png").symlink_to(class_folder / "dog" / "3.png")
    (cat / "loop").symlink_to(class_folder)
    (cat / "nowhere.png").symlink_to(class_folder / "missing.png")
    os.mkfifo(cat / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(cat)  # a socket's path may only be short
        try:
            listener.bind("socket.png")
        finally:
            os.chdir(here)
        pets = read_collection(class_folder)
    assert len(pets.everything) == 21
    assert "cat/in.png" in pets.everything.names
    pipe = "is a pipe, a device or a socket and no file"
    assert reasons(pets) == {
        "cat/loop": "is a link to a folder that is read already",
        "cat/nowhere.png": "cannot be opened: No such file or directory",
        "cat/out.png": "is a link that leads out of the folder",
        "cat/outfolder": "is a link that leads out of the folder",
        "cat/pipe.png": pipe,
        "cat/socket.png": pipe,
    }


def test_a_link_to_a_hidden_folder_inside_is_followed(tmp_path: Path, save: Callable) -> None:
    save(tmp_path / ".store" / "x.png", np.zeros((2, 2), np.uint8))
    (tmp_path / "a").symlink_to(tmp_path / ".store")
    files, refused = list_files(tmp_path)
    assert files == [tmp_path / "a" / "x.png"]
    assert refused == []


def test_a_link_never_takes_the_place_of_a_real_folder(tmp_path: Path, save: Callable) -> None:
    real = save(tmp_path / "z" / "x.png", np.zeros((2, 2), np.uint8))
    (tmp_path / "a").symlink_to(tmp_path / "z")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").symlink_to(tmp_path / "z")
    files, refused = list_files(tmp_path)
    assert files == [real]
    assert [item.file for item in refused] == ["a", "b/c"]


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_never_opened(kind: str, tmp_path: Path) -> None:
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    with pytest.raises(DataError, match="no file"):
        read_bytes(path)
    with pytest.raises(DataError, match="A file was expected"):
        read_collection(path)


def test_a_device_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(DataError, match="no file"):
        read_bytes(Path("/dev/null"))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="larger than 1 GiB"):
        read_bytes(path)


def test_names_that_command_the_terminal(class_folder: Path) -> None:
    (class_folder / "cat" / "a\x1b[2J\nb\u202e.png").write_text("no")
    (class_folder / "cat" / os.fsdecode(b"\xff.png")).write_text("no")
    files = [item.file for item in read_collection(class_folder).refused]
    assert files == ["cat/\\udcff.png", "cat/a\\x1b[2J\\nb\\u202e.png"]
    assert shown("Größe 数.png") == "Größe 数.png"


def test_nothing_to_read(tmp_path: Path, save: Callable) -> None:
    with pytest.raises(DataError, match="Class folders with images were expected"):
        read_collection(tmp_path)
    save(tmp_path / "flat.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match="1 files lie elsewhere"):
        read_collection(tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_text("no")
    with pytest.raises(DataError, match=r"none of its 2 files .* The first: flat\.png"):
        read_collection(tmp_path)
    save(tmp_path / "cat" / "a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match=r"At least two classes are needed .* has 1 \(cat\)"):
        read_collection(tmp_path)


def test_sizes_that_differ(tmp_path: Path, save: Callable) -> None:
    for k, size in enumerate([(4, 8), (4, 8), (6, 10)]):
        save(tmp_path / f"class{k}" / "x.png", np.full(size, 50, np.uint8))
    found = read_collection(tmp_path)
    assert found.everything.images.shape == (3, 4, 8, 1)
    assert found.sizes == (((4, 8), 2), ((6, 10), 1))
    assert "4 x 8 and 6 x 10 pixels; all were brought to 4 x 8 (the median" in found.notes[0]
    small = read_collection(tmp_path, DataSettings(size=2, resize="stretch"))
    assert small.everything.images.shape == (3, 2, 2, 1)
    assert (small.everything.images == 50).all()
    assert "(as asked for), stretched" in small.notes[0]


def test_a_broken_file_does_not_count_for_the_size(tmp_path: Path, save: Callable) -> None:
    save(tmp_path / "a" / "x.png", np.full((4, 4), 50, np.uint8))
    save(tmp_path / "b" / "x.png", np.full((4, 4), 60, np.uint8))
    for k in range(3):  # only decoding shows that these are cut off
        pixels = np.random.default_rng(k).integers(0, 256, (64, 64), np.uint8)
        broken = save(tmp_path / "b" / f"{k}.jpg", pixels)
        broken.write_bytes(broken.read_bytes()[:-500])
    found = read_collection(tmp_path)
    assert found.everything.images[:, :, :, 0].tolist() == [[[50] * 4] * 4, [[60] * 4] * 4]
    assert found.notes == ()
    assert len(found.refused) == 3


def test_the_others_move_up_where_a_file_is_broken(tmp_path: Path, save: Callable) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    broken = save(tmp_path / "a" / "0.jpg", noise)
    broken.write_bytes(broken.read_bytes()[:-500])
    for k in (1, 2):
        save(tmp_path / "ab"[k - 1] / f"{k}.png", np.full((64, 64), k, np.uint8))
    found = read_collection(tmp_path)
    assert found.everything.images[:, 0, 0, 0].tolist() == [1, 2]
    assert found.everything.names.tolist() == ["a/1.png", "b/2.png"]
    assert found.everything.targets.tolist() == [0, 1]


def test_grey_and_colour_together(tmp_path: Path, save: Callable) -> None:
    save(tmp_path / "a" / "x.png", np.full((2, 2), 50, np.uint8))
    save(tmp_path / "b" / "x.png", np.full((2, 2, 3), [255, 0, 0], np.uint8))
    found = read_collection(tmp_path)
    assert found.everything.images[:, 0, 0].tolist() == [[50, 50, 50], [255, 0, 0]]
    assert found.notes == ("1 image came in grey: repeated to three channels.",)
    grey = read_collection(tmp_path, DataSettings(colour="grey"))
    assert grey.everything.images[:, 0, 0].tolist() == [[50], [76]]
    assert grey.notes == ("1 image came in colour: made grey.",)


def test_what_was_done_to_pictures_is_told(tmp_path: Path, save: Callable) -> None:
    first, second = Image.new("L", (9, 8), 10), Image.new("L", (9, 8), 200)
    save(tmp_path / "a" / "x.png", first, save_all=True, append_images=[second])
    save(tmp_path / "b" / "x.png", Image.new("LA", (9, 8), (10, 128)))
    notes = read_collection(tmp_path).notes
    assert notes == (
        "1 image held several frames or pages: the first was read.",
        "1 image had transparency: they were laid on white.",
    )


def test_no_warning_reaches_the_screen(tmp_path: Path, save: Callable) -> None:
    save(tmp_path / "a" / "x.png", np.zeros((2, 2), np.uint8))
    save(tmp_path / "b" / "x.png", np.zeros((2, 2), np.uint8))
    (tmp_path / "b" / "bad.tif").write_bytes(b"II*\0" + bytes(range(40)))
    # So large that Pillow warns, and no more than that.
    Image.new("1", (10_000, 9_000)).save(tmp_path / "b" / "large.png")
    program = "import sys; from firstlight.data import read_collection as r; r(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_unknown_names() -> None:
    with pytest.raises(DataError, match=r"DATA can be a built-in .*no mnits\. Did you mean mnist"):
        read_collection("mnits")


def test_a_single_picture_is_no_data_set(class_folder: Path) -> None:
    with pytest.raises(DataError, match=r"0\.png is none of these"):
        read_collection(class_folder / "cat" / "0.png")


def test_folders_have_no_numbers_to_measure(class_folder: Path) -> None:
    with pytest.raises(SettingError, match="--task measure needs a number for each image"):
        read_collection(class_folder, DataSettings(task="measure"))
    assert read_collection(class_folder, DataSettings(task="classify")).task == "classify"
