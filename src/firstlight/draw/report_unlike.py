"""The section of a report's page on images that do not look like those trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from firstlight.core.reports import Report
from firstlight.core.stored import ImageArray
from firstlight.core.verdicts import about_unlike
from firstlight.draw.gallery import gallery
from firstlight.draw.html import paragraph, section

SHOWN = 12


def unlike_section(
    report: Report,
    beside_others: Callable[[Report, NDArray[np.bool_]], list[str]],
    words: Callable[[int], tuple[str, ...]],
    images: ImageArray | None,
    unit: str,
) -> str:
    """Which images do not look like those trained on; "" where that was not looked for.

    Args:
        report: the test report.
        beside_others: sentences on how good the answers are on these images, and on all others.
        words: below an image, as in `gallery`.
        images: `(N, H, W, C)` in the report's order, or None.
        unit: that of the pixels.
    """
    unlike = report.predictions.unlike
    if unlike is None:
        return ""
    parts = [paragraph(about_unlike(report.predictions))]
    positions = np.flatnonzero(unlike)
    if 0 < len(positions) < report.count:
        parts += map(paragraph, beside_others(report, unlike))
    if len(positions) and images is not None:
        if len(positions) > SHOWN:
            parts.append(paragraph(f"The first {SHOWN} of them:"))
        parts.append(gallery(images, positions[:SHOWN], words, unit))
    return section("Images unlike the training images", *parts)
