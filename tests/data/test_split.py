from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from firstlight.core.dataset import Collection, Dataset, Images, Task
from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.data import load_dataset, read_collection, split_collection

PLAIN = DataSettings()


def collection(
    targets: Any, parts: Any = "", groups: Any = None, task: Task = "classify"
) -> Collection:
    """Images whose pixels are their own numbers, so that all of them differ."""
    targets = np.asarray(targets)
    count = len(targets)
    pixels = np.arange(count, dtype=np.uint16).reshape(count, 1, 1, 1)
    names = np.array([str(k) for k in range(count)])
    groups = None if groups is None else np.asarray(groups).astype(str)
    classes = tuple(str(k) for k in range(targets.max() + 1)) if task == "classify" else ()
    return Collection(
        "these",
        "these",
        task,
        Images(pixels, targets, names, groups),
        np.broadcast_to(np.asarray(parts, "U10"), count),
        classes=classes,
        target_names=() if classes else ("x",),
        target_units=() if classes else ("",),
    )


def indices(data: Dataset) -> list[np.ndarray]:
    return [data.split.train, data.split.validation, data.split.test]


def check_a_partition(data: Dataset, everything: Images) -> None:
    count = len(everything)
    assert sorted(np.concatenate(indices(data)).tolist()) == list(range(count))
    for (_, part), index in zip(data.parts(), indices(data), strict=True):
        np.testing.assert_array_equal(part.images, everything.images[index])
        np.testing.assert_array_equal(part.targets, everything.targets[index])
        np.testing.assert_array_equal(part.names, everything.names[index])
        assert len(part)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(2, 60), min_size=2, max_size=6),
    seed=st.integers(0, 1000),
)
def test_shares_of_each_class(sizes: list[int], seed: int) -> None:
    targets = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    assume(len(targets) >= 8)
    data = collection(targets)
    split = split_collection(data, PLAIN, seed)
    check_a_partition(split, data.everything)
    wanted = max(1, round(len(targets) * 0.15))
    for k, size in enumerate(sizes):
        in_test = int((split.test.targets == k).sum())
        assert abs(in_test - size * wanted / len(targets)) <= 1
        assert (split.train.targets == k).any()
    left = len(targets) - len(split.test)
    wanted = max(1, round(left * 0.10))
    for k, size in enumerate(sizes):
        rest = size - int((split.test.targets == k).sum())
        in_validation = int((split.validation.targets == k).sum())
        assert abs(in_validation - rest * wanted / left) <= 1


def test_shares_are_those_of_scikit_learn() -> None:
    targets = np.repeat(np.arange(5), [500, 301, 97, 40, 62])
    ours = split_collection(collection(targets), PLAIN, 0)
    rest, test = train_test_split(targets, test_size=0.15, stratify=targets, random_state=0)
    _, validation = train_test_split(rest, test_size=0.10, stratify=rest, random_state=0)
    for mine, theirs in ((ours.test.targets, test), (ours.validation.targets, validation)):
        assert abs(len(mine) - len(theirs)) <= 1
        assert np.abs(np.bincount(mine) - np.bincount(theirs)).max() <= 1


def test_mnist() -> None:
    data = load_dataset("mnist", seed=3)
    assert [len(part) for _, part in data.parts()] == [55_000, 5_000, 10_000]
    assert data.split.test.tolist() == list(range(60_000, 70_000))
    share = np.bincount(data.validation.targets) / np.bincount(data.train.targets)
    np.testing.assert_allclose(share, 1 / 11, atol=2e-4)
    assert data.split.rule == (
        "Train and test as the source names them. Validation is one tenth (at most 5,000) of "
        "60,000 images for training, drawn in equal shares of each class with seed 3."
    )


def test_the_seed_decides() -> None:
    data = collection(np.arange(100) % 4)
    one, same, other = (split_collection(data, PLAIN, seed) for seed in (1, 1, 2))
    assert one.split.test.tolist() == same.split.test.tolist()
    assert one.fingerprint == same.fingerprint
    assert one.split.test.tolist() != other.split.test.tolist()
    assert one.fingerprint != other.fingerprint
    # Drawn, and not the first or the last of each class.
    assert one.split.test.tolist() not in (list(range(15)), list(range(85, 100)))


def test_parts_of_the_source_are_kept() -> None:
    parts = np.array(["train"] * 6 + ["validation"] * 2 + ["test"] * 2 + [""] * 2)
    split = split_collection(collection(np.arange(12) % 2, parts), PLAIN, 0)
    assert [index.tolist() for index in indices(split)] == [
        [0, 1, 2, 3, 4, 5, 10, 11],
        [6, 7],
        [8, 9],
    ]
    assert split.split.rule == (
        "Train, validation and test as the source names them. 2 images without a part went to "
        "train."
    )


def test_values_are_split_at_random() -> None:
    values = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    data = collection(values, task="measure")
    split = split_collection(data, PLAIN, 0)
    check_a_partition(split, data.everything)
    assert [len(part) for _, part in split.parts()] == [77, 9, 15]
    assert "drawn at random with seed 0" in split.split.rule


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 30), min_size=3, max_size=25), seed=st.integers(0, 1000))
def test_groups_stay_whole(sizes: list[int], seed: int) -> None:
    groups = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    data = collection(np.arange(len(groups)) % 2, groups=groups)
    split = split_collection(data, PLAIN, seed)
    check_a_partition(split, data.everything)
    owned = [set(part.groups.tolist()) for _, part in split.parts() if part.groups is not None]
    assert sum(map(len, owned)) == len(sizes) == len(set.union(*owned))
    assert "in whole groups" in split.split.rule


def test_group_sizes_come_near_to_what_is_wanted() -> None:
    groups = np.repeat(np.arange(100), 10)
    split = split_collection(collection(np.arange(1000) % 2, groups=groups), PLAIN, 0)
    assert [len(part) for _, part in split.parts()] == [770, 80, 150]


def test_a_torn_group_is_refused() -> None:
    parts = ["train", "train", "test", "validation", "train"]
    data = collection([0, 1, 0, 1, 0], parts, groups=["p1", "p2", "p2", "p3", "p4"])
    with pytest.raises(DataError, match="the group 'p2' in train and in test"):
        split_collection(data, PLAIN, 0)
    with pytest.raises(DataError, match="the group 'p2'"):
        split_collection(data, DataSettings(split="group"), 0)
    asked = split_collection(data, DataSettings(split="random"), 0)
    assert asked.split.test.tolist() == [2]
    assert "although the images have groups" in asked.notes[0]


def test_images_follow_their_group() -> None:
    parts = ["train", "", "test", "", "validation", ""]
    groups = ["a", "a", "b", "b", "c", "d"]
    split = split_collection(collection([0, 1, 0, 1, 0, 1], parts, groups), PLAIN, 0)
    assert [index.tolist() for index in indices(split)] == [[0, 1, 5], [4], [2, 3]]


def test_a_random_split_of_groups_has_to_be_asked_for() -> None:
    data = collection(np.arange(60) % 2, groups=np.arange(60) // 20)
    torn = split_collection(data, DataSettings(split="random"), 0)
    assert torn.test.groups is not None
    assert len(set(torn.test.groups.tolist())) == 3
    assert "in equal shares of each class" in torn.split.rule
    with pytest.raises(DataError, match="A group column was expected in these"):
        split_collection(collection([0, 1, 0, 1]), DataSettings(split="group"), 0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (collection([0, 1]), "leaves none for"),
        (collection(np.arange(30) % 2, groups=np.arange(30) % 2), "at least three groups"),
        (collection(np.arange(5)), r"\(5 images of 5 classes\) .* two images of each class"),
        (collection([0, 1, 0]), r"3 images of 2 classes.* at least two images of each class"),
        (replace(collection([0, 1, 2]), source="t.csv"), "class are needed. .* --task measure"),
        (collection([0, 1, 0, 1], ["test", "test", "validation", "test"]), "none for train: name"),
    ],
)
def test_too_little_to_split(data: Collection, says: str) -> None:
    with pytest.raises(DataError, match=says):
        split_collection(data, PLAIN, 0)


def test_a_class_that_only_the_test_has() -> None:
    parts = ["train"] * 4 + ["validation", "test"]
    split = split_collection(collection([0, 1, 0, 1, 0, 2], parts), PLAIN, 0)
    assert split.notes == ("No training image is of the class 2: it cannot be learnt.",)


def test_leaked_images_are_counted_and_stay() -> None:
    parts = ["train"] * 4 + ["validation"] * 2 + ["test"] * 4
    data = collection([0, 1] * 5, parts)
    pixels = data.everything.images.copy()
    pixels[[6, 8]] = pixels[1]
    pixels[9] = pixels[7]  # twice in the test part, but not in train
    data = replace(data, everything=replace(data.everything, images=pixels))
    split = split_collection(data, PLAIN, 0)
    assert len(split.test) == 4
    assert split.notes[0].startswith("2 images of the test part are also in train")


def test_everything_else_is_handed_on() -> None:
    data = read_collection("mnist")
    data = replace(data, notes=("a",), sizes=(((1, 2), 3),), files_read=9)
    split = split_collection(data, DataSettings(resize="crop"), 0)
    assert (split.name, split.source, split.task) == ("mnist", "mnist", "classify")
    assert (split.notes, split.sizes, split.files_read) == (("a",), (((1, 2), 3),), 9)
    assert split.settings.resize == "crop"
    assert split.image_shape == (28, 28, 1)


def test_the_fingerprint_sees_every_change() -> None:
    parts = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    data = collection([0, 1] * 5, parts)
    images, everything = data.everything.images, data.everything
    pixels = images.copy()
    pixels[9] += 1
    octets = images.view(np.uint8)
    others = [
        pixels,
        images.view(np.int16),
        octets.reshape(10, 2, 1, 1),
        octets.reshape(10, 1, 2, 1),
    ]
    labels = everything.targets.copy()
    labels[3] = 0
    turned = np.roll(np.arange(10), 2)
    moved = np.array(parts)
    moved[5] = "validation"
    changed = [
        data,
        *(replace(data, everything=replace(everything, images=other)) for other in others),
        replace(data, everything=replace(everything, targets=labels)),
        replace(data, parts=moved),
        replace(data, classes=("cat", "dog")),
        # The same parts, but the test images now come first in the collection.
        replace(data, everything=everything.select(turned), parts=data.parts[turned]),
    ]
    prints = [split_collection(one, PLAIN, 0).fingerprint for one in changed]
    assert len(set(prints)) == len(changed)
    assert all(len(one) == 64 for one in prints)


@pytest.mark.parametrize("option", ["--target", "--group-column", "--split-column"])
def test_a_source_without_columns_refuses_their_options(option: str, class_folder: Path) -> None:
    name = option[2:].replace("-", "_")
    settings = DataSettings(**{name: ("patient",) if name == "target" else "patient"})
    for source in ("mnist", class_folder):
        with pytest.raises(SettingError, match=f"{option} names a column .*: leave {option} out"):
            load_dataset(source, settings)


def test_the_seed_is_recorded(class_folder: Path) -> None:
    assert load_dataset(class_folder, seed=11).split.seed == 11


def test_a_class_for_each_image_is_asked_about() -> None:
    with pytest.raises(DataError, match=r"\(30 images of 30 classes\) .* with --task measure"):
        split_collection(replace(collection(np.arange(30)), source="t.npz"), PLAIN, 0)


@pytest.mark.parametrize("grouped", [True, False])
def test_folds_together_test_every_image_once(grouped: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 4, 4), np.uint8)
    images[:, 0, 0] = np.arange(60)
    columns = {"groups": np.arange(60) // 5} if grouped else {}
    np.savez(tmp_path / "x.npz", images=images, labels=np.arange(60) % 3, **columns)
    tested: list[int] = []
    for number in (1, 2, 3, 4):
        settings = DataSettings(fold=f"{number}/4")
        dataset = load_dataset(tmp_path / "x.npz", settings, seed=7)
        again = load_dataset(tmp_path / "x.npz", settings, seed=7)
        assert dataset.fingerprint == again.fingerprint
        tested += dataset.test.images[:, 0, 0, 0].tolist()
        assert len(dataset.test) == 15
        if grouped:
            parts = [set(map(str, part.groups)) for _, part in dataset.parts()]
            assert sum(map(len, parts)) == len(set.union(*parts)) == 12
        else:
            assert np.bincount(dataset.test.targets).tolist() == [5, 5, 5]
    assert sorted(tested) == list(range(60))


def test_a_fold_replaces_the_parts_of_the_source(tmp_path: Path) -> None:
    images = np.arange(20, dtype=np.uint8)[:, None, None].repeat(4, 1)
    part = np.array(["train"] * 15 + ["test"] * 5)
    np.savez(tmp_path / "x.npz", images=images, labels=np.arange(20) % 2, split=part)
    dataset = load_dataset(tmp_path / "x.npz", DataSettings(fold="1/2"))
    assert len(dataset.test) == 10
    assert dataset.split.rule.startswith("Test is fold 1/2, whatever parts the source names.")


@pytest.mark.parametrize("fold", ["0/5", "6/5", "1/1", "5", "a/b", "1/5/2", "-1/5"])
def test_folds_that_are_none_are_refused(fold: str) -> None:
    with pytest.raises(SettingError, match=r"--fold takes a number and how many there are"):
        DataSettings(fold=fold)


def test_more_folds_than_groups_are_refused(tmp_path: Path) -> None:
    images = np.arange(20, dtype=np.uint8)[:, None, None].repeat(4, 1)
    np.savez(tmp_path / "x.npz", images=images, labels=np.arange(20) % 2, groups=np.arange(20) // 5)
    with pytest.raises(DataError, match="5 groups or more were expected in x for 5 folds"):
        load_dataset(tmp_path / "x.npz", DataSettings(fold="1/5"))
