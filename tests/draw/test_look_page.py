"""The page of a look inside a network, and its figures."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from firstlight.core.insight import (
    Filters,
    KernelAtWork,
    LayerAnswer,
    Look,
    Saliency,
    SanityCheck,
)
from firstlight.core.opened_numbers import (
    LayerParameters,
    OpenedNumber,
    ParameterArray,
    Softmax,
    Step,
)
from firstlight.draw import look_figures, look_page, to_pngs
from firstlight.draw.filters import evolution_figure, filters_figure
from firstlight.draw.kernel import PADDING, kernel_figure
from firstlight.draw.layers import MAPS, NUMBERS
from firstlight.draw.saliency import saliency_figure

ODD = "<b>cat</b> $x_1$"


def at_work(size=3, channels=5, before=1):
    """A kernel whose first row and column lie in the padding."""
    random = np.random.default_rng(0)
    received = random.normal(size=(8, 8, channels)).astype("float32")
    rows = np.arange(size) - before
    inside = rows >= 0
    patch = received[np.ix_(rows.clip(0), rows.clip(0))] * (inside[:, None] & inside)[..., None]
    weights = random.normal(size=(size, size, channels)).astype("float32")
    total = float((patch.astype("float64") * weights).sum()) - 0.25
    answer = random.uniform(0, 0.1, (6, 6)).astype("float32")
    answer[0, 0] = max(total, 0)
    channel_numbers = np.arange(channels)
    return KernelAtWork(
        "conv",
        2,
        0,
        0,
        received,
        answer,
        rows,
        rows,
        channel_numbers,
        patch,
        weights,
        -0.25,
        "relu",
    )


def saliency(method):
    random = np.random.default_rng(1)
    values = random.normal(size=(8, 8)).astype("float32")
    check = SanityCheck((0.125, 0.0), values[::-1])
    if method == "grad_cam":
        return Saliency(method, 0, values, "relu", check=check)
    return Saliency(method, 0, values, "", float(values.sum()), 32, check)


def a_look(**changes):
    random = np.random.default_rng(2)
    filters = Filters("conv", "Conv2D", random.normal(size=(3, 3, 1, 4)), np.zeros(4))
    deep = Filters("deep", "Conv2D", random.normal(size=(3, 3, 40, 20)), np.zeros(20))
    logits = np.array([2.0, -1.0])
    exponentials = np.exp(logits)
    look = Look(
        run="digits",
        image=random.integers(0, 255, (8, 8, 1)).astype("uint8"),
        image_name=f"{ODD}.png",
        true=ODD,
        answers={ODD: 0.9526, "dog": 0.0474},
        units={},
        of=ODD,
        layers=(
            LayerAnswer("conv", "Conv2D", random.normal(size=(8, 8, 40)).astype("float32")),
            LayerAnswer("means", "GlobalAveragePooling2D", random.uniform(size=300)),
            LayerAnswer("last", "Dense", np.array([0.9526, 0.0474])),
        ),
        filters=(filters, deep),
        kernel=at_work(),
        saliency=(saliency("grad_cam"), saliency("integrated_gradients")),
        softmax=Softmax(
            logits, exponentials, exponentials.sum(), exponentials / exponentials.sum()
        ),
        numbers=(OpenedNumber("loss", "How surprised.", (Step("it", "-ln(0.9526)", 0.0486),)),),
        parameters=(
            LayerParameters(
                "conv",
                "Conv2D",
                (
                    ParameterArray("kernel", ((3, "high"), (3, "wide"), (4, "filters")), True),
                    ParameterArray("bias", ((4, "filters"),), True),
                ),
            ),
        ),
        evolution=((0, filters), (2, filters)),
        notes=("Only the first network.",),
    )
    return replace(look, **changes)


def texts(figure):
    inside = [text.get_text() for axes in figure.axes for text in axes.texts]
    return inside + [text.get_text() for text in figure.texts]


def test_products_are_written_out_and_add_up():
    work = at_work()
    figure = kernel_figure(work)
    cells = figure.axes[2:]
    assert len(cells) == 9
    # Patch, weights, products of the channel that counts most.
    channel = work.largest_channels[0]
    for axes, values in zip(cells, (work.patch, work.weights, work.products), strict=False):
        shown = [float(text.get_text()) for text in axes.texts]
        np.testing.assert_allclose(shown, values[..., channel].ravel(), atol=0.00501)
    sums = work.channel_sums
    rest = sums[work.largest_channels[3:]].sum()
    line = texts(figure)[-1]
    assert f"{abs(rest):.4g} of 2 other channels" in line
    assert f"= {work.total:.4g}" in line
    assert f"relu makes it {work.value:.4g}" in line
    assert "- bias -0.25" not in line


def test_padding_is_grey():
    figure = kernel_figure(at_work())
    patch, weights, products = figure.axes[2:5]

    def grey(axes):
        return sum(
            isinstance(one, Rectangle) and one.get_facecolor()[:3] == pytest.approx(tone)
            for one in axes.patches
        )

    tone = [int(PADDING[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    assert [grey(axes) for axes in (patch, weights, products)] == [5, 0, 5]


def test_wide_kernels_have_no_numbers_in_their_cells():
    figure = kernel_figure(at_work(size=7, channels=1, before=0))
    assert all(not axes.texts for axes in figure.axes)
    assert "other channel" not in texts(figure)[-1]


def picture_of(figure, number=0):
    """Where a picture of weights is dark blue: the middle of each such tile, in tiles."""
    pixels = np.asarray(figure.axes[number].images[0].get_array()).astype(int)
    dark = np.argwhere((pixels == [10, 47, 92]).all(axis=2))
    return {(int(row), int(column)) for row, column in dark // 72}


@pytest.mark.parametrize(
    ("channels", "filters", "expected"),
    [
        # Filter 1 alone is not 0, in its last channel: a column of a few, a row of many.
        (1, 20, {(0, 1)}),
        (3, 20, {(2, 1)}),
        (6, 20, {(1, 5)}),
    ],
)
def test_filters_stand_in_columns_or_in_rows(channels, filters, expected):
    weights = np.zeros((3, 3, channels, filters), np.float32)
    weights[..., channels - 1, 1] = 0.5
    figure = filters_figure((Filters("conv", "Conv2D", weights, np.zeros(filters)),))
    assert picture_of(figure) == expected


def test_evolution_follows_the_channel_that_matters_in_the_end():
    before = np.zeros((3, 3, 2, 2), np.float32)
    before[..., 0, 0] = 1.0
    after = np.zeros((3, 3, 2, 2), np.float32)
    after[..., 1, 0], after[..., 0, 1] = 1.0, 1.0
    rows = [Filters("conv", "Conv2D", weights, np.zeros(2)) for weights in (before, after)]
    figure = evolution_figure(((0, rows[0]), (3, rows[1])))
    assert picture_of(figure) == {(1, 0), (1, 1)}
    assert texts(figure)[-2:] == ["before", "epoch 3"]


def test_blue_speaks_for_and_orange_against():
    values = np.zeros((8, 8), np.float32)
    values[0, 0], values[7, 7] = 2.0, -2.0
    look = a_look(saliency=(replace(saliency("grad_cam"), values=values),))
    figure = saliency_figure(look)
    over = figure.axes[1].images[-1].get_array()
    under = np.asarray(over[4, 4], float)
    assert len(set(under.tolist())) == 1
    # Nine parts of the colour, one of the pale image.
    for place, colour in (((0, 0), (0x16, 0x68, 0xC7)), ((7, 7), (0xD9, 0x69, 0x0F))):
        np.testing.assert_allclose(over[place], 0.9 * np.array(colour) + 0.1 * under, atol=5)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[2] == "with shuffled weights, correlation 0.06"


def test_the_page_holds_everything_and_escapes_it(read_page):
    look = a_look()
    page = read_page(look_page(look, to_pngs(look_figures(look))))
    headings = [words for _, words in page.headings]
    assert headings[0] == "Inside digits"
    assert headings[1:4] == ["A kernel at work", "Filters", "How they came to be"]
    assert f"Where the answer {ODD} comes from" in headings
    assert "conv (Conv2D): 8 × 8 × 40" in headings
    assert f"The first {MAPS} of 40 maps." in page.text
    assert f"The first {NUMBERS} of 300 numbers." in page.text
    assert "the window reaches over the edge" in page.text
    assert f"It says {ODD}, with a probability of 95.26 %; true is {ODD}." in page.text
    assert "Only the first network." in page.text
    assert page.text.count("the rank correlation is 0.06") == 2
    assert ["dog", "-1.0000", "0.3679", "0.04743"] in page.rows
    assert ["it", "-ln(0.9526)", "0.0486"] in page.rows
    assert ["", "", "bias: 4 filters = 4", "40"] in page.rows
    assert page.rows[-1] == ["all layers", "", "", "40"]
    assert "b" not in page.tags
    # Kernel, filters, evolution, saliency, and one for each layer.
    assert len(page.images) == 7


def test_each_map_is_on_the_page_pixel_by_pixel(read_page):
    values = np.zeros((4, 4, 2), np.float32)
    values[1, 2, 1] = 1.0
    look = a_look(layers=(LayerAnswer("maps", "ReLU", values),))
    page = read_page(look_page(look, to_pngs(look_figures(look))))
    png = next(png for words, png in page.images if words == "maps: 4 × 4 × 2.")
    pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    # 14 pixels for one, a frame of 1 around each map and 4 between them.
    assert pixels.shape == (62, 120, 3)
    dark = np.argwhere(pixels.sum(axis=2) < 300)
    assert dark.min(axis=0).tolist() == [15, 62 + 29]
    assert len(dark) == 14 * 14


def test_measured_numbers_and_networks_without_maps(read_page):
    look = a_look(
        true={"mass": 2.0},
        answers={"mass": 2.5, "size": 1.0},
        units={"mass": "kg", "size": ""},
        of="mass",
        filters=(),
        kernel=None,
        evolution=(),
        softmax=None,
        saliency=(saliency("integrated_gradients"),),
    )
    figures = look_figures(look)
    assert list(figures) == ["saliency"]
    page = read_page(look_page(look, to_pngs(figures)))
    assert "It says mass = 2.5 kg (true: 2 kg), size = 1." in page.text
    headings = [words for _, words in page.headings]
    assert "Filters" not in headings
    assert not any(words.startswith("Softmax") for words in headings)
