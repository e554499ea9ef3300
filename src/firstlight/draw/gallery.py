"""Images on a page, each with words below it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import numpy as np
from numpy.typing import NDArray

from firstlight.core.stored import ImageArray
from firstlight.draw.html import data_uri, paragraph, pixels_to_png
from firstlight.draw.mosaic import displayed
from firstlight.draw.shades import is_map, shades_of


def gallery(
    images: ImageArray,
    positions: NDArray[np.int64],
    words: Callable[[int], tuple[str, ...]],
    unit: str = "",
) -> str:
    """The images at `positions` with words below each; maps with what their colours mean.

    Args:
        images: `(N, H, W, C)`.
        positions: which of them, in the order of the gallery.
        words: for a position, what the image is (its `alt` text), a line in ink and lines in grey.
        unit: that of the pixels.

    Example:
        >>> html = gallery(np.zeros((2, 4, 4, 1), np.uint8), np.array([1]), lambda k: ("a", "b"))
        >>> html.count("<img"), '<span class="said">b</span>' in html
        (1, True)
    """
    chosen = images[positions]
    items = []
    for position, pixels in zip(positions.tolist(), displayed(chosen), strict=True):
        alt, said, *others = (escape(line) for line in words(position))
        lines = "".join(f"<span>{line}</span>" for line in others)
        items.append(
            f'<li><img src="{data_uri(pixels_to_png(pixels))}" alt="{alt}">'
            f'<span class="said">{said}</span>{lines}</li>'
        )
    shown = f'<ul class="gallery">{"".join(items)}</ul>'
    if is_map(chosen):
        shown += paragraph(shades_of(chosen).in_words(unit), "quiet")
    return shown
