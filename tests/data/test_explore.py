from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.core.dataset import Dataset
from firstlight.core.settings import DataSettings
from firstlight.data import explore_dataset, image_digests, load_dataset
from firstlight.data.equal import equal_groups

RNG = np.random.default_rng(8)


def dataset(folder: Path, images: np.ndarray, **columns: Any) -> Dataset:
    np.savez(folder / "d.npz", images=images, **columns)
    return load_dataset(folder / "d.npz", DataSettings(), seed=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_numbers_against_numpy(dtype: type[np.generic], tmp_path: Path) -> None:
    images = (RNG.random((60, 9, 7, 3)) * 200 + 3).astype(dtype)
    data = dataset(tmp_path, images, labels=np.repeat([0, 1, 2], [30, 20, 10]))
    look = explore_dataset(data)
    for summary, (name, part) in zip(look.parts, data.parts(), strict=True):
        assert summary.part == name
        assert summary.shape == part.images.shape
        assert summary.count == len(part)
        assert summary.dtype == np.dtype(dtype).name
        wide = part.images.astype(np.float64)
        numbers = (summary.minimum, summary.maximum, summary.mean, summary.std)
        expected = (wide.min(), wide.max(), wide.mean(), wide.std())
        np.testing.assert_allclose(numbers, expected, rtol=1e-12)
        assert summary.class_counts == tuple(np.bincount(part.targets, minlength=3).tolist())
    assert look.balance == 3


def test_histograms_against_numpy(tmp_path: Path) -> None:
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535), (np.float32, None)):
        images = (RNG.random((60, 9, 7)) * 200 + 3).astype(dtype)
        data = dataset(tmp_path, images, labels=np.arange(60) % 2)
        train = data.train.images.astype(np.float64)
        shown = explore_dataset(data).histograms
        normalised = train / top if top else (train - train.min()) / (train.max() - train.min())
        standardised = (train - train.mean()) / train.std()
        for histogram, pixels in (
            (shown.stored, train),
            (shown.normalised, normalised),
            (shown.standardised, standardised),
        ):
            assert len(histogram.edges) == len(histogram.counts) + 1
            assert sum(histogram.counts) == train.size
            # Away from the edges themselves, where the last digit decides.
            nudged = np.array(histogram.edges) - 1e-9
            nudged[-1] += 1
            np.testing.assert_allclose(histogram.counts, np.histogram(pixels, nudged)[0], atol=2)


def test_mnist_has_the_published_mean_and_deviation() -> None:
    look = explore_dataset(load_dataset("mnist"))
    weights = [look.parts[0].count, look.parts[1].count]
    mean = np.average([look.parts[0].mean, look.parts[1].mean], weights=weights)
    assert round(mean / 255, 4) == 0.1307  # of the 60,000 training images
    assert look.parts[0].std / 255 == pytest.approx(0.3081, abs=3e-4)
    assert look.duplicates.groups == ()
    assert look.sizes == (((28, 28), 70_000),)
    assert look.files_read == 4


def test_values(tmp_path: Path) -> None:
    values = RNG.random((40, 2))
    data = dataset(
        tmp_path, RNG.random((40, 3, 3)), targets=values, target_units=np.array(["mK", ""])
    )
    look = explore_dataset(data)
    assert look.balance is None
    second = look.parts[0].targets[1]
    column = data.train.targets[:, 1].astype(float)
    assert (second.name, second.unit) == ("targets_1", "")
    expected = [column.min(), column.max(), column.mean(), column.std()]
    assert [second.minimum, second.maximum, second.mean, second.std] == pytest.approx(expected)


def test_groups_and_units(tmp_path: Path) -> None:
    groups = np.repeat([f"star {k}" for k in range(12)], range(1, 13))
    images = RNG.random((len(groups), 4, 4)).astype(np.float32)
    data = dataset(tmp_path, images, target=RNG.random(len(groups)), group=groups)
    look = explore_dataset(replace(data, pixel_unit="Jy"))
    assert look.pixel_unit == look.to_dict()["pixel_unit"] == "Jy"
    found = [part.groups for part in look.parts]
    assert sum(group.count for group in found) == 12
    for group, (_, part) in zip(found, data.parts(), strict=True):
        sizes = [int(name.split()[1]) + 1 for name in set(part.groups.tolist())]
        assert (group.smallest, group.largest) == (min(sizes), max(sizes))
    bare = dataset(tmp_path, images, target=RNG.random(len(groups)))
    assert [part.groups for part in explore_dataset(bare).parts] == [None] * 3


def test_equal_images(tmp_path: Path) -> None:
    images = np.arange(12, dtype=np.uint8).reshape(12, 1, 1) * np.ones((1, 3, 3), np.uint8)
    images[1] = images[0]  # both in train
    images[6] = images[0]  # validation
    images[8] = images[9] = images[3]  # train, and twice in test
    split = np.array(["train"] * 6 + ["val"] * 2 + ["test"] * 4)
    look = explore_dataset(dataset(tmp_path, images, labels=np.arange(12) % 2, split=split))
    found = look.duplicates
    assert found.within == {"train": 1, "validation": 0, "test": 1}
    assert found.across == {"train/validation": 1, "train/test": 2, "validation/test": 0}
    assert set(found.groups) == {
        ("train: images[0]", "train: images[1]", "validation: images[6]"),
        ("train: images[3]", "test: images[8]", "test: images[9]"),
    }


@pytest.mark.parametrize("side", [1, 2, 3, 8])
def test_equal_groups_against_a_dictionary(side: int) -> None:
    first = RNG.integers(0, 2, (50, side, side, 1), np.uint8)
    second = RNG.integers(0, 2, (30, side, side, 1), np.uint8)
    second[::7] = first[3]
    expected: dict[bytes, list[tuple[int, int]]] = {}
    for array, images in enumerate((first, second)):
        for row, image in enumerate(images):
            expected.setdefault(image.tobytes(), []).append((array, row))
    groups = [group for group in expected.values() if len(group) > 1]
    assert sorted(equal_groups([first, second])) == sorted(groups)


def test_equal_keys_alone_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "firstlight.data.equal.content_keys", lambda images: np.zeros(len(images), np.uint64)
    )
    images = np.array([1, 2, 1, 3], np.uint8).reshape(4, 1, 1, 1)
    assert equal_groups([images]) == [[(0, 0), (0, 2)]]


def test_json(class_folder: Path) -> None:
    (class_folder / "cat" / "bad.png").write_text("no")
    data = load_dataset(class_folder)
    written = json.loads(json.dumps(explore_dataset(data).to_dict(), allow_nan=False))
    assert written["files"]["read"] == 20
    assert [entry["file"] for entry in written["files"]["refused"]] == ["cat/bad.png"]
    assert set(written["files"]["refused"][0]) == {"file", "reason"}
    assert written["sizes"] == [{"height": 6, "width": 5, "count": 20}]
    assert written["parts"][0]["part"] == "train"
    assert written["fingerprint"] == data.fingerprint


def test_pictures_of_one_value(tmp_path: Path) -> None:
    images = np.full((20, 3, 3), 7, np.float32)
    look = explore_dataset(dataset(tmp_path, images, labels=np.arange(20) % 2))
    assert look.parts[0].std == 0
    assert sum(look.histograms.standardised.counts) == look.parts[0].count * 9


def test_it_shows_itself_in_a_notebook(class_folder: Path) -> None:
    data = load_dataset(class_folder)
    shown = explore_dataset(replace(data, name="<b>pets"))._repr_html_()
    assert "&lt;b&gt;pets (classify)" in shown
    assert "uint8" in shown


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_digests_tell_images_apart(dtype: type[np.generic]) -> None:
    images = RNG.integers(0, 200, (50, 3, 5, 2)).astype(dtype)
    images[7] = images[31]
    digests = image_digests(images)
    assert digests.dtype == np.uint64
    assert digests[7] == digests[31]
    assert len(set(digests.tolist())) == 49
    reordered = np.asfortranarray(images)  # another order in memory, the same images
    assert image_digests(reordered).tolist() == digests.tolist()
    oracle = hashlib.blake2b(images[4].tobytes(), digest_size=8).digest()
    assert int(digests[4]) == int.from_bytes(oracle, "little")
    assert image_digests(images[:0]).shape == (0,)
