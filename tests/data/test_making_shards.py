"""Making shards: once, anew where something changed or broke, on from where it was stopped."""

from __future__ import annotations

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
from shard_checks import NUMBERS, assert_same, shards_of

from firstlight.core import processes
from firstlight.core.dataset import Dataset
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import converting, load_dataset, shard_worker
from firstlight.data.shard_worker import perform


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
