"""Images that are chosen by their numbers, from arrays and from tables."""

import numpy as np
import pytest

from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.data import load_dataset, read_collection
from firstlight.data.choosing import balanced

COUNT = 400


@pytest.fixture
def sky(tmp_path):
    """Maps whose neutral fractions crowd at one end, more so at redshift 7 than at 8."""
    rng = np.random.default_rng(3)
    z = np.where(np.arange(COUNT) % 2, 8.0, 7.0)
    fraction = rng.random(COUNT) ** np.where(z == 7, 3, 1.5)
    images = rng.normal(size=(COUNT, 4, 4)).astype(np.float32)
    images[:, 0, 0] = np.arange(COUNT)
    groups = np.arange(COUNT) // 20
    path = tmp_path / "sky.npz"
    np.savez(path, images=images, fraction=fraction, z=z, groups=groups, words=np.full(COUNT, "a"))
    return path, fraction, z


def test_only_images_that_meet_the_condition_are_kept(sky):
    path, fraction, z = sky
    settings = DataSettings(target=("fraction",), keep="0.1 < fraction < 0.9 and z == 8")
    collection = read_collection(path, settings)
    expected = np.flatnonzero((fraction > 0.1) & (fraction < 0.9) & (z == 8))
    np.testing.assert_array_equal(collection.everything.images[:, 0, 0, 0], expected)
    np.testing.assert_allclose(collection.everything.targets[:, 0], fraction[expected], rtol=1e-6)
    np.testing.assert_array_equal(collection.everything.columns["z"], z[expected])
    assert f"{len(expected)} images of 400" in collection.notes[-1]


def test_balance_leaves_equally_many_in_each_bin_of_each_group(sky):
    path, fraction, z = sky
    settings = DataSettings(target=("fraction",), balance="fraction", by="z")
    everything = read_collection(path, settings, seed=1).everything
    edges = np.linspace(fraction.min(), fraction.max(), 11)
    edges[-1] += 1e-6
    for one in (7, 8):
        kept = everything.targets[everything.columns["z"] == one, 0]
        counts, _ = np.histogram(kept, edges)
        before, _ = np.histogram(fraction[z == one], edges)
        assert len(set(counts)) == 1
        assert counts[0] == before.min()
    again = read_collection(path, settings, seed=1).everything
    other = read_collection(path, settings, seed=2).everything
    np.testing.assert_array_equal(again.names, everything.names)
    assert not np.array_equal(other.names, everything.names)


def test_an_empty_bin_stays_empty_and_empties_no_other():
    values = np.array([0.0, 0.01, 0.02, 0.55, 0.56, 1.0, 0.99, 0.98])
    chosen = balanced(values, np.zeros(8), np.random.default_rng(0))
    assert len(chosen) == 6
    assert set(chosen) >= {3, 4}


def test_columns_follow_their_images_into_the_parts(sky):
    path, fraction, z = sky
    dataset = load_dataset(path, DataSettings(target=("fraction",), side=("z",)), seed=4)
    for _, part in dataset.parts():
        number = part.images[:, 0, 0, 0].astype(int)
        np.testing.assert_array_equal(part.side, z[number][:, None].astype(np.float32))
        np.testing.assert_allclose(part.targets[:, 0], fraction[number], rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": "fraction > 7"}, r"none of its 400 is like that: change --keep"),
        ({"keep": "zeta > 7"}, r"An array called zeta was expected"),
        ({"side": ("words",)}, r"A finite number for each image was expected in words"),
        ({"balance": "zeta"}, r"An array called zeta was expected"),
    ],
)
def test_what_cannot_be_chosen_by_is_named(sky, settings, message):
    with pytest.raises(DataError, match=message):
        read_collection(sky[0], DataSettings(target=("fraction",), **settings))


@pytest.mark.parametrize(
    ("bounds", "fits"),
    [
        ("fraction=0:1", True),
        ("fraction=0:", True),
        ("fraction=:2", True),
        ("fraction=0.5:1", False),
    ],
)
def test_targets_have_to_lie_within_their_bounds(bounds, fits, sky):
    settings = DataSettings(target=("fraction",), bounds=(bounds,))
    if fits:
        assert len(read_collection(sky[0], settings).everything) == COUNT
        return
    with pytest.raises(DataError, match=r"within --bounds fraction=0.5:1 were"):
        read_collection(sky[0], settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bounds": ("x=1:0",)}, "--bounds takes NAME=LOW:HIGH"),
        ({"bounds": ("x=a:1",)}, "--bounds takes NAME=LOW:HIGH"),
        ({"bounds": ("0:1",)}, "--bounds takes NAME=LOW:HIGH"),
        ({"bounds": ("x=nan:",)}, "--bounds takes NAME=LOW:HIGH"),
        ({"bounds": ("x=:nan",)}, "--bounds takes NAME=LOW:HIGH"),
        ({"bounds": ("x=0:nan",)}, "--bounds takes NAME=LOW:HIGH"),
        ({"by": "z"}, "--by says for what --balance is done"),
        ({"pixel": 1.0}, "--pixel is the pixel that --telescope sees"),
        ({"keep": "import os"}, "--keep takes comparisons"),
        ({"telescope": "hubble"}, "--telescope takes one of clean, standard, hard, shift"),
    ],
)
def test_options_that_say_nothing_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        DataSettings(**settings)


@pytest.mark.parametrize("option", ["side", "keep", "balance"])
def test_a_folder_of_classes_has_no_columns(option, class_folder):
    given = {"side": ("z",), "keep": "z > 1", "balance": "z"}[option]
    with pytest.raises(SettingError, match=f"--{option} names a column"):
        load_dataset(class_folder, DataSettings(**{option: given}))


@pytest.fixture
def table(tmp_path, save):
    rng = np.random.default_rng(5)
    lines = ["file,size [mm],depth [m],place"]
    for k in range(24):
        save(tmp_path / f"{k}.png", rng.integers(0, 256, (5, 5), np.uint8))
        depth = "" if k == 3 else f"{k / 2}"
        lines.append(f"{k}.png,{k + 0.5},{depth},here")
    path = tmp_path / "fish.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_table_has_columns_beside_its_target(table):
    collection = read_collection(table, DataSettings(target=("size",), side=("depth",)))
    assert collection.target_names == ("size",)
    assert collection.target_units == ("mm",)
    everything = collection.everything
    np.testing.assert_array_equal(everything.side[:, 0], [k / 2 for k in range(24) if k != 3])
    # A gap in a column that is needed leaves the image out, as one in the target does.
    assert [(one.file, one.reason) for one in collection.refused] == [
        ("3.png", "row 4: empty (depth [m])")
    ]


def test_the_only_column_left_of_a_table_is_its_target(table):
    lines = [line.rsplit(",", 1)[0] for line in table.read_text().splitlines()]
    table.write_text("\n".join(lines))
    collection = read_collection(table, DataSettings(side=("depth",), keep="depth > 3"))
    assert collection.target_names == ("size",)
    assert len(collection.everything) == 17


def test_texts_cannot_enter_the_network(table):
    with pytest.raises(DataError, match="Numbers were expected in the column place"):
        read_collection(table, DataSettings(target=("size",), side=("place",)))


def test_bounds_are_for_targets(sky):
    settings = DataSettings(target=("fraction",), side=("z",), bounds=("z=0:99",))
    with pytest.raises(SettingError, match=r"--bounds is for targets \(fraction\), but z came"):
        read_collection(sky[0], settings)


def test_errors_of_classes_are_not_divided_by_a_column(sky):
    path, _, _ = sky
    classes = DataSettings(target=("groups",), report_by=("z",), group_column="z")
    with pytest.raises(SettingError, match="--report-by divides the errors of measured numbers"):
        load_dataset(path, classes)
    measured = DataSettings(target=("fraction",), report_by=("z",))
    assert set(load_dataset(path, measured).train.columns) == {"z"}
