"""`firstlight look --save`: the inside of a network, for one image, as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import ceil

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firstlight.core.insight import KernelAtWork, LayerAnswer, Look
from firstlight.core.notebook import readable
from firstlight.draw.filters import evolution_figure, filters_figure
from firstlight.draw.html import chart, page, paragraph, pixels_to_png, section, table
from firstlight.draw.kernel import kernel_figure
from firstlight.draw.layers import map_pixels
from firstlight.draw.mosaic import framed, mosaic
from firstlight.draw.opened import Opened, opened_tables
from firstlight.draw.saliency import reading, saliency_figure

ACROSS = 16  # maps in a row
TILE = 56  # pixels of a map on the page, about

KERNEL = (
    "A convolution slides a small window over what it receives. At each place it multiplies the "
    "numbers under the window, the patch, by the filter's weights, cell by cell, and adds "
    "everything up with the bias: that is one number of its answer. The same weights are used at "
    "every place, so a filter finds its pattern wherever it is: where the patch looks like the "
    "weights, the sum is large."
)
FILTERS = (
    "The weights of each filter are what training has moved. Where they are blue, bright pixels "
    "raise the answer; where they are orange, they lower it. A blue stripe beside an orange one "
    "answers to an edge."
)
EVOLUTION = (
    "The same filters before training, when they are random numbers, and after some of its epochs."
)
MAPS_READING = (
    "Every layer's answer to this image, in the order in which they run. Each small picture is "
    "one feature map: one filter's answer at every place. Layers further on have smaller and more "
    "maps, which tell what is there rather than where. Behind Flatten and in dense layers numbers "
    "belong to no place any more; they are shown as one cell each, row by row."
)
SALIENCY = (
    "Blue places speak for the answer or raise the number, orange ones speak against it or lower "
    "the number. Such a picture says what the "
    "network's arithmetic depends on; it does not say why. A picture that stays the same when the "
    "weights are shuffled cannot show what was learned (Adebayo et al. 2018), so each one is held "
    "against those of the same network with the weights of each layer shuffled."
)


def look_figures(look: Look) -> dict[str, Figure]:
    """The figures of `firstlight look`, by name.

    Returns:
        `kernel` and `filters` where there is a convolution, `evolution` where earlier weights are
        kept, and `saliency`.

    Example:
        >>> from firstlight.core.insight import Saliency
        >>> ones = np.ones((4, 4), np.float32)
        >>> found = Saliency("integrated_gradients", 0, ones, difference=16.0)
        >>> look = Look("digits", np.zeros((4, 4, 1), np.uint8), "a.png", None, {"7": 0.9}, {},
        ...     "7", (), (), None, (found,), None, (), ())
        >>> list(look_figures(look))
        ['saliency']
    """
    figures = {}
    if look.kernel is not None:
        figures["kernel"] = kernel_figure(look.kernel)
    if look.filters:
        figures["filters"] = filters_figure(look.filters)
    if look.evolution:
        figures["evolution"] = evolution_figure(look.evolution)
    figures["saliency"] = saliency_figure(look)
    return figures


def look_page(look: Look, figures: Mapping[str, bytes]) -> str:
    """A look inside a network as one HTML file that loads nothing.

    Args:
        look: what was found.
        figures: `look_figures` as PNG files (`to_pngs`).

    Returns:
        The page; every text in it is escaped.

    Example:
        >>> from firstlight.draw.style import to_pngs
        >>> from firstlight.core.insight import Saliency
        >>> ones = np.ones((4, 4), np.float32)
        >>> found = Saliency("integrated_gradients", 0, ones, difference=16.0)
        >>> look = Look("digits", np.zeros((4, 4, 1), np.uint8), "a.png", None, {"7": 0.9}, {},
        ...     "7", (), (), None, (found,), None, (), ())
        >>> "It says 7" in look_page(look, to_pngs(look_figures(look)))
        True
    """
    body = [
        f'<header><p class="over">firstlight look: {escape(look.image_name)}</p>'
        f"<h1>Inside {escape(look.run)}</h1>{paragraph(look.headline(), 'result')}"
        + "".join(paragraph(note, "warning") for note in look.notes)
        + "</header>",
        _kernel(look.kernel, figures),
        _filters(figures),
        section("What each layer answers", paragraph(MAPS_READING), *map(_layer, look.layers)),
        _saliency(look, figures),
        *map(_opened, opened_tables(look)),
    ]
    title = f"{look.run}: a look inside"
    return page(title, "\n".join(part for part in body if part))


def _kernel(work: KernelAtWork | None, figures: Mapping[str, bytes]) -> str:
    if work is None:
        return ""
    alt = (
        f"Filter {work.filter} of {work.layer} at row {work.row}, column {work.column}: the "
        f"products and the bias {readable(work.bias)} add up to {readable(work.total)}."
    )
    where = (
        f"Shown is filter {work.filter} of {work.layer}, at row {work.row} and column "
        f"{work.column} of its answer."
    )
    if not work.inside.all():
        where += " There the window reaches over the edge: what lies outside counts as 0 (grey)."
    return section(
        "A kernel at work",
        paragraph(KERNEL),
        chart(figures["kernel"], alt, "picture"),
        paragraph(where),
    )


def _filters(figures: Mapping[str, bytes]) -> str:
    if "filters" not in figures:
        return ""
    came = ""
    if "evolution" in figures:
        picture = chart(figures["evolution"], "The first filters epoch by epoch.", "picture")
        came = section("How they came to be", paragraph(EVOLUTION), picture, level=3)
    return section(
        "Filters",
        paragraph(FILTERS),
        chart(figures["filters"], "The filters of each convolution.", "picture"),
        came,
    )


def _layer(answer: LayerAnswer) -> str:
    """One layer's answer as small pictures, or as cells."""
    shape = " × ".join(map(str, answer.shape))
    pixels, words = map_pixels(answer)
    image = chart(pixels_to_png(_mosaic(pixels)), f"{answer.name}: {shape}.", "picture")
    title = f"{answer.name} ({answer.kind}): {shape}"
    return section(title, image, paragraph(words, "quiet"), level=3)


def _mosaic(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tiles `(N, h, w, 3)` side by side, each pixel large enough to be seen."""
    cells = pixels.shape[1] == 1
    times = 12 if cells else max(1, ceil(TILE / max(pixels.shape[1:3])))
    large = pixels.repeat(times, axis=1).repeat(times, axis=2)
    if not cells:
        large = framed(large)
    columns = min(len(large), 64 if cells else ACROSS)
    return mosaic(large, columns, 0 if cells else 4, 0 if cells else 4)[0]


def _saliency(look: Look, figures: Mapping[str, bytes]) -> str:
    sentences = [
        sentence for found in look.saliency for sentence in (reading(found), found.sentence())
    ]
    return section(
        look.question,
        paragraph(SALIENCY),
        chart(figures["saliency"], f"Saliency for {look.of}.", "picture"),
        *map(paragraph, filter(None, sentences)),
    )


def _opened(opened: Opened) -> str:
    return section(
        opened.title,
        paragraph(opened.meaning),
        table(opened.heads, opened.rows, words=opened.words),
    )
