"""Figures and page of a first look at data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from firstlight.core.dataset import Dataset, Images, Refused, Split
from firstlight.core.exploration import (
    Duplicates,
    Exploration,
    GroupSummary,
    Histogram,
    PartSummary,
    PixelHistograms,
    TargetSummary,
)
from firstlight.draw import exploration_figures, exploration_page, to_pngs
from firstlight.draw.sample import chosen
from firstlight.draw.style import label

CLASSES = ("cat", "<script>alert(1)</script>", "$x$ hen")
SPLIT = Split(np.arange(9), np.arange(3), np.arange(3), 0, "as the folders say")


def pictures(count: int, targets: np.ndarray, dtype: type = np.uint8) -> Images:
    names = np.array([f"{k}.png" for k in range(count)])
    pixels = np.random.default_rng(count).integers(0, 200, (count, 6, 5, 1))
    return Images(pixels.astype(dtype), targets, names)


@pytest.fixture
def animals() -> Dataset:
    return Dataset(
        name="animals & more",
        source="animals",
        task="classify",
        train=pictures(9, np.array([2, 2, 2, 2, 0, 0, 0, 1, 1])),
        validation=pictures(3, np.array([0, 1, 2])),
        test=pictures(4, np.array([0, 0, 1, 2])),
        split=SPLIT,
        fingerprint="ab" * 32,
        classes=CLASSES,
    )


@pytest.fixture
def sky() -> Dataset:
    values = np.linspace(1, 0, 40, dtype=np.float32)[:, None] * [1, 2]
    return Dataset(
        name="sky",
        source="sky",
        task="measure",
        train=pictures(40, values.astype(np.float32), np.float32),
        validation=pictures(3, values[:3]),
        test=pictures(4, values[:4]),
        split=SPLIT,
        fingerprint="cd" * 32,
        target_names=("fraction", "temperature"),
        target_units=("", "mK"),
    )


def explored(dataset: Dataset) -> Exploration:
    """The record as the data room makes it, from NumPy by hand."""
    parts = []
    for part, images in dataset.parts():
        pixels = images.images.astype(np.float64)
        counts: tuple[int, ...] = ()
        targets: tuple[TargetSummary, ...] = ()
        if dataset.task == "classify":
            counts = tuple(np.bincount(images.targets, minlength=3).tolist())
        else:
            targets = tuple(
                TargetSummary(name, unit, *map(float, (v.min(), v.max(), v.mean(), v.std())))
                for name, unit, v in zip(
                    dataset.target_names, dataset.target_units, images.targets.T, strict=True
                )
            )
        statistics = (pixels.min(), pixels.max(), pixels.mean(), pixels.std())
        shape, dtype = images.images.shape, str(images.images.dtype)
        sizes = [] if images.groups is None else np.unique(images.groups, return_counts=True)[1]
        groups = GroupSummary(len(sizes), min(sizes), max(sizes)) if len(sizes) else None
        numbers = (*map(float, statistics), counts, targets, groups)
        parts.append(PartSummary(part, len(images), shape, dtype, *numbers))
    counts, edges = np.histogram(dataset.train.images, 8)
    stored = Histogram(tuple(counts.tolist()), tuple(edges.tolist()))
    return Exploration(
        name=dataset.name,
        source=dataset.source,
        task=dataset.task,
        classes=dataset.classes,
        target_names=dataset.target_names,
        target_units=dataset.target_units,
        parts=tuple(parts),
        balance=2.0 if dataset.classes else None,
        duplicates=Duplicates(
            {"train": 1, "validation": 0, "test": 0},
            {"train/validation": 0, "train/test": 3, "validation/test": 0},
            (("train: a.png", "test: <b>.png"),),
        ),
        histograms=PixelHistograms(
            stored,
            Histogram(stored.counts, tuple(np.linspace(0, 1, 9).tolist())),
            Histogram(stored.counts, tuple(np.linspace(-2, 2, 9).tolist())),
        ),
        sizes=(((6, 5), 15), ((7, 5), 1)),
        files_read=16,
        refused=(Refused("<img>.png", "it ends too soon"),),
        notes=("Images of other sizes were padded.",),
        split_rule="as the <b>folders</b> say",
        fingerprint=dataset.fingerprint,
        pixel_unit=dataset.pixel_unit,
    )


def panels(figure):
    return {axes.get_title("left"): axes for axes in figure.axes}


def test_every_figure_is_there(animals, sky):
    names = list(exploration_figures(explored(animals), animals))
    assert names == ["sample", "balance", "pixels", "one-hot", "sheet"]
    assert list(exploration_figures(explored(sky), sky)) == ["sample", "balance", "pixels", "sheet"]


def test_samples_take_every_class_in_turn(animals):
    assert chosen(animals).targets.tolist() == [0, 1, 2, 0, 1, 2, 0, 2, 2]
    assert chosen(animals).names[:3].tolist() == ["4.png", "7.png", "0.png"]


def test_samples_of_values_run_from_smallest_to_largest(sky):
    shown = chosen(sky)
    assert len(shown) == 24
    assert np.all(np.diff(shown.targets[:, 0]) > 0)
    assert (shown.targets[0, 0], shown.targets[-1, 0]) == (0.0, 1.0)


def test_sample_has_labels_and_a_colour_bar(animals):
    figure = exploration_figures(explored(animals), animals)["sample"]
    axes = panels(figure)["training images"]
    assert [text.get_text() for text in axes.texts][:3] == ["cat", "<script>a…", "$x$ hen"]
    example = panels(figure)["label <script>alert(1)<…"]
    assert np.array_equal(example.images[0].get_array(), chosen(animals).images[1, ..., 0])
    assert example.images[0].get_clim() == (0, 255)
    bar = next(axes for axes in figure.axes if axes.get_title() == "value")
    assert bar.get_ylim() == (0, 255)


def test_colour_images_need_no_colour_bar(animals):
    train = replace(animals.train, images=np.repeat(animals.train.images, 3, axis=3))
    colour = replace(animals, train=train)
    figure = exploration_figures(explored(colour), colour)["sample"]
    assert all(axes.get_title() != "value" for axes in figure.axes)


def test_balance_stacks_the_parts(animals):
    figure = exploration_figures(explored(animals), animals)["balance"]
    (axes,) = figure.axes
    assert axes.get_xlabel() == "images"
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "cat",
        "<script>alert(1)<…",
        "$x$ hen",
    ]
    bars = {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}
    assert bars == {"train": [3, 2, 4], "validation": [1, 1, 1], "test": [2, 1, 1]}
    assert [bar.get_x() for bar in axes.containers[2]] == [4, 3, 5]


def test_balance_of_values_has_a_histogram_for_each_target(sky):
    figure = exploration_figures(explored(sky), sky)["balance"]
    first, second = figure.axes
    assert (first.get_xlabel(), second.get_xlabel()) == ("fraction", "temperature (mK)")
    shares = {patch.get_label(): patch.get_data().values for patch in first.patches}
    assert list(shares) == ["train", "validation", "test"]
    assert shares["train"] == pytest.approx(np.full(20, 0.05))


@pytest.fixture
def maps(sky) -> Dataset:
    """The sky with maps in mK of both signs at two redshifts, in groups of 20."""
    pixels = np.random.default_rng(0).normal(size=(40, 6, 5, 1)).astype(np.float32) * 7
    z = np.where(np.arange(40) % 4, 8.0, 7.0)
    groups = np.array([f"box {k % 2}" for k in range(40)])
    columns = {"z": z, "index": np.arange(40.0), "constant": np.ones(40)}
    train = replace(sky.train, images=pixels, groups=groups, columns=columns)
    return replace(sky, train=train, pixel_unit="mK")


def test_maps_share_one_scale_with_a_bar_in_their_unit(maps):
    figure = exploration_figures(explored(maps), maps)["sample"]
    example = panels(figure)["fraction 0.0513"]
    shown = chosen(maps)
    reach = np.abs(np.percentile(shown.images, [1, 99])).max()
    assert example.images[0].get_clim() == pytest.approx((-reach, reach))
    bar = next(axes for axes in figure.axes if axes.get_title() == "mK")
    assert bar.get_ylim() == pytest.approx((-reach, reach))
    # The pictures beside it have the colours of that bar.
    mosaic = panels(figure)["training images from the smallest to the largest fraction"]
    picture = mosaic.images[0].get_array()
    first = example.images[0].get_cmap()(0.5 + shown.images[0, 0, 0, 0] / (2 * reach), bytes=True)
    assert picture[0, 0].tolist() == list(first[:3])


def test_targets_are_shown_for_each_value_of_a_column_with_few(maps):
    figures = exploration_figures(explored(maps), maps)
    assert list(figures) == ["sample", "balance", "pixels", "columns", "sheet"]
    figure = figures["columns"]
    assert figure.texts[0].get_text() == "fraction for each z"
    first, second = figure.axes
    assert first.get_title("left") == "z 7: 10 images"
    assert first.get_xlabel() == second.get_xlabel() == "fraction"
    target, z = maps.train.targets[:, 0], maps.train.columns["z"]
    for axes, value in ((first, 7), (second, 8)):
        counts, edges = np.histogram(target[z == value], np.histogram_bin_edges(target, 20))
        assert axes.patches[0].get_data().values.tolist() == counts.tolist()
        assert axes.patches[0].get_data().edges == pytest.approx(edges)
    assert first.get_ylim() == second.get_ylim()


def test_five_values_fill_a_second_row(maps):
    columns = {"z": np.arange(40.0) % 5}
    many = replace(maps, train=replace(maps.train, columns=columns))
    figure = exploration_figures(explored(many), many)["columns"]
    bottoms = [round(axes.get_position().y0, 3) for axes in figure.axes]
    assert len(bottoms) == 5
    assert len(set(bottoms[:4])) == 1
    assert 0 < bottoms[4] < bottoms[0]


def test_page_of_maps_has_units_groups_and_columns(maps, read_page):
    exploration = explored(maps)
    pngs = to_pngs(exploration_figures(exploration, maps))
    page = read_page(exploration_page(exploration, pngs))
    assert "Pixels of each part, as stored, in mK" in page.text
    assert "Train: 40 images in 2 groups of 20." in page.text
    assert "Test:" not in page.text
    assert "6 × 5 pixels, one channel." in page.text
    assert ("h2", "Other numbers of the images") in page.headings
    assert pngs["columns"] in [png for _, png in page.images]
    title = "pixels as stored (float32, mK)"
    assert title in panels(exploration_figures(exploration, maps)["pixels"])


def test_pixels_are_shown_in_three_forms(animals):
    exploration = explored(animals)
    axes = panels(exploration_figures(exploration, animals)["pixels"])
    assert list(axes) == ["pixels as stored (uint8)", "normalised", "standardised"]
    train = exploration.parts[0]
    assert axes["pixels as stored (uint8)"].get_xlabel() == (
        f"mean {train.mean:.3g}, standard deviation {train.std:.3g}"
    )
    assert axes["normalised"].get_xlabel() == (
        f"mean {train.mean / 255:.3g}, standard deviation {train.std / 255:.3g}"
    )
    assert axes["standardised"].get_xlabel() == "mean 0, standard deviation 1"
    shares = axes["normalised"].patches[0].get_data()
    counts = np.array(exploration.histograms.normalised.counts)
    assert shares.values == pytest.approx(counts / counts.sum())
    assert shares.edges == pytest.approx(exploration.histograms.normalised.edges)


def test_pixels_of_other_numbers_are_normalised_by_their_range(sky):
    exploration = explored(sky)
    train = exploration.parts[0]
    axes = panels(exploration_figures(exploration, sky)["pixels"])["normalised"]
    mean = (train.mean - train.minimum) / (train.maximum - train.minimum)
    assert axes.get_xlabel().startswith(f"mean {mean:.3g},")


def test_one_hot_rows_have_one_one(animals):
    figure = exploration_figures(explored(animals), animals)["one-hot"]
    (axes,) = figure.axes
    rows = axes.images[0].get_array()
    assert np.array_equal(rows, np.eye(3))  # one row a class, in the order of the classes
    written = np.array([int(text.get_text()) for text in axes.texts]).reshape(3, 3)
    assert np.array_equal(written, rows)
    named = [text.get_text() for text in axes.get_yticklabels()]
    assert named == [f"label {label(name)}" for name in animals.classes]


def test_counts_and_pixels_have_whole_numbers_on_their_axes(animals):
    tiny = replace(animals.train, images=animals.train.images[:, :3, :2])
    few = explored(animals)
    few = replace(few, parts=(replace(few.parts[0], class_counts=(1, 1, 1)),))
    figures = exploration_figures(few, replace(animals, train=tiny))
    counts, example = figures["balance"].axes[0], figures["sample"].axes[1]
    for ticks in (counts.get_xticks(), example.get_xticks(), example.get_yticks()):
        assert len(ticks) > 1
        assert all(tick == int(tick) for tick in ticks)


def test_sheet_holds_everything(animals):
    figures = exploration_figures(explored(animals), animals)
    sheet = figures.pop("sheet")
    assert sheet.texts[0].get_text() == "animals & more"
    assert len(sheet.axes) == sum(len(figure.axes) for figure in figures.values())
    for axes in sheet.axes:
        place = axes.get_position()
        assert 0 <= place.y0 < place.y1 <= 1


@pytest.mark.parametrize("name", ["animals", "sky"])
def test_page_has_every_number(name, request, read_page):
    dataset = request.getfixturevalue(name)
    exploration = explored(dataset)
    page = read_page(
        exploration_page(exploration, to_pngs(exploration_figures(exploration, dataset)))
    )
    assert page.headings[0] == ("h1", dataset.name)
    assert ("h2", "Pixels: normalise or standardise?") in page.headings
    assert (("h2", "Labels as one-hot rows") in page.headings) == (name == "animals")
    rows = page.rows
    train = exploration.parts[0]
    assert ["train", f"{train.count}", " × ".join(map(str, train.shape)), train.dtype] == rows[1][
        :4
    ]
    assert ["<img>.png", "it ends too soon"] in rows
    assert ["in train and test", "3"] in rows
    assert ["within train", "1"] in rows
    assert "as the <b>folders</b> say" in page.text
    for words in ("train: a.png; test: <b>.png", "Images of other sizes were padded."):
        assert words in page.text
    assert "15 of 6 × 5, 1 of 7 × 5" in page.text
    if name == "animals":
        assert [CLASSES[1], "2", "1", "1", "4"] in rows
    else:
        assert ["temperature, train", "mK", "0", "2", "1", "0.592"] in rows


def test_page_without_duplicates_says_so(animals):
    exploration = explored(animals)
    clean = Duplicates({"train": 0}, {"train/test": 0}, ())
    pngs = to_pngs(exploration_figures(exploration, animals))
    html = exploration_page(replace(exploration, duplicates=clean), pngs)
    assert "No image is there twice." in html
