"""The learning-rate finder, from data to a suggestion that trains."""

import shlex

import numpy as np
import pytest
from PIL import Image

import firstlight as fl
from firstlight.core.errors import SettingError, TrainingError

KERAS_ONLY = """
import keras

class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x

def make_model(input_shape, outputs):
    layers = [Doubled(), keras.layers.Flatten(), keras.layers.Dense(outputs, "softmax")]
    return keras.Sequential([keras.Input(input_shape), *layers])
"""
LINE = """
- AveragePooling2D: {pool_size: 2}
- Flatten
- Dense: {units: outputs, kernel_initializer: zeros}
"""
SETTINGS = {"batch_size": 16, "threads": 1}


def test_the_suggestion_trains_and_nothing_is_left_behind(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events = []
    model, data = str(place / "net.yaml"), str(place / "stripes.npz")
    found = fl.lr(data, model=model, epochs=6, progress=events.append, **SETTINGS)
    assert list(tmp_path.iterdir()) == []
    assert [event["kind"] for event in events] == ["plan"] + ["step"] * len(found.rates)
    assert "batches of 16, adam" in events[0]["lines"][-1]
    assert [event["learning_rate"] for event in events[1:]] == list(found.rates)
    assert events[1]["seconds_left"] > 0
    words = shlex.split(found.command)
    assert words[:3] == ["firstlight", "train", data]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--model": model,
        "--epochs": "6",
        "--batch-size": "16",
        "--threads": "1",
        "--learning-rate": f"{found.suggestion:g}",
    }
    run = fl.train(
        data, model=model, epochs=6, learning_rate=found.suggestion, name="one", **SETTINGS
    )
    assert run.history[-1]["validation_loss"] < 0.2
    assert run.history[0]["loss"] < np.log(3)


def test_the_same_seed_gives_the_same_test(place):
    settings = {"model": str(place / "net.yaml"), **SETTINGS}
    one, same, other = (fl.lr(place / "stripes.npz", seed=k, **settings) for k in (3, 3, 4))
    assert one == same
    assert one.losses != other.losses


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_values_far_from_one_have_a_suggestion_too(tmp_path, seed):
    """A straight line through means over 2x2 pixels, which begins with the mean as its answer."""
    generator = np.random.default_rng(0)
    level = generator.uniform(50, 200, 240)
    images = generator.normal(level[:, None, None], 10, (240, 6, 8)).clip(0, 255).astype("uint8")
    brightness = 40 * level
    np.savez(tmp_path / "level.npz", images=images, brightness=brightness.astype("float32"))
    (tmp_path / "line.yaml").write_text(LINE)
    found = fl.lr(
        tmp_path / "level.npz",
        model=str(tmp_path / "line.yaml"),
        target="brightness",
        seed=seed,
        **SETTINGS,
    )
    # In units of the target: a network that answers with the mean has the variance as its loss.
    assert np.mean(found.losses[:20]) == pytest.approx(brightness.var(), rel=0.15)
    assert min(found.smoothed) < 0.1 * brightness.var()
    assert found.rates[0] < found.suggestion < found.lowest


def test_a_layer_that_only_keras_has_is_no_hindrance(place, tmp_path):
    (tmp_path / "net.py").write_text(KERAS_ONLY)
    found = fl.lr(place / "stripes.npz", model=f"{tmp_path / 'net.py'}:make_model", **SETTINGS)
    assert min(found.smoothed) < 0.7 * found.smoothed[0]


def test_the_figure_is_saved(place, tmp_path):
    file = tmp_path / "new" / "rate.png"
    fl.lr(place / "stripes.npz", model=str(place / "net.yaml"), save=file, **SETTINGS)
    with Image.open(file) as picture:
        assert len(picture.convert("RGB").getcolors(100_000)) > 20


def test_another_kind_of_figure_is_refused_before_anything_is_done(tmp_path):
    with pytest.raises(SettingError, match=r"a PNG file, but rate\.pdf came"):
        fl.lr(tmp_path / "no data", save="rate.pdf")


def test_images_that_say_nothing_have_no_learning_rate(place, tmp_path):
    images = np.zeros((60, 6, 8), np.uint8)
    np.savez(tmp_path / "dark.npz", images=images, labels=np.arange(60) % 3)
    model = str(place / "net.yaml")
    with pytest.raises(TrainingError, match="the loss fell at no learning rate"):
        fl.lr(tmp_path / "dark.npz", model=model, optimizer="sgd", **SETTINGS)
