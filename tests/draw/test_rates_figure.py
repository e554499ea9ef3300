"""The figure of a learning-rate range test holds what the test found."""

import io

import numpy as np
from PIL import Image

from firstlight.core.range_test import RangeTest
from firstlight.draw import range_test_figure, to_png

RATES = tuple(np.geomspace(1e-6, 10, 50).tolist())
SMOOTHED = tuple(2 - np.exp(-((np.arange(50) - 30) ** 2) / 60) + 1e4 * (np.arange(50) > 45))
LOSSES = tuple(value + 0.01 * (-1) ** k for k, value in enumerate(SMOOTHED))
FOUND = RangeTest(RATES, LOSSES, SMOOTHED, RATES[30], RATES[25], 0.0017, "rule", "end", "command")


def test_the_figure_shows_the_curve_and_the_suggestion():
    (axes,) = range_test_figure(FOUND).axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["one batch"].get_data(), (RATES, LOSSES))
    np.testing.assert_array_equal(lines["smoothed"].get_data(), (RATES, SMOOTHED))
    np.testing.assert_array_equal(lines["lowest"].get_data(), ([RATES[30]], [SMOOTHED[30]]))
    assert list(lines["suggested: 0.0017"].get_xdata()) == [0.0017, 0.0017]
    assert axes.get_xscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("learning rate", "loss")


def test_what_blew_up_does_not_flatten_the_rest():
    low, high = range_test_figure(FOUND).axes[0].get_ylim()
    assert 0 <= low < 1
    assert 2 < high < 3


def test_the_picture_has_both_colours():
    picture = np.asarray(Image.open(io.BytesIO(to_png(range_test_figure(FOUND)))).convert("RGB"))
    for colour in ((0x16, 0x68, 0xC7), (0xD9, 0x69, 0x0F)):
        assert (np.abs(picture.astype(int) - colour).sum(axis=2) < 12).sum() > 100
