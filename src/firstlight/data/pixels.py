"""Small operations on the pixels of one picture, whatever decoded it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def upright(pixels: NDArray[Any], orientation: int, done: set[str]) -> NDArray[Any]:
    """`(H, W, C)` turned or mirrored as the orientation tag says (EXIF 2.3 and TIFF 6, tag 274).

    Adds `turned` to `done` where anything changes.

    Example:
        >>> upright(np.array([[[1], [2]]]), 6, set())[:, :, 0]
        array([[1],
               [2]])
    """
    quarter_turns, mirrored = {
        2: (0, True),
        3: (2, False),
        4: (2, True),
        5: (1, True),
        6: (3, False),
        7: (3, True),
        8: (1, False),
    }.get(orientation, (0, False))
    if quarter_turns or mirrored:
        done.add("turned")
        pixels = np.rot90(pixels[:, ::-1] if mirrored else pixels, quarter_turns)
    return np.ascontiguousarray(pixels)


def on_white(pixels: NDArray[Any]) -> NDArray[Any]:
    """Whole-number pixels whose last channel is alpha, laid on white (the type's largest number).

    Example:
        >>> on_white(np.array([[[100, 0], [100, 255]]], np.uint8))[0, :, 0]
        array([255, 100], dtype=uint8)
    """
    # 32 bits are enough: 65,535 * 65,535 + 32,767 is below 2^32.
    white = np.uint32(np.iinfo(pixels.dtype).max)
    alpha = pixels[..., -1:].astype(np.uint32)
    mixed = pixels[..., :-1] * alpha + white * (white - alpha)
    return ((mixed + white // 2) // white).astype(pixels.dtype)
