"""Data sets as IDX files: a folder under MNIST's names, or one file with its labels beside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from firstlight.core.dataset import Collection
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.arrays import Block, as_images, collect
from firstlight.data.idx import idx_pairs, labels_beside, read_idx
from firstlight.data.paths import shown
from firstlight.data.targets import PART_WORDS, class_targets

PARTS = PART_WORDS | {"t10k": "test"}  # MNIST's own name for its test part


def read_idx_folder(folder: Path, settings: DataSettings) -> Collection:
    """The pairs of IDX files in a folder: `train-...` and `t10k-...` are parts of the split.

    Raises:
        DataError: if a file is damaged or the files do not fit together.
    """
    return read_idx_pairs(idx_pairs(folder), folder, settings)


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


def _place(pair: tuple[str, object]) -> int:
    """Training images come first, as their authors number them."""
    return pair[0].lower().startswith("t10k") or pair[0].lower().startswith("test")


def read_idx_pairs(
    pairs: Mapping[str, tuple[Path, Path]], source: Path, settings: DataSettings
) -> Collection:
    """A collection from pairs of images and labels; the keys name the parts."""
    blocks, labels = [], []
    for stem, (images_file, labels_file) in sorted(pairs.items(), key=_place):
        word = stem.rstrip("-_.").lower()
        images = as_images(read_idx(images_file), shown(images_file.name))
        numbers = read_idx(labels_file)
        if numbers.shape != (len(images),) or numbers.dtype.kind not in "iu":
            raise DataError(
                f"A label for each of {len(images):,} images was expected in "
                f"{shown(labels_file)}, but an array of shape {numbers.shape} came."
            )
        blocks.append(Block(images, word or "images", PARTS.get(word, "")))
        labels.append(numbers)
    found, numbers = np.unique(np.concatenate(labels), return_inverse=True)
    targets = class_targets([str(label) for label in found], numbers, shown(source))
    return collect(blocks, targets, source, settings, files_read=2 * len(pairs))
