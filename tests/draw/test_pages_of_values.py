"""The page of a report about measured values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_pages import RUN, SCRIPT, classified, images, measured, page_of, words_of

from firstlight.core.scores import Score
from firstlight.core.trust import Baseline


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
