"""Maps of another size than those of the training, each pixel left as it is."""

import numpy as np
import pytest

import firstlight as fl
from firstlight.core.errors import ModelError, SettingError
from firstlight.models import for_size, import_keras

keras = import_keras()

NET = """
- Conv2D: {filters: 4, kernel_size: 3, strides: 2, activation: relu}
- BatchNormalization: {momentum: 0.9}
- GlobalAveragePooling2D
- Dense: {units: outputs}
"""


def noise(count, height, width, seed):
    """Maps of noise; its spread is what is measured, and `z` (known of each) scales it."""
    random = np.random.default_rng(seed)
    spread, z = random.uniform(1, 2, count), random.uniform(6, 9, count)
    maps = random.normal(size=(count, height, width)) * (spread * z / 8)[:, None, None]
    return {"images": maps.astype("float32"), "spread": spread, "z": z}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("sizes")
    (place / "net.yaml").write_text(NET)
    np.savez(place / "small.npz", **noise(700, 16, 16, 0))
    np.savez(place / "large.npz", **noise(40, 24, 37, 1))
    return fl.train(
        place / "small.npz",
        model=str(place / "net.yaml"),
        target="spread",
        side=("z",),
        loss="gaussian",
        gaps="mean",
        epochs=3,
        batch_size=32,
        threads=1,
        seed=1,
        name="first",
        runs=place,
    )


def as_keras_answers(run, arrays):
    """Keras's own model of that size, with the weights of the run."""
    images, z = arrays["images"][..., None], arrays["z"][:, None].astype("float32")
    values, logarithms = for_size(run.model, *images.shape[1:3]).predict([images, z], verbose=0).T
    return values, np.exp(logarithms)


def test_predict_leaves_each_pixel_as_it_is(run):
    large = run.folder.parent / "large.npz"
    answers = fl.predict(run, large, resize="none")
    values, spread = as_keras_answers(run, np.load(large))
    np.testing.assert_allclose(answers.values[:, 0], values, rtol=1e-3)
    np.testing.assert_allclose(answers.spread[:, 0], spread, rtol=1e-3)
    assert answers.intervals.shape[:2] == (40, 1)
    assert answers.unlike.mean() < 0.1
    assert answers.notes == (
        "The images have 24 x 37 pixels, and the network was trained on 16 x 16: how far off it "
        "may be was learnt there. Whether that holds at this size, only known images show "
        "(firstlight evaluate RUN DATA --resize none).",
    )
    brought = fl.predict(run, large)
    assert "24 x 37 pixels; all were brought to 16 x 16 (as in training)" in brought.notes[0]
    assert not np.allclose(brought.values, answers.values, rtol=1e-2)


def test_evaluate_leaves_each_pixel_as_it_is(run):
    large = run.folder.parent / "large.npz"
    report = fl.evaluate(run, large, resize="none")
    values, _ = as_keras_answers(run, np.load(large))
    off = values - np.load(large)["spread"]
    assert report.scores["rmse"].value == pytest.approx(np.sqrt((off**2).mean()), rel=1e-3)
    assert report.notes[-1].startswith("The images have 24 x 37 pixels, and the network was")
    loaded = fl.load(large, target="spread", side=("z",), resize="none")
    assert fl.evaluate(run, loaded).predictions.values == pytest.approx(
        report.predictions.values[loaded.split.test], rel=1e-3
    )
    brought = fl.evaluate(run, large)
    assert "all were brought to 16 x 16 (as in training)" in brought.notes[0]


def test_filled_gaps_are_told(run, tmp_path):
    arrays = noise(3, 24, 24, 2)
    arrays["images"][1, 2, 3] = np.nan
    np.savez(tmp_path / "gaps.npz", **arrays)
    answers = fl.predict(run, tmp_path / "gaps.npz", resize="none")
    assert answers.notes[0].startswith("1 pixel without a number in 1 image was filled with")
    report = fl.evaluate(run, tmp_path / "gaps.npz", resize="none", gaps="mean")
    assert answers.notes[0] in report.notes


def test_a_network_with_a_weight_for_each_pixel_keeps_to_its_size(place, settings, run):
    how = settings | {"model": str(place / "measuring.yaml"), "epochs": 1, "side": ("z",)}
    small = run.folder.parent / "small.npz"
    fixed = fl.train(small, runs=place / "runs", name="fixed", target="spread", **how)
    large = run.folder.parent / "large.npz"
    for ask in (fl.predict, fl.evaluate):
        with pytest.raises(ModelError, match=r"16 x 16 pixels were expected, since layer .*dense"):
            ask(fixed, large, resize="none")
    assert len(fl.predict(fixed, large)) == 40


def test_settings_that_mean_nothing_are_refused(run):
    loaded = fl.load(run.folder.parent / "small.npz", target="spread", side=("z",))
    with pytest.raises(SettingError, match="already loaded"):
        fl.evaluate(run, loaded, resize="none")
    with pytest.raises(SettingError, match="epochs is for training"):
        fl.evaluate(run, run.folder.parent / "small.npz", epochs=3)
    with pytest.raises(SettingError, match="epochs is for training"):
        fl.load(run.folder.parent / "small.npz", epochs=3)
