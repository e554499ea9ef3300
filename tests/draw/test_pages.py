"""Pages of a run and of a comparison, read back by a parser."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from made_pages import EPOCHS, LAYERS, RUN, SCRIPT, classified, images, measured, page_of, words_of
from PIL import Image

from firstlight.core.scores import Score
from firstlight.core.trust import ClassTrust, Coverage, ReliabilityBin
from firstlight.draw import (
    comparison_page,
    headline,
    report_figures,
    report_page,
    to_pngs,
)
from firstlight.evaluation import compare


def test_report_page_of_classes(read_page):
    report = classified()
    page = read_page(page_of(report, images()))
    assert page.headings == [
        ("h1", "first-run"),
        ("h2", "Class by class"),
        ("h2", "Worst mistakes"),
        ("h2", "Training"),
        ("h2", "Network"),
        ("h2", "Data"),
        ("h2", "Settings"),
        ("h2", "Repeat it"),
    ]
    assert page.title == "first-run: firstlight report"
    assert "15 of 20 images" in page.text
    scores = report.scores["accuracy"]
    interval = f"{100 * scores.low:.2f} % to {100 * scores.high:.2f} % (95 % interval)"
    assert interval in page.text.replace("\N{NO-BREAK SPACE}", " ")
    for row in (
        [SCRIPT, "72.73\N{NO-BREAK SPACE}%", "80.00\N{NO-BREAK SPACE}%", "0.7619", "10"],
        [SCRIPT, 'cat" onload="x', "2"],
        ['cat" onload="x', SCRIPT, "3"],
        ["conv", "Conv2D", "6 × 6 × 4", "40", "2,592", "3 × 3"],
        ["layer", "kind", "makes", "parameters", "FLOPs", "sees"],
        ["dense", "Dense", "2", "290", "576", "all"],
        [f"{SCRIPT}.png", "it ends too soon"],
        ["late.png", "not an image"],
        ["model", "compact"],
        ["loss", "–"],
        ["target", "a, b"],
        ["seed", "7"],
        ["versions: keras", "3.15.1"],
    ):
        assert row in page.rows
    assert "Sizes were <i>padded</i>." in page.text
    assert "firstlight train pets & <b>" in page.text
    assert "2 epochs in 12.3 s, 1,250 images a second in the last" in page.text
    assert "330 parameters" in page.text


def test_worst_mistakes_are_the_test_images_themselves(read_page):
    report, pixels = classified(), images()
    pictures = [png for alt, png in read_page(page_of(report, pixels)).images if "truly" in alt]
    assert len(pictures) == 5
    for position, png in zip(range(15, 20), pictures, strict=True):
        shown = np.asarray(Image.open(io.BytesIO(png)))
        assert np.array_equal(shown, np.repeat(pixels[position], 3, axis=2))


def test_figures_are_embedded_unchanged(read_page):
    report = classified()
    figures = report_figures(report, EPOCHS)
    assert list(figures) == ["curves", "confusion"]
    pngs = to_pngs(figures)
    page = read_page(report_page(RUN, report, EPOCHS, LAYERS, pngs))
    assert [png for _, png in page.images] == [pngs["confusion"], pngs["curves"]]


def test_how_sure_classes_are_is_shown(read_page):
    bins = (
        ReliabilityBin(0.5, 0.75, 4, 0.612, Score(0.5, 0.2, 0.8)),
        ReliabilityBin(0.75, 1.0, 16, 0.934, Score(1.0)),
    )
    sets = (Coverage(0.95, Score(0.9, 0.8, 0.94), 1.25),)
    trust = ClassTrust(bins, 0.0312, Score(0.01, 0.005, 0.018), 1.25, sets)
    report = classified()
    report = replace(
        report, class_trust=trust, scores=report.scores | {"calibration_error": Score(0.0312)}
    )
    page = read_page(page_of(report, images()))
    headings = [title for _, title in page.headings]
    place = headings.index("Can its probabilities be trusted?")
    assert headings[place - 1] == "Class by class"
    assert ["50 to 75", "4", "61.2", "50.0", "20.0 to 80.0"] in page.rows
    assert ["75 to 100", "16", "93.4", "100.0", "–"] in page.rows
    assert "calibration error3.12 %mean distance between" in words_of(page)
    assert "off by 3.12 % on average (the expected calibration error)" in page.text
    assert "Its logits were divided by a temperature of 1.25." in page.text
    assert (
        "Sets that are to hold 95 % of true classes held 90 % (80 to 94 %), with 1.25 classes on "
        "average: they are too small."
    ) in page.text


def test_a_loss_that_is_not_finite_is_a_dash(read_page):
    """An epoch event has None where a number was not finite."""
    burst = [EPOCHS[0], {**EPOCHS[1], "loss": None, "validation_loss": None}]
    report = classified()
    pngs = to_pngs(report_figures(report, burst))
    page = read_page(report_page(RUN, report, burst, LAYERS, pngs))
    assert "At the end: loss –, validation loss –." in page.text


def test_what_has_no_unit_is_a_dash(read_page):
    run = {
        **RUN,
        "data": {"target_names": ["a", "b"], "target_units": ["", ""], "sides": ["m", ""]},
    }
    page = read_page(page_of(measured(), run=run))
    assert ["target names", "a, b"] in page.rows
    assert ["target units", "–"] in page.rows
    assert ["sides", "m, –"] in page.rows


def test_a_page_needs_little(read_page):
    """A model that was not trained here: no epochs, no layers, an empty run."""
    report = classified()
    page = read_page(report_page({}, report, [], (), to_pngs(report_figures(report, []))))
    assert [title for _, title in page.headings] == [report.data, "Class by class", "Data"]


def test_no_mistakes_are_said(read_page):
    page = read_page(page_of(classified(right=20), images()))
    assert "There are none." in page.text


def test_notes_of_a_report_stand_under_the_headline(read_page):
    note = f"170 of these 200 {SCRIPT} images were used in training."
    page = read_page(page_of(replace(classified(), notes=(note,))))
    assert page.text.index("15 of 20") < page.text.index(note) < page.text.index("Class by class")


def test_accuracy_at_the_end_of_training_is_in_percent(read_page):
    epochs = [{**EPOCHS[0], "accuracy": 0.9, "validation_accuracy": 0.8765}]
    report = classified()
    pngs = to_pngs(report_figures(report, epochs))
    page = read_page(report_page(RUN, report, epochs, LAYERS, pngs))
    words = "loss 0.5, validation loss 0.4, validation accuracy 87.65 %."
    assert words in page.text.replace("\N{NO-BREAK SPACE}", " ")


def test_headline_says_where_the_mean_would_have_been_better():
    report = measured()
    poor = replace(report, scores={**report.scores, "r2": Score(-0.25)})
    assert headline(poor).startswith(
        "It is worse than always answering the mean of the true values"
    )
    assert "worse" not in headline(replace(report, scores={**report.scores, "r2": Score(0.0)}))
    several = replace(
        report, scores={"rmse": Score(1.0), "r2": Score(0.2), "r2 of mass": Score(-1)}
    )
    assert headline(several).startswith("For mass it is worse than")


def test_one_image_is_not_images():
    report = measured()
    assert " on 1 image that it was" in headline(replace(report, count=1))


def test_headline_without_interval_is_one_sentence():
    report = measured()
    bare = replace(report, scores={"rmse": replace(report.scores["rmse"], low=None, high=None)})
    assert headline(bare).endswith("images that it was not trained on.")


@pytest.mark.parametrize("trained", [True, False])
def test_comparison_page(read_page, trained):
    comparison = compare({"first": classified(), SCRIPT: classified(right=20)})
    differing = {"batch_size": {"first": 8, SCRIPT: None}} if trained else {}
    comparison = replace(comparison, settings=differing)
    epochs = {name: EPOCHS if trained else [] for name in comparison.runs}
    page = read_page(comparison_page(comparison, epochs))
    assert comparison.differences[0].sentence in page.text
    assert (["batch size", "8", "–"] in page.rows) == trained
    assert ("None." in page.text) != trained
    assert ["first", "75.00\N{NO-BREAK SPACE}%", "–", "–", "–"] in page.rows
    assert any(
        row[1:3] == ["100.00\N{NO-BREAK SPACE}%", "+25.00\N{NO-BREAK SPACE}%"] for row in page.rows
    )
    assert [alt for alt, _ in page.images] == [f"Curves of first, {SCRIPT}."] * trained
