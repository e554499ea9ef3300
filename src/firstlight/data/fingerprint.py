"""One number for everything that training sees."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Images, Split
from firstlight.core.stored import StoredImages


def fingerprint(parts: Sequence[Images], split: Split, names: Sequence[str]) -> str:
    """SHA-256 (hexadecimal) over images, targets, the names of what they mean, and the split.

    Args:
        parts: train, validation and test.
        split: which image went where.
        names: class or target names.

    Example:
        >>> one = Images(np.zeros((1, 2, 2, 1), np.uint8), np.zeros(1, np.int64), np.array(["a"]))
        >>> nowhere = np.zeros(0, np.int64)
        >>> fingerprint([one], Split(np.array([0]), nowhere, nowhere, 0, ""), ["x"])[:8]
        '95a4a7b6'
    """
    digest = hashlib.sha256()
    digest.update(repr(tuple(names)).encode())
    arrays: list[NDArray[Any]] = [split.train, split.validation, split.test]
    for part in parts:
        images = part.images
        # Of images on disk the digests, which are known: reading them all would take long.
        arrays += [images.digests if isinstance(images, StoredImages) else images, part.targets]
    for array in arrays:
        # Type and shape come first: the same bytes can be another array.
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
