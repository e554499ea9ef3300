"""Data sets as IDX files: a folder under MNIST's names, or one file with its labels beside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from firstlight.core.dataset import Collection
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.arrays import block_of, collect
from firstlight.data.idx import idx_pairs, labels_beside, look_idx, read_idx
from firstlight.data.options import refuse_columns, refuse_hdu
from firstlight.data.paths import shown
from firstlight.data.targets import PART_WORDS, class_targets, targets_of

PARTS = PART_WORDS | {"t10k": "test"}  # MNIST's own name for its test part


def read_idx_folder(folder: Path, settings: DataSettings) -> Collection:
    """The pairs of IDX files in a folder: those with `train`, `t10k`, ... in their names are parts.

    Raises:
        DataError: if a file is damaged, the files do not fit together, or several data sets
            lie in the folder.
        SettingError: if the settings name columns, which IDX files do not have.
    """
    pairs = idx_pairs(folder)
    sets = sorted({_set_and_part(stem)[0] for stem in pairs})
    if len(sets) > 1:
        listed = ", ".join(shown(name) or "one without a name" for name in sets)
        raise DataError(
            f"IDX files of one data set were expected in {shown(folder)}, but there are "
            f"{len(sets)} ({listed}): give each a folder of its own."
        )
    return read_idx_pairs(pairs, folder, settings)


def read_idx_file(images: Path, settings: DataSettings) -> Collection:
    """One IDX file of images with its labels beside it; the file's name says no part.

    Raises:
        DataError: if there are no labels beside it, or a file is damaged.
    """
    labels = labels_beside(images)
    if labels is None:
        raise DataError(
            f"Labels were expected beside {shown(images)}, but there are none: put the file of "
            f"labels there, named like it with labels-idx1 in place of images-idx3."
        )
    return read_idx_pairs({"": (images, labels)}, images, settings)


def _set_and_part(stem: str) -> tuple[str, str]:
    """What a file's name says besides the part of the split, and the part, "" where it says none.

    `emnist-letters-train-` gives `emnist-letters` and `train`.
    """
    words = [word for word in re.split(r"[-_. ]", stem.lower()) if word]
    parts = [word for word in words if word in PARTS]
    if parts:
        words.remove(parts[-1])
    return "-".join(words), PARTS[parts[-1]] if parts else ""


def _place(pair: tuple[str, object]) -> bool:
    """Training images come first, as their authors number them."""
    return _set_and_part(pair[0])[1] == "test"


def read_idx_pairs(
    pairs: Mapping[str, tuple[Path, Path]], source: Path, settings: DataSettings
) -> Collection:
    """A collection from pairs of images and labels; the keys name the parts."""
    refuse_columns(
        settings,
        f"the IDX files of {shown(source.name)} hold images and labels only",
        "store the images with such a column as an .npz file",
    )
    refuse_hdu(settings, f"{shown(source.name)} holds IDX files")
    blocks, labels = [], []
    for stem, (images_file, labels_file) in sorted(pairs.items(), key=_place):
        part = _set_and_part(stem)[1]
        name = shown(stem.rstrip("-_.").lower() or "images")
        block = block_of(
            partial(read_idx, images_file),
            partial(look_idx, images_file),
            (name, part, shown(images_file.name)),
            settings,
        )
        numbers = read_idx(labels_file)
        if numbers.shape != (len(block.images),) or numbers.dtype.kind not in "iu":
            raise DataError(
                f"A label for each of {len(block.images):,} images was expected in "
                f"{shown(labels_file)}, but an array of shape {numbers.shape} came."
            )
        blocks.append(block)
        labels.append(numbers)
    if settings.task == "measure":
        targets = targets_of({"label": np.concatenate(labels)}, shown(source), settings.task)
    else:
        found, numbers = np.unique(np.concatenate(labels), return_inverse=True)
        targets = class_targets([str(label) for label in found], numbers, shown(source))
    return collect(blocks, targets, source, settings, files_read=2 * len(pairs))
