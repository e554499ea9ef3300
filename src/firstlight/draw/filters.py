"""Filters as pictures: those of each convolution, and how the first ones came to be."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.insight import Filters
from firstlight.draw.layers import strongest
from firstlight.draw.mosaic import framed, mosaic
from firstlight.draw.shades import shades_over
from firstlight.draw.style import QUIET, add_panel, bare, label, new_figure

WIDTH = 9.9
TILE, GAP = 0.45, 0.08  # inches
ALONE = 16  # filters of one channel in a row
ROWS, COLUMNS = 8, 16  # filters and channels of the others
FEW = 4  # channels that stand one below the other
LAYERS = 8
PIXELS = 60  # of a tile, at least


def filters_figure(filters: tuple[Filters, ...]) -> Figure:
    """The filters of each convolution: blue weights are positive, orange ones negative.

    Of a few channels each filter is a column, with a picture for each channel; of more channels
    each filter is a row. Filters of a single channel go on in the next row.

    Args:
        filters: from `firstlight.explain.filters_of`; the first eight are drawn.

    Example:
        >>> one = Filters("conv", "Conv2D", np.ones((3, 3, 1, 4), np.float32), np.zeros(4))
        >>> filters_figure((one,)).axes[0].get_title(loc="left")
        'conv: 4 filters of 3 × 3, 1 channel'
    """
    tiles = [_tiles(one) for one in filters[:LAYERS]]
    heights = [len(shown) * (TILE + GAP) + 0.7 for shown in tiles]
    figure = new_figure(WIDTH, sum(heights) + 0.1)
    bottom = sum(heights) + 0.1
    for one, shown, height in zip(filters, tiles, heights, strict=False):
        bottom -= height
        _draw(figure, one, shown, bottom + height - 0.45)
    return figure


def evolution_figure(evolution: tuple[tuple[int, Filters], ...]) -> Figure:
    """The first filters of the first convolution after each epoch that is kept.

    Args:
        evolution: the number of epochs and the filters then; of several channels, each filter's
            channel with the largest weights at the end is drawn.

    Example:
        >>> one = Filters("conv", "Conv2D", np.ones((3, 3, 1, 4), np.float32), np.zeros(4))
        >>> len(evolution_figure(((0, one), (1, one))).axes)
        1
    """
    last = evolution[-1][1].weights[..., :ALONE]
    rows = np.stack([strongest(one.weights[..., :ALONE], by=last) for _, one in evolution])
    count = rows.shape[1]
    left = 1.1
    height = len(rows) * (TILE + GAP) + 0.5
    figure = new_figure(WIDTH, height)
    picture, inch = _picture(rows.reshape(-1, *rows.shape[2:]), count)
    across, down = picture.shape[1] / inch, picture.shape[0] / inch
    axes = add_panel(figure, left, height - 0.35 - down, across, down)
    bare(axes)
    axes.set_title(f"{label(evolution[0][1].layer, 30)}, filter by filter", loc="left", fontsize=10)
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    for row, (epoch, _) in enumerate(evolution):
        words = "before" if epoch == 0 else f"epoch {epoch}"
        y = (height - 0.35 - row * (TILE + GAP) - TILE / 2) / height
        figure.text(0.3 / WIDTH, y, words, fontsize=9, color=QUIET, va="center")
    return figure


def _tiles(filters: Filters) -> list[NDArray[np.float32]]:
    """The pictures of each row, `(columns, height, width)`."""
    weights = filters.weights.transpose(3, 2, 0, 1)
    channels = weights.shape[1]
    if channels == 1:
        alone = weights[: 2 * ALONE, 0]
        return [alone[start : start + ALONE] for start in range(0, len(alone), ALONE)]
    if channels <= FEW:
        return list(weights[:ALONE].swapaxes(0, 1))
    return list(weights[:ROWS, :COLUMNS])


def _title(filters: Filters) -> str:
    rows, columns, channels, count = filters.weights.shape
    title = f"{label(filters.layer, 40)}: {count:,} filter{'s' if count > 1 else ''} of "
    title += f"{rows} × {columns}, {channels:,} channel{'s' if channels > 1 else ''}"
    most = 2 * ALONE if channels == 1 else ALONE if channels <= FEW else ROWS
    which = "" if count <= most else f" the first {most}"
    if channels > 1:
        which += ", a filter in each " + ("column" if channels <= FEW else "row")
    if channels > COLUMNS:
        which += f", its first {COLUMNS} channels"
    return f"{title};{which.removeprefix(',')}" if which else title


def _draw(figure: Figure, filters: Filters, rows: list[NDArray[np.float32]], top: float) -> None:
    """One convolution's filters below the height `top`."""
    tiles = np.concatenate(rows)
    picture, inch = _picture(tiles, len(rows[0]))
    wide, high = picture.shape[1] / inch, picture.shape[0] / inch
    axes = add_panel(figure, 0.35, top - high, wide, high, title=_title(filters))
    bare(axes)
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    shades_over(tiles, both=True).draw_bar(figure, WIDTH - 0.7, top - TILE, TILE)


def _picture(values: NDArray[np.float32], columns: int) -> tuple[NDArray[np.uint8], float]:
    """`(N, h, w)` weights as one picture on a common scale, and its pixels in an inch."""
    pixels = shades_over(values, both=True).pixels(values)
    times = ceil(PIXELS / max(values.shape[1:]))
    pixels = pixels.repeat(times, axis=1).repeat(times, axis=2)
    pixels = framed(pixels)
    # A tile is as high as the others, however its kernel is shaped.
    inch = max(pixels.shape[1:3]) / TILE
    gap = round(GAP * inch)
    return mosaic(pixels, columns, gap, gap)[0], inch
