"""What the tests of images on disk share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firstlight.core.dataset import Dataset
from firstlight.core.stored import StoredImages


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


NUMBERS = np.random.default_rng(2).integers(0, 256, (40, 6, 5, 1))
