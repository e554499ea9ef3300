"""Pages of a run and of a comparison, read back by a parser."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from firstlight.core.dataset import Refused
from firstlight.core.findings import LayerCost
from firstlight.core.reports import Predictions, Report
from firstlight.core.scores import Score
from firstlight.core.trust import Baseline, ClassTrust, Coverage, ReliabilityBin
from firstlight.draw import (
    comparison_page,
    headline,
    report_figures,
    report_page,
    to_pngs,
)
from firstlight.evaluation import compare, evaluate

SCRIPT = '<script>alert("x")</script>'
LAYERS = (
    LayerCost("conv", "Conv2D", (8, 8, 1), (6, 6, 4), 40, 40, 2592, 576, (3, 3)),
    LayerCost("dense", "Dense", (144,), (2,), 290, 290, 576, 8, None),
)
EPOCHS = [
    {"epoch": 1, "loss": 0.5, "validation_loss": 0.4, "images_per_second": 1234.0},
    {"epoch": 2, "loss": 0.3, "validation_loss": 0.35, "images_per_second": 1250.0},
]
RUN = {
    "name": "first-run",
    "command": ["firstlight", "train", "pets & <b>"],
    "settings": {"model": "compact", "loss": None},
    "data_settings": {"target": ["a", "b"]},
    "data": {
        "source": "pets",
        "notes": ["Sizes were <i>padded</i>."],
        "refused": [{"file": f"{SCRIPT}.png", "reason": "it ends too soon"}],
    },
    "versions": {"keras": "3.15.1"},
    "seed": 7,
    "threads": 2,
    "seconds": 12.34,
}


def classified(right: int = 15) -> Report:
    """20 images of two classes with hostile names; the last ones are wrong."""
    count = 20
    targets = np.arange(count) % 2
    said = np.where(np.arange(count) < right, targets, 1 - targets)
    values = np.where(np.eye(2)[said] == 1, 0.9, 0.1).astype(np.float32)
    predictions = Predictions(
        np.array([f"{k}{SCRIPT}.png" for k in range(count)]),
        values,
        "classify",
        classes=(SCRIPT, 'cat" onload="x'),
        refused=(Refused("late.png", "not an image"),),
    )
    return evaluate(predictions, targets, f"pets {SCRIPT}, test")


def measured() -> Report:
    random = np.random.default_rng(0)
    targets = random.normal(size=(50, 1)).astype(np.float32)
    predictions = Predictions(
        np.array([str(k) for k in range(50)]),
        targets + random.normal(size=(50, 1)).astype(np.float32),
        "measure",
        target_names=("mass",),
        target_units=("kg",),
    )
    return evaluate(predictions, targets, "stars, test")


def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)


def page_of(report: Report, pixels: np.ndarray | None = None, run: dict | None = None) -> str:
    pngs = to_pngs(report_figures(report, EPOCHS, pixels))
    return report_page(RUN if run is None else run, report, EPOCHS, LAYERS, pngs, pixels)


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


def test_report_page_of_values(read_page):
    report = measured()
    report = replace(report, scores={**report.scores, "loss": Score(float("nan"))})
    page = read_page(page_of(report))
    assert "loss–what the training made small" in page.text
    assert ("h2", "Predicted against true") in page.headings
    assert ("h2", "Worst mistakes") not in page.headings
    assert "cross-entropy" not in page.text
    assert "kg (root mean square) on 50 images" in page.text


MAPS = np.random.default_rng(2).normal(size=(360, 6, 6, 1)).astype(np.float32)


def words_of(page) -> str:
    return page.text.replace("\N{NO-BREAK SPACE}", " ")


def test_report_page_of_values_answers_in_the_order_of_the_questions(read_page, sky_report):
    page = read_page(page_of(sky_report(1), MAPS))
    assert [title for level, title in page.headings if level == "h2"] == [
        "Predicted against true",
        "Is it better than simpler ways?",
        "Where is it wrong?",
        "Can its intervals be trusted?",
        "Worst images",
        "Images unlike the training images",
        "Training",
        "Network",
        "Data",
        "Settings",
        "Repeat it",
    ]
    assert [level for level, _ in page.headings].count("h3") == 0


def test_simpler_ways_stand_beside_the_network(read_page, sky_report):
    report = sky_report(1)
    page = read_page(page_of(report))
    assert ["way", "rmse", "95 % interval", "r2"] in page.rows
    assert ["forest", "0.0652", "0.06 to 0.07", "0.946"] in page.rows
    assert ["training mean", "0.277", "0.27 to 0.284", "-0.002"] in page.rows
    rmse = report.scores["rmse"]
    network = next(row for row in page.rows if row[0] == "this network")
    assert network[1:3] == [f"{rmse.value:.3g}", f"{rmse.low:.3g} to {rmse.high:.3g}"]
    beats = "It beats every simpler way: the best of them, the forest, is off by 0.0652, the "
    assert f"{beats}network by {rmse.value:.3g}." in page.text
    leak = "A split at random would have shown r2 = 0.9991, because images of one group lie on both"
    assert f"{leak} sides." in page.text


def test_a_network_that_does_not_beat_a_simpler_way_is_told_at_once(read_page, sky_report):
    report = sky_report(2)
    (first, second) = report.trust
    poor = replace(second, baselines=(Baseline("forest", Score(0.001), Score(0.99)),))
    page = read_page(page_of(replace(report, trust=(first, poor))))
    words = "T_vir: It does not beat a simpler way: the forest is off by 0.001 kK, the network by "
    assert page.text.index(words) < page.text.index("Predicted against true")
    assert page.text.count("It does not beat") == 2
    assert page.text.count("It beats every simpler way") == 1


def test_errors_are_told_for_each_bin(read_page, sky_report):
    report = sky_report(1)
    page = read_page(page_of(report))
    row = next(row for row in report.trust[0].bins if row.column == "z" and row.low == 8.5)
    # As many decimals as the largest rmse needs for three digits: it is below 0.1.
    ends = f"{row.bias.low:.4f} to {row.bias.high:.4f}"
    assert ["8.5 to 9.5", "90", f"{row.bias.value:.4f}", ends, f"{row.rmse:.4f}"] in page.rows
    worst = max(
        (row for row in report.trust[0].bins if row.column == "z"), key=lambda row: row.rmse
    )
    assert f"It is furthest off where z is 9.5 to 10.5: by {worst.rmse:.3g} (root" in page.text


def test_what_intervals_held_is_told_in_words(read_page, sky_report):
    report = sky_report(1)
    held = replace(report.trust[0].coverage[2], covered=Score(0.88, 0.83, 0.93))
    short = replace(report.trust[0].coverage[3], covered=Score(0.88, 0.83, 0.93), width=0.25)
    trust = replace(report.trust[0], coverage=(held, short))
    page = read_page(page_of(replace(report, trust=(trust,))))
    right = "Intervals that are to hold 90 % of true values held 88 % (83 to 93 %)."
    narrow = "Intervals that are to hold 95 % of true values held 88 % (83 to 93 %): they are too"
    assert right in page.text
    assert f"{narrow} narrow." in page.text
    assert ["95", "88.0", "83.0 to 93.0", "0.25"] in page.rows
    assert "probability score: 0.0197, 0.0187 to 0.0207 (95 % interval)." in words_of(page)


def test_worst_and_odd_images_are_shown(read_page, sky_report):
    report = sky_report(1)
    page = read_page(page_of(report, MAPS, RUN | {"data": {"pixel_unit": "mK"}}))
    error = np.abs(report.predictions.values[:, 0] - report.targets[:, 0])
    worst = [f"images.npy[{k}]" for k in np.argsort(-error)[:12]]
    odd = [f"images.npy[{k}]" for k in (7, 87, 167, 247, 327)]
    assert [alt for alt, _ in page.images if alt.startswith("images")] == [*worst, *odd]
    first = int(np.argmax(error))
    said, true = report.predictions.values[first, 0], report.targets[first, 0]
    known = f"z {report.columns['z'][first]:g}{report.groups[first]}{worst[0]}"
    assert f"xHI: {said:.4g}, not {true:.4g}{known}" in page.text
    assert "5 of 360 images do not look like those that the network was trained on." in page.text
    chosen = np.isin(np.arange(360), (7, 87, 167, 247, 327))
    off, usual = (np.sqrt((error[part] ** 2).mean()) for part in (chosen, ~chosen))
    assert f"On them xHI is off by {off:.4g} (root mean square), on all others by {usual:.4g}." in (
        page.text
    )
    limit = np.percentile(MAPS[[7, 87, 167, 247, 327]], [1, 99])
    reach = f"{np.abs(limit).max():.4g} mK"
    assert f"Colours: orange -{reach}, white 0, blue {reach}." in page.text


def test_odd_images_of_classes_are_shown(read_page):
    report = classified()
    unlike = np.isin(np.arange(20), (1, 2, 18, 19))
    report = replace(report, predictions=replace(report.predictions, unlike=unlike))
    page = read_page(page_of(report, images()))
    assert [title for _, title in page.headings][3] == "Images unlike the training images"
    # Of these four the first two are right; of the other sixteen thirteen.
    assert "Of them it names 50.00 % right, of all others 81.25 %." in words_of(page)
    after = page.text[page.text.index("Images unlike") : page.text.index("Training\n")]
    for line in (
        f'cat" onload="x90.0 % sure1{SCRIPT}',
        f'cat" onload="x, not {SCRIPT}90.0 % sure18',
    ):
        assert line in after


def test_no_odd_images_are_said(read_page, sky_report):
    report = sky_report(1)
    answers = replace(report.predictions, unlike=np.zeros(360, bool))
    page = read_page(page_of(replace(report, predictions=answers), MAPS))
    assert "All images look like those that the network was trained on." in page.text
    assert "On them" not in page.text


def test_each_target_has_a_block_of_its_own(read_page, sky_report):
    report = sky_report(2)
    page = read_page(page_of(report, MAPS))
    blocks = [title for level, title in page.headings if level == "h2"][:3]
    assert blocks == ["xHI", "T_vir (kK)", "Images unlike the training images"]
    assert [title for level, title in page.headings if level == "h3"] == [
        "Predicted against true",
        "Is it better than simpler ways?",
        "Where is it wrong?",
        "Can its intervals be trusted?",
        "Worst images",
    ] * 2
    off = [report.scores[f"rmse of {name}"].value for name in ("xHI", "T_vir")]
    words = f"Its values are off in xHI by {off[0]:.3g}, in T_vir by {off[1]:.3g} kK (root"
    assert words in page.text
    # Errors in different units have no mean that means anything.
    assert "rmse of T_vir" in page.text
    cards = page.text[: page.text.index("rmse of xHI")]
    assert "r2" in cards
    assert "mae" not in cards
    assert f"{off[1]:.4g} kK" in words_of(page)
    assert ["z", "images", "bias (kK)", "95 % interval", "rmse (kK)"] in page.rows


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
