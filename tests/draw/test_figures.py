"""Figures hold the data they were given: read back from the artists, not from pixels."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from firstlight.core.reports import Predictions, Report
from firstlight.draw import (
    comparison_figure,
    confusion_figure,
    mistakes_figure,
    to_png,
    to_pngs,
    training_curves,
)
from firstlight.draw.mosaic import displayed, mosaic
from firstlight.draw.shades import shades_of
from firstlight.draw.style import NEGATIVE, POSITIVE, label, new_figure
from firstlight.evaluation import evaluate

EPOCHS = [
    {
        "epoch": k + 1,
        "loss": loss,
        "accuracy": 1 - loss,
        "validation_loss": validation,
        "validation_accuracy": 1 - validation,
        "images_per_second": 1000.0,
        "learning_rate": 0.01,
    }
    for k, (loss, validation) in enumerate([(0.5, 0.4), (0.2, 0.3), (0.1, 0.35)])
]


@pytest.fixture
def report() -> Report:
    """Four cats, two dogs and a hen; three mistakes, with 0.6, 0.9 and 0.7 for the wrong class."""
    targets = np.array([0, 0, 0, 0, 1, 1, 2])
    values = np.array(
        [
            [0.8, 0.1, 0.1],
            [0.7, 0.2, 0.1],
            [0.3, 0.6, 0.1],
            [0.05, 0.9, 0.05],
            [0.1, 0.8, 0.1],
            [0.2, 0.1, 0.7],
            [0.0, 0.0, 1.0],
        ],
        np.float32,
    )
    names = np.array([f"{k}.png" for k in range(7)])
    predictions = Predictions(names, values, "classify", classes=("cat", "dog", "hen"))
    return evaluate(predictions, targets, "pets, test")


def lines(axes):
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.lines}


def test_training_curves_show_every_epoch():
    loss, accuracy = training_curves(EPOCHS).axes
    assert (loss.get_title("left"), loss.get_xlabel(), loss.get_ylabel()) == (
        "loss",
        "epoch",
        "loss",
    )
    assert lines(loss) == {
        "training": [(1, 0.5), (2, 0.2), (3, 0.1)],
        "validation": [(1, 0.4), (2, 0.3), (3, 0.35)],
        "lowest": [(2, 0.3)],
    }
    assert accuracy.get_title("left") == "accuracy"
    assert lines(accuracy) == {
        "training": [(1, 0.5), (2, 0.8), (3, 0.9)],
        "validation": [(1, 0.6), (2, 0.7), (3, 0.65)],
    }


def test_one_epoch_is_a_visible_point():
    axes = training_curves(EPOCHS[:1]).axes[0]
    assert axes.lines[0].get_marker() == "o"
    assert axes.get_xlim()[0] < 1 < axes.get_xlim()[1]


def test_a_loss_that_is_not_finite_is_no_point():
    burst = [*EPOCHS[:2], {**EPOCHS[2], "loss": None, "validation_loss": None}]
    assert lines(training_curves(burst).axes[0]) == {
        "training": [(1, 0.5), (2, 0.2)],
        "validation": [(1, 0.4), (2, 0.3)],
        "lowest": [(2, 0.3)],
    }


def test_without_validation_only_the_loss_is_drawn():
    (axes,) = training_curves([{"epoch": 1, "loss": 0.5}]).axes
    assert lines(axes) == {"training": [(1, 0.5)]}


def test_comparison_has_a_line_for_each_run():
    alone = [{"epoch": 1, "loss": 0.9}]
    figure = comparison_figure({"first": EPOCHS, "$second$": EPOCHS[:2], "third": alone})
    loss, accuracy = figure.axes
    assert lines(loss) == {
        "first": [(1, 0.4), (2, 0.3), (3, 0.35)],
        "$second$": [(1, 0.4), (2, 0.3)],
        "third (training)": [(1, 0.9)],
    }
    assert set(lines(accuracy)) == {"first", "$second$"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(lines(loss))
    # Told apart in colour and, on a grey print, by dashes.
    assert len({line.get_color() for line in loss.lines}) == 3
    assert len({line.get_linestyle() for line in loss.lines}) == 3


def test_confusion_figure_has_its_counts_in_their_cells(report):
    (axes,) = confusion_figure(report).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert axes.get_title("left") == "right 4, wrong 3"
    cells = {text.get_position(): int(text.get_text()) for text in axes.texts}
    expected = {(j, i): n for (i, j), n in np.ndenumerate(report.confusion) if n}
    assert cells == expected
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [text.get_text() for text in ticks] == ["cat", "dog", "hen"]


def test_right_is_blue_and_wrong_is_orange(report):
    colours = confusion_figure(report).axes[0].images[0].get_array()
    assert np.allclose(colours[2, 2], to_rgb(POSITIVE))  # all hens found
    half = 1 - 0.5 * (1 - np.array(to_rgb(POSITIVE)))
    assert np.allclose(colours[0, 0], half)  # two of four cats
    strongest = 1 - 0.85 * (1 - np.array(to_rgb(NEGATIVE)))
    assert np.allclose(colours[0, 1], strongest)  # the most frequent mistake
    rarer = 1 - 0.85 * np.sqrt(0.5) * (1 - np.array(to_rgb(NEGATIVE)))
    assert np.allclose(colours[1, 2], rarer)  # half as frequent
    assert np.array_equal(colours[1, 0], [1, 1, 1])  # never


def test_many_classes_go_without_numbers():
    classes = tuple(f"class {k}" for k in range(70))
    predictions = Predictions(
        np.array([str(k) for k in range(70)]),
        np.eye(70, dtype=np.float32),
        "classify",
        classes=classes,
    )
    (axes,) = confusion_figure(evaluate(predictions, np.arange(70), "many")).axes
    assert len(axes.texts) == 0
    assert len(axes.get_xticks()) == 0


def test_a_report_of_values_has_no_confusion_matrix(report):
    with pytest.raises(ValueError, match="no confusion matrix"):
        confusion_figure(replace(report, confusion=None))


def test_mistakes_figure_shows_image_and_words(report):
    images = np.arange(7, dtype=np.uint8)[:, None, None, None] * np.full((1, 4, 4, 1), 30, np.uint8)
    (axes,) = mistakes_figure(report, images).axes
    words = [text.get_text() for text in axes.texts]
    assert words == [
        "true cat",
        "said dog, 90.0 %",
        "true dog",
        "said hen, 70.0 %",
        "true cat",
        "said dog, 60.0 %",
    ]
    picture = axes.images[0].get_array()
    first = axes.texts[0].get_position()[0]
    assert picture[0, round(first)].tolist() == [90, 90, 90]  # image 3


def test_no_mistakes_are_said(report):
    keep = np.array([0, 1])
    fine = replace(
        report,
        predictions=replace(report.predictions, values=report.predictions.values[keep]),
        targets=report.targets[keep],
    )
    figure = mistakes_figure(fine, np.zeros((2, 4, 4, 1), np.uint8))
    assert [text.get_text() for text in figure.texts] == ["no mistakes"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        ("two\nlines\x00", "two lines "),
        ("猫", "\N{REPLACEMENT CHARACTER}"),
        ("x" * 40, "x" * 17 + "…"),
        ("$x_1$", "$x_1$"),
    ],
)
def test_labels_are_one_short_line_that_the_font_has(name, shown):
    assert label(name) == shown


def test_hostile_class_names_can_be_drawn(report):
    """Broken formulas, scripts of other languages and control characters; no warning, no error."""
    formula, unknown = "$\\frac{$", "\N{REPLACEMENT CHARACTER}"
    hostile = replace(report, classes=(formula, "猫\n<script>", ""))
    confusion = confusion_figure(hostile)
    mistakes = mistakes_figure(hostile, np.zeros((7, 4, 4, 1), np.uint8))
    comparison = comparison_figure({formula: EPOCHS, "猫": EPOCHS})
    shown = [text.get_text() for text in confusion.axes[0].get_xticklabels()]
    assert shown == [formula, f"{unknown} <script>", ""]
    assert [text.get_text() for text in mistakes.axes[0].texts[:2]] == [
        f"true {formula}",
        f"said {unknown} <script>, 90.0 %",
    ]
    assert [text.get_text() for text in comparison.legends[0].get_texts()] == [formula, unknown]
    figures = {"confusion": confusion, "mistakes": mistakes, "comparison": comparison}
    for name, png in to_pngs(figures).items():
        size = (figures[name].get_size_inches() * figures[name].dpi).round()
        assert Image.open(io.BytesIO(png)).size == pytest.approx(tuple(size), abs=1)


def test_png_has_the_size_of_the_figure():
    image = Image.open(io.BytesIO(to_png(new_figure(2, 1, "title"))))
    assert image.size == (220, 110)


def test_bytes_are_shown_as_they_are():
    images = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    assert np.array_equal(displayed(images), images)
    grey = displayed(images[..., :1])
    assert np.array_equal(grey, np.repeat(images[..., :1], 3, axis=3))


def test_other_types_are_stretched():
    images = np.linspace(0, 60_000, 1000).reshape(10, 10, 10, 1).astype(np.uint16)
    shown = displayed(images)
    assert (shown.min(), shown.max()) == (0, 255)
    # Linear between the 1st and the 99th percentile, 600 and 59,400, for whole numbers and colour.
    assert shown[1, 0, 0].tolist() == [round((images[1, 0, 0, 0] - 600) / 58_800 * 255)] * 3
    colour = displayed(np.repeat(images, 3, axis=3).astype(np.float32))
    assert np.array_equal(colour, shown)
    flat = displayed(np.full((1, 4, 4, 1), 7, np.uint16))
    assert flat.shape == (1, 4, 4, 3)


def test_maps_of_both_signs_are_white_at_zero():
    images = np.linspace(-5, 5, 1001, dtype=np.float32).reshape(7, 11, 13, 1)
    shades = shades_of(images)
    # The 1st and the 99th percentile.
    assert (shades.low, shades.high) == pytest.approx((-4.9, 4.9))
    shown = displayed(images)
    assert shown.reshape(-1, 3)[500].tolist() == [255, 255, 255]
    orange, blue = shown[0, 0, 0].astype(int), shown[-1, -1, -1].astype(int)
    assert orange[0] > orange[2]
    assert blue[2] > blue[0]
    # Both sides reach equally far, also where one of them holds more.
    assert shades_of(np.abs(images) - 1).low == pytest.approx(-3.95)
    assert shades_of(1 - np.abs(images)).high == pytest.approx(3.95)


def test_maps_of_one_sign_go_from_white_to_blue():
    images = np.linspace(2, 3, 100, dtype=np.float64).reshape(1, 10, 10, 1)
    shades = shades_of(images)
    assert (shades.low, shades.high) == pytest.approx((2.01, 2.99), abs=1e-3)
    shown = displayed(images)
    assert shown[0, 0, 0].tolist() == [255, 255, 255]
    assert shown[0, -1, -1].tolist() == [round(255 * part) for part in to_rgb("#0A2F5C")]
    assert displayed(np.full((1, 4, 4, 1), 2.0)).shape == (1, 4, 4, 3)


def test_large_images_are_averaged_down():
    images = np.zeros((1, 300, 260, 1), np.uint8)
    images[:, ::3] = 90
    shown = displayed(images)
    assert shown.shape == (1, 100, 86, 3)
    assert set(shown.ravel().tolist()) == {30}


def test_mosaic_has_each_tile_above_its_foot():
    tiles = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 3), np.uint8)
    picture, feet = mosaic(tiles, columns=2, gap=1, below=4)
    assert picture.shape == (3 * (2 + 4), 2 * (3 + 1) - 1, 3)
    assert feet == [(1, 1.5), (5, 1.5), (1, 7.5), (5, 7.5), (1, 13.5)]
    for k, (x, y) in enumerate(feet):
        assert picture[int(y), int(x), 0] == k + 1
        assert picture[int(y) + 1, int(x), 0] == 255


def test_large_losses_leave_no_factor_over_the_title():
    figure = training_curves([{"epoch": k, "loss": 1e6 / k, "rmse": 1e3 / k} for k in (1, 2, 3)])
    to_png(figure)
    loss = figure.axes[0]
    assert loss.yaxis.get_offset_text().get_text() == ""
    assert "1e+06" in [tick.get_text() for tick in loss.get_yticklabels()]
