"""Three parts from one collection: what the source says is kept, the rest is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import PARTS, Collection, Dataset, Split
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.core.stored import StoredImages
from firstlight.data.equal import equal_groups
from firstlight.data.fingerprint import fingerprint
from firstlight.data.memory import ON_DISK, require_memory
from firstlight.data.stack import counted

TEST_SHARE = 0.15
VALIDATION_SHARE = 0.10
MOST_VALIDATION = 5_000
NUMBERS = (".csv", ".tsv", ".parquet", ".npz", ".npy")  # files whose targets may be numbers


def split_collection(collection: Collection, settings: DataSettings, seed: int) -> Dataset:
    """Train, validation and test from a collection; the rules are in `Split.rule`.

    Parts that the source names are kept; images that it gives no part are for training.
    A missing test part is 15 % of the training images, then a missing validation part one
    tenth of them, at most 5,000. They are drawn with `numpy.random.default_rng(seed)`, in
    equal shares of each class, and the last image of a class stays in training. Where
    images have groups, whole groups are drawn, and no group may lie in two parts, unless
    `settings.split` is `random`.

    Raises:
        DataError: if a group is torn apart, or a part would be empty.

    Example:
        >>> from firstlight.core.dataset import Images
        >>> images = Images(
        ...     np.arange(20, dtype=np.uint8).reshape(20, 1, 1, 1),
        ...     np.arange(20) % 2,
        ...     np.array([str(k) for k in range(20)]),
        ... )
        >>> both = Collection(
        ...     "dots", "dots", "classify", images, np.full(20, ""), classes=("even", "odd")
        ... )
        >>> [len(part) for _, part in split_collection(both, DataSettings(), seed=0).parts()]
        [15, 2, 3]
    """
    everything, parts = collection.everything, collection.parts.astype("U10")
    groups = everything.groups
    if settings.split == "group" and groups is None:
        raise DataError(
            f"A group column was expected in {collection.name}, since --split group was asked "
            "for, but there is none: name a column of a table or of an .npz file with "
            "--group-column, or leave --split out."
        )
    whole_groups = groups is not None and settings.split != "random"
    sentences = []
    if settings.fold_of is not None:
        parts = _fold(collection, settings.fold_of, groups if whole_groups else None, seed)
        sentences.append(f"Test is fold {settings.fold}, whatever parts the source names.")
    if whole_groups and groups is not None:
        parts = _follow_groups(parts, groups, collection.name)
    named = [part for part in PARTS if (parts == part).any()]
    if named and settings.fold is None:
        sentences.append(f"{_listed(named)} as the source names them.")
    unnamed = int((parts == "").sum())
    if named and unnamed and settings.fold is None:
        sentences.append(f"{counted(unnamed)} without a part went to train.")
    parts[parts == ""] = "train"
    rng = np.random.default_rng(seed)
    drawn = [part for part in ("test", "validation") if part not in named]
    for place, part in enumerate(drawn):
        pool = np.flatnonzero(parts == "train")
        count = round(len(pool) * TEST_SHARE)
        share = f"15 % of {counted(len(pool))}"
        if part == "validation":
            count = min(round(len(pool) * VALIDATION_SHARE), MOST_VALIDATION)
            share = f"one tenth (at most 5,000) of {counted(len(pool))} for training"
        count = max(1, count)
        if whole_groups and groups is not None:
            chosen = _draw_groups(groups[pool], count, len(drawn) - place, rng)
            way = "in whole groups"
        elif collection.task == "classify":
            chosen = _draw_stratified(everything.targets[pool], count, rng)
            way = "in equal shares of each class"
        else:
            chosen = rng.permutation(len(pool))[: min(count, len(pool) - 1)]
            way = "at random"
        parts[pool[chosen]] = part
        sentences.append(f"{part.capitalize()} is {share}, drawn {way} with seed {seed}.")
    _require_parts(parts, collection, whole_groups)
    train, validation, test = (np.flatnonzero(parts == part) for part in PARTS)
    split = Split(train, validation, test, seed, " ".join(sentences))
    return _dataset(collection, settings, split, groups is not None and not whole_groups)


def _dataset(collection: Collection, settings: DataSettings, split: Split, torn: bool) -> Dataset:
    images = collection.everything.images
    if not isinstance(images, StoredImages):
        require_memory(images.nbytes, f"The three parts of {collection.name}", ON_DISK)
    train, validation, test = (
        collection.everything.select(index) for index in (split.train, split.validation, split.test)
    )
    notes = list(collection.notes)
    if torn:
        notes.append(
            "The split was made at random although the images have groups: images of one group "
            "lie in several parts, and the test score will look better than it is."
        )
    for k, name in enumerate(collection.classes):
        if not (train.targets == k).any():
            notes.append(f"No training image is of the class {name}: it cannot be learnt.")
    equal = equal_groups([train.images, test.images])
    leaked = sum(
        sum(array == 1 for array, _ in group) for group in equal if group[0][0] != group[-1][0]
    )
    if leaked:
        notes.append(
            f"{counted(leaked)} of the test part {'is' if leaked == 1 else 'are'} also in train, "
            "byte for byte: the test score will look better than it is."
        )
    return Dataset(
        name=collection.name,
        source=collection.source,
        task=collection.task,
        train=train,
        validation=validation,
        test=test,
        split=split,
        fingerprint=fingerprint(
            [train, validation, test], split, collection.classes or collection.target_names
        ),
        classes=collection.classes,
        target_names=collection.target_names,
        target_units=collection.target_units,
        refused=collection.refused,
        notes=tuple(notes),
        sizes=collection.sizes,
        files_read=collection.files_read,
        pixel_unit=collection.pixel_unit,
        settings=settings,
    )


def _fold(
    collection: Collection,
    fold: tuple[int, int],
    groups: NDArray[np.str_] | None,
    seed: int,
) -> NDArray[np.str_]:
    """Parts in which one of several folds is the test part, and nothing else is named.

    The seed deals out whole groups, or images; those of each class one after the other.

    Raises:
        DataError: there are fewer groups (or images) than folds.
    """
    number, count = fold
    everything = collection.everything
    names, unit = np.unique(
        np.arange(len(everything)) if groups is None else groups, return_inverse=True
    )
    if len(names) < count:
        what = "images" if groups is None else "groups"
        raise DataError(
            f"{count} {what} or more were expected in {collection.name} for {count} folds, but it "
            f"has {len(names):,}: ask for fewer folds."
        )
    order = np.random.default_rng(seed).permutation(len(names))
    if groups is None and collection.task == "classify":
        order = order[np.argsort(everything.targets[order], kind="stable")]
    of_unit = np.empty(len(names), np.int64)
    of_unit[order] = np.arange(len(names)) % count
    return np.where(of_unit[unit] == number, "test", "").astype("U10")


def _listed(parts: list[Any]) -> str:
    text = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
    return text.capitalize()


def _follow_groups(
    parts: NDArray[np.str_], groups: NDArray[np.str_], name: str
) -> NDArray[np.str_]:
    """Parts where images without one go where the others of their group are.

    Raises DataError where the source itself puts one group into two parts.
    """
    part_of_group: dict[str, str] = {}
    for part, group in zip(parts.tolist(), groups.tolist(), strict=True):
        if part and part_of_group.setdefault(group, part) != part:
            raise DataError(
                f"All images of a group have to be in one part, but {name} has the group "
                f"{group!r} in {part_of_group[group]} and in {part}: what the network learns of a "
                "group by heart would count as knowledge. Move its images into one part."
            )
    followed = [part_of_group.get(group, "") for group in groups.tolist()]
    return np.array(followed, dtype="U10")


def _draw_stratified(
    targets: NDArray[Any], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of `count` images with each class's share, all but one of a class at most."""
    classes, inverse, sizes = np.unique(targets, return_inverse=True, return_counts=True)
    shares = sizes * count / len(targets)
    wanted = np.floor(shares).astype(np.int64)
    # What rounding down left over goes to the largest remainders, ties drawn by lot.
    order = np.lexsort((rng.random(len(classes)), -(shares - wanted)))
    wanted[order[: count - wanted.sum()]] += 1
    wanted = np.minimum(wanted, sizes - 1)
    chosen = [
        rng.permutation(np.flatnonzero(inverse == k))[: wanted[k]] for k in range(len(classes))
    ]
    return np.sort(np.concatenate(chosen))


def _draw_groups(
    groups: NDArray[np.str_], count: int, parts_to_come: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of whole groups that hold about `count` images together.

    In random order, a group is taken where it brings the number nearer to `count`; one at
    least is taken, and one at least is left for each part to come and for training.
    """
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    taken: list[int] = []
    total = 0
    for group in order:
        if len(taken) == len(names) - parts_to_come:
            break
        if abs(total + sizes[group] - count) < abs(total - count):
            taken.append(int(group))
            total += int(sizes[group])
    if not taken and len(names) > parts_to_come:
        taken = [int(order[np.argmin(sizes[order])])]
    return np.flatnonzero(np.isin(inverse, taken))


def _require_parts(parts: NDArray[np.str_], collection: Collection, whole_groups: bool) -> None:
    empty = next((part for part in PARTS if not (parts == part).any()), None)
    if empty is None:
        return
    classes = len(collection.classes)
    came = counted(len(parts)) + (f" of {classes:,} classes" if classes else "")
    if whole_groups:
        remedy = "at least three groups are needed"
    elif empty == "train":
        remedy = "name some of its images as training images"
    elif classes:
        remedy = "at least two images of each class are needed"
    else:
        remedy = "at least three images are needed"
    hint = ""
    with_numbers = Path(collection.source).suffix.lower() in NUMBERS
    if with_numbers and classes > len(parts) / 2:
        hint = " If its targets are numbers to measure, say so with --task measure."
    raise DataError(
        f"Images for train, validation and test were expected, but {collection.name} ({came}) "
        f"leaves none for {empty}: {remedy}.{hint}"
    )
