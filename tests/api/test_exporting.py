"""Runs as ONNX and Keras files, held against Keras on the run's own images."""

import json
import shutil
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest

import firstlight as fl
from firstlight.api import delivering
from firstlight.core.errors import MissingExtraError, ModelError, RunError, SettingError
from firstlight.models import RECIPES, import_keras

from .conftest import striped

keras = import_keras()
# Sums of thousands of float32 products in another order lose two or three of seven digits.
CLOSE = 1e-5


def asked(path, **arrays):
    """What onnxruntime makes of a file: outputs by name."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    arrays = {name: array.astype("float32") for name, array in arrays.items()}
    return dict(zip(names, session.run(None, arrays), strict=True))


def keras_answer(run, *inputs):
    """What Keras itself makes of the run's model file."""
    model = keras.saving.load_model(run.files.model, compile=False)
    inputs = [array.astype("float32") for array in inputs]
    listed = isinstance(getattr(model, "input", None), list)
    return keras.ops.convert_to_numpy(model(inputs if listed else inputs[0]))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A few hundred digits as an .npz file."""
    mnist = fl.load("mnist")
    place = tmp_path_factory.mktemp("digits")
    some = mnist.train.images[:240], mnist.train.targets[:240].astype(str)
    np.savez(place / "digits.npz", images=some[0], labels=some[1])
    return place


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.slow
def test_every_recipe_answers_as_keras(recipe, digits, tmp_path):
    settings = {"epochs": 1, "batch_size": 60, "threads": 1, "precision": "float32"}
    run = fl.train(digits / "digits.npz", model=recipe, runs=tmp_path, name=recipe, **settings)
    made = fl.export(recipe, output=tmp_path / "it.onnx", runs=tmp_path)
    images = fl.load(digits / "digits.npz").test.images
    expected = keras_answer(run, images)
    answers = asked(tmp_path / "it.onnx", image=images)["probabilities"]
    np.testing.assert_allclose(answers, expected, atol=CLOSE, rtol=0)
    assert made.images == len(images)
    assert made.difference <= CLOSE


def test_the_file_says_what_it_is(run, place, tmp_path):
    made = fl.export(run, output=tmp_path / "it.onnx")
    assert made.files == (str(tmp_path / "it.onnx"),)
    file = onnx.load(tmp_path / "it.onnx")
    (image,), (answer,) = file.graph.input, file.graph.output
    dims = [dim.dim_param or dim.dim_value for dim in image.type.tensor_type.shape.dim]
    assert (image.name, dims) == ("image", ["N", 6, 8, 1])
    assert answer.name == "probabilities"
    facts = {entry.key: entry.value for entry in file.metadata_props}
    assert json.loads(facts["classes"]) == ["bottom", "middle", "top"]
    assert facts["run"] == "first"
    assert facts["pixels"].startswith("uint8 as they are stored")
    # Nothing beside it: a file that is moved still works.
    assert all(not one.external_data for one in file.graph.initializer)


OWN_NET = """
import keras
from keras import layers

def make_model(input_shape, outputs):
    image = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, padding="same", activation="gelu")(image)
    y = layers.SeparableConv2D(4, 3, padding="same")(layers.LayerNormalization()(x))
    x = layers.MaxPooling2D()(layers.Add()([x, y * 0.5]))
    return keras.Model(image, layers.Dense(outputs, "softmax")(layers.Flatten()(x)))
"""


def test_a_functional_model_of_ones_own(place, settings, tmp_path):
    (tmp_path / "net.py").write_text(OWN_NET)
    own = settings | {"model": f"{tmp_path / 'net.py'}:make_model", "epochs": 1}
    run = fl.train(place / "stripes.npz", runs=tmp_path, name="own", **own)
    fl.export(run, "onnx", tmp_path / "it.onnx")
    images = striped(20, seed=3)[0][..., None]
    answers = asked(tmp_path / "it.onnx", image=images)["probabilities"]
    np.testing.assert_allclose(answers, keras_answer(run, images), atol=CLOSE, rtol=0)


@pytest.fixture(scope="module")
def glowing(place, tmp_path_factory):
    """Numbers to measure, with numbers beside the images."""
    images, _ = striped(120)
    folder = tmp_path_factory.mktemp("glow")
    z = np.arange(120.0) % 7
    brightness = 1000 * images.reshape(len(images), -1).mean(1) + z
    np.savez(folder / "glow.npz", images=images, brightness=brightness, z=z)
    return folder / "glow.npz"


MEASURE = {"target": "brightness", "side": ("z",), "batch_size": 16, "threads": 1, "epochs": 2}


@pytest.mark.parametrize("networks", [None, 3])
def test_values_with_their_spread_and_numbers_beside_the_image(glowing, place, networks, tmp_path):
    run = fl.train(
        *(glowing,),
        **MEASURE,
        model=str(place / "measuring.yaml"),
        loss="gaussian",
        ensemble=networks,
        runs=tmp_path,
        name="glow",
    )
    made = fl.export(run, "onnx", tmp_path / "it.onnx")
    images, z = striped(30, seed=5)[0][..., None], np.linspace(0, 6, 30)[:, None]
    files = [run, *map(fl.Run, run.files.members())]
    raw = np.stack([keras_answer(one, images, z) for one in files]).astype("float64")
    values, variances = raw[..., 0], np.exp(2 * raw[..., 1])
    # The moments of an even mixture of normal distributions.
    value = values.mean(0)
    spread = np.sqrt((variances + values**2).mean(0) - value**2)
    answers = asked(tmp_path / "it.onnx", image=images, side=z)
    assert set(answers) == {"values", "standard_deviations"}
    np.testing.assert_allclose(answers["values"][:, 0], value, rtol=1e-5)
    np.testing.assert_allclose(answers["standard_deviations"][:, 0], spread, rtol=1e-3)
    assert made.difference <= 1e-4 * value.max()
    if networks:
        fl.export(run, "keras", tmp_path / "it.keras")
        whole = keras.saving.load_model(tmp_path / "it.keras", compile=False)
        both = keras.ops.convert_to_numpy(whole([images.astype("float32"), z.astype("float32")]))
        np.testing.assert_allclose(both[:, 0], value, rtol=1e-5)
        np.testing.assert_allclose(np.exp(both[:, 1]), spread, rtol=1e-3)


def test_an_ensemble_of_two_classes_with_one_probability(tmp_path):
    images, labels = striped(120)
    np.savez(tmp_path / "two.npz", images=images, labels=labels == "top")
    (tmp_path / "net.yaml").write_text("- Flatten\n- Dense: {units: 1, activation: sigmoid}\n")
    settings = {"model": str(tmp_path / "net.yaml"), "epochs": 1, "threads": 1, "ensemble": 2}
    run = fl.train(tmp_path / "two.npz", runs=tmp_path, name="two", **settings)
    fl.export(run, "onnx", tmp_path / "it.onnx")
    raw = [keras_answer(one, images[..., None]) for one in (run, fl.Run(run.files.members()[0]))]
    answers = asked(tmp_path / "it.onnx", image=images[..., None])
    np.testing.assert_allclose(answers["probability"], sum(raw) / 2, atol=CLOSE, rtol=0)
    assert not np.allclose(raw[0], raw[1], atol=0.01)


def test_keras_is_a_copy(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = fl.export(run, "keras")
    assert (tmp_path / "first.keras").read_bytes() == run.files.model.read_bytes()
    assert (made.files, made.images) == (("first.keras",), 0)


def test_a_file_that_answers_otherwise_is_not_left(run, tmp_path, monkeypatch):
    def wrong(path, arrays):
        return {"probabilities": np.full((len(arrays["image"]), 3), 1 / 3, "float32")}

    monkeypatch.setattr("firstlight.deliver.onnx_file.ask_onnx", wrong)
    with pytest.raises(ModelError, match=r"it\.onnx is not written: it answers otherwise"):
        fl.export(run, output=tmp_path / "it.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [np.nan, 1.0])
def test_the_comparison_takes_nothing_for_equal_that_is_not(bad, tmp_path):
    right = [np.zeros((4, 2), "float32"), np.full((4, 2), 5e4, "float32")]
    assert delivering.require_equal([right[0], right[1] + 1], right, tmp_path) == 1.0
    with pytest.raises(ModelError, match="answers otherwise"):
        delivering.require_equal([right[0] + np.float32(bad), right[1]], right, tmp_path)


def test_what_is_asked_for_wrongly(run, place, tmp_path, monkeypatch):
    with pytest.raises(SettingError, match="--to takes one of onnx, keras, but 'h5' came"):
        fl.export(run, "h5")
    with pytest.raises(SettingError, match=r"ending in \.onnx was expected"):
        fl.export(run, "onnx", tmp_path / "it.pb")
    (tmp_path / "it.onnx").write_text("mine")
    with pytest.raises(SettingError, match="exists already"):
        fl.export(run, "onnx", tmp_path / "it.onnx")
    with pytest.raises(RunError, match="no run called nobody"):
        fl.export("nobody", runs=place / "runs")
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r'pip install "firstlight\[onnx\]"'):
        fl.export(run, "onnx", tmp_path / "other.onnx")


def test_a_model_that_is_no_model_is_not_copied(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "first")
    with zipfile.ZipFile(tmp_path / "first" / "model.keras", "w") as archive:
        archive.writestr("evil", "x")
    with pytest.raises(ModelError, match="no part of a Keras model"):
        fl.export(tmp_path / "first", "keras", tmp_path / "it.keras")
    assert not (tmp_path / "it.keras").exists()
