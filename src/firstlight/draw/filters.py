"""Filters as pictures: those of each convolution, and how the first ones came to be."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.insight import Filters
from firstlight.draw.mosaic import framed, mosaic
from firstlight.draw.shades import shades_over
from firstlight.draw.style import QUIET, add_panel, bare, label, new_figure

WIDTH = 9.9
TILE, GAP = 0.45, 0.08  # inches
ALONE = 16  # filters of one channel in a row
ROWS, COLUMNS = 8, 16  # filters and channels of the others
LAYERS = 8
PIXELS = 60  # of a tile, at least


def filters_figure(filters: tuple[Filters, ...]) -> Figure:
    """The filters of each convolution: blue weights are positive, orange ones negative.

    Filters of one channel stand side by side; of several channels each filter is a row, with a
    picture for each channel.

    Args:
        filters: from `firstlight.explain.filters_of`; the first eight are drawn.

    Example:
        >>> one = Filters("conv", "Conv2D", np.ones((3, 3, 1, 4), np.float32), np.zeros(4))
        >>> filters_figure((one,)).axes[0].get_title(loc="left")
        'conv: 4 filters of 3 × 3, 1 channel'
    """
    tiles = [_tiles(one) for one in filters[:LAYERS]]
    heights = [_rows(rows, columns) * (TILE + GAP) + 0.75 for rows, columns in map(_grid, tiles)]
    figure = new_figure(WIDTH, sum(heights) + 0.1)
    bottom = sum(heights) + 0.1
    for one, shown, height in zip(filters, tiles, heights, strict=False):
        bottom -= height
        _draw(figure, one, shown, bottom, height)
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
    strongest = np.square(last).sum(axis=(0, 1)).argmax(axis=0)
    rows = np.stack(
        [
            np.stack([one.weights[..., channel, k] for k, channel in enumerate(strongest.tolist())])
            for _, one in evolution
        ]
    )
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


def _tiles(filters: Filters) -> NDArray[np.float32]:
    """`(filters, channels, height, width)` of those that are drawn."""
    weights = filters.weights.transpose(3, 2, 0, 1)
    return weights[: 2 * ALONE] if weights.shape[1] == 1 else weights[:ROWS, :COLUMNS]


def _grid(tiles: NDArray[np.float32]) -> tuple[int, int]:
    return tiles.shape[0], tiles.shape[1]


def _rows(filters: int, channels: int) -> int:
    return ceil(filters / ALONE) if channels == 1 else filters


def _draw(
    figure: Figure, filters: Filters, tiles: NDArray[np.float32], bottom: float, height: float
) -> None:
    """One convolution's filters above the height `bottom`."""
    rows, columns, channels, count = filters.weights.shape
    title = f"{label(filters.layer, 40)}: {count:,} filter{'s' if count > 1 else ''} of "
    title += f"{rows} × {columns}, {channels:,} channel{'s' if channels > 1 else ''}"
    if len(tiles) < count:
        title += f"; the first {len(tiles)}"
    if tiles.shape[1] < channels:
        title += f", in their first {tiles.shape[1]} channels"
    across = ALONE if tiles.shape[1] == 1 else tiles.shape[1]
    picture, inch = _picture(
        tiles.reshape(-1, *tiles.shape[2:]), min(across, tiles[:, :, 0, 0].size)
    )
    wide, high = picture.shape[1] / inch, picture.shape[0] / inch
    axes = add_panel(figure, 0.35, bottom + height - 0.5 - high, wide, high, title=title)
    bare(axes)
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    shades = shades_over(tiles, both=True)
    shades.draw_bar(figure, WIDTH - 0.7, bottom + height - 0.5 - TILE, TILE)


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
