"""Images that are equal byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firstlight.core.stored import ImageArray, StoredImages

CHUNK = 1 << 22  # bytes that are looked at at a time


def content_keys(images: ImageArray) -> NDArray[np.uint64]:
    """`(N,)` a number for each image's bytes; equal images have equal numbers.

    Images on disk have their digests for that.

    The bytes, eight at a time, times fixed random odd numbers, summed modulo 2^64: fast in
    NumPy, and whoever needs certainty compares the few candidates byte for byte.
    """
    if isinstance(images, StoredImages):
        return images.digests
    count = len(images)
    rows = np.ascontiguousarray(images).reshape(count, -1).view(np.uint8)
    words, rest = divmod(rows.shape[1], 8)
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 2**63, words + 8, np.uint64) * np.uint64(2) + np.uint64(1)
    keys = np.zeros(count, np.uint64)
    step = max(1, CHUNK // max(1, rows.shape[1]))
    for start in range(0, count, step):
        chunk = rows[start : start + step]
        whole = np.ascontiguousarray(chunk[:, : words * 8]).view(np.uint64)
        part = chunk[:, words * 8 :].astype(np.uint64)
        # Differences in high bits alone would leave few bits of the sum to tell them by.
        whole = whole ^ (whole >> np.uint64(32))
        keys[start : start + step] = (whole * weights[:words]).sum(axis=1, dtype=np.uint64)
        keys[start : start + step] += (part * weights[words : words + rest]).sum(
            axis=1, dtype=np.uint64
        )
    return keys


def image_digests(images: ImageArray) -> NDArray[np.uint64]:
    """A 64-bit BLAKE2b digest of each image's bytes, the same in every process.

    Args:
        images: `(N, ...)` of any type; of images on disk the digests are known.

    Returns:
        `(N,)`: equal images of one type have equal digests, and others, but for one pair in
        2^64, different ones.

    Example:
        >>> digests = image_digests(np.array([[[[1]]], [[[2]]], [[[1]]]], np.uint8))
        >>> digests[0] == digests[2], digests[0] == digests[1]
        (np.True_, np.False_)
    """
    if isinstance(images, StoredImages):
        return images.digests
    rows = np.ascontiguousarray(images)
    digests = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def equal_groups(images: Sequence[ImageArray]) -> list[list[tuple[int, int]]]:
    """Groups of two or more equal images over several arrays, as (array, row) in order.

    Example:
        >>> pair = np.array([[[[1]]], [[[2]]]], np.uint8)
        >>> equal_groups([pair, pair[1:]])
        [[(0, 1), (1, 0)]]
    """
    keys = np.concatenate([content_keys(array) for array in images])
    starts = np.cumsum([0] + [len(array) for array in images])
    order = np.argsort(keys, kind="stable")
    same = keys[order][1:] == keys[order][:-1]
    # Runs of equal keys begin where `same` turns true.
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    groups: list[list[tuple[int, int]]] = []
    for begin, end in edges.reshape(-1, 2):
        by_bytes: dict[bytes, list[tuple[int, int]]] = {}
        for position in order[begin : end + 1]:
            array = int(np.searchsorted(starts, position, "right")) - 1
            row = int(position - starts[array])
            by_bytes.setdefault(images[array][row].tobytes(), []).append((array, row))
        groups.extend(group for group in by_bytes.values() if len(group) > 1)
    return groups
