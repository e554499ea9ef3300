"""Model files: saved whole or not at all; hostile archives are refused before Keras sees them."""

import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_archives import Members, layer, pack, with_config

from firstlight.core.errors import ModelError, WriteError
from firstlight.models import (
    build_model,
    classes_of_file,
    load_model,
    prepare_model,
    save_model,
)


def test_a_sound_archive_is_loaded(tmp_path: Path, members: Members, simple: Any) -> None:
    loaded = load_model(pack(tmp_path, members, zipfile.ZIP_DEFLATED))
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    np.testing.assert_array_equal(loaded(images).detach(), simple(images).detach())


@pytest.mark.parametrize("name", ["compact", "vgg", "residual"])
def test_every_recipe_comes_back_with_its_preparation(tmp_path: Path, name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), "uint8")
    for preparation in ("rescale", "standardise"):
        model = build_model(name, (32, 32, 3), 4, "classify")
        model = prepare_model(model, preparation, images)
        save_model(model, tmp_path / "model.keras")
        loaded = load_model(tmp_path / "model.keras")
        floats = images.astype("float32")
        np.testing.assert_array_equal(loaded(floats).detach(), model(floats).detach())


def test_a_compiled_model_and_shared_layers_load(tmp_path: Path, keras: Any) -> None:
    images = keras.Input((8, 8, 1))
    shared = keras.layers.Conv2D(3, 3, padding="same", activation="gelu")
    both = keras.layers.Concatenate()([shared(images), shared(images * 2.0)])
    model = keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(both)))
    model.compile("adam", loss="mean_squared_error")
    save_model(model, tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").count_params() == model.count_params()


def test_an_open_image_size_loads(tmp_path: Path, keras: Any) -> None:
    layers = keras.layers
    parts = [layers.Conv2D(3, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    save_model(keras.Sequential([keras.Input((None, None, 1)), *parts]), tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").input_shape == (None, None, None, 1)


OWN = """
import pathlib
import keras
pathlib.Path(__file__).with_name("ran").touch()
class Doubled(keras.layers.Layer):
    def call(self, images):
        return images * 2.0
def make(outputs, image_shape):
    images = keras.Input(image_shape)
    flat = keras.layers.Flatten()(Doubled()(images))
    return keras.Model(images, keras.layers.Dense(outputs, activation="softmax")(flat))
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A saved model with a layer of the user's own, beside the file that defines it."""
    file = tmp_path / "net.py"
    file.write_text(OWN)
    save_model(build_model(f"{file}:make", (4, 4, 1), 3, "classify"), tmp_path / "own.keras")
    (tmp_path / "ran").unlink()
    return tmp_path / "own.keras"


def test_loading_runs_no_code(own: Path) -> None:
    message = r"own\.keras holds layers of your own \(Doubled\): give the file that defines them"
    with pytest.raises(ModelError, match=message):
        load_model(own)
    with pytest.raises(
        ModelError, match=r"\(Doubled\): the classes given are Halved: give the file"
    ):
        load_model(own, {"Halved": type})
    assert not own.with_name("ran").exists()


@pytest.mark.parametrize("source", ["net.py", "net.py:make"])
def test_layers_of_ones_own_are_handed_over(own: Path, source: str) -> None:
    file = str(own.with_name(source))
    images = np.random.default_rng(0).random((2, 4, 4, 1), dtype=np.float32)
    loaded = load_model(own, classes_of_file(file))
    dense = loaded.layers[-1]
    weights, bias = dense.get_weights()
    logits = 2 * images.reshape(2, 16) @ weights + bias
    powers = np.exp(logits)
    by_hand = powers / powers.sum(1, keepdims=True)
    np.testing.assert_allclose(loaded(images).detach(), by_hand, rtol=1e-5)


def test_layers_that_are_registered_or_come_from_a_file_beside(tmp_path: Path) -> None:
    code = OWN.replace(
        "class Doubled", "@keras.saving.register_keras_serializable('mine')\nclass Doubled"
    )
    (tmp_path / "doubling.py").write_text(code)
    file = tmp_path / "net.py"
    file.write_text("from doubling import Doubled, make\n")
    save_model(build_model(f"{file}:make", (4, 4, 1), 3, "classify"), tmp_path / "own.keras")
    with pytest.raises(ModelError, match=r"holds layers of your own \(Doubled\)"):
        load_model(tmp_path / "own.keras")
    assert load_model(tmp_path / "own.keras", classes_of_file(file)).count_params() == 51
    del sys.modules["doubling"]


def test_a_network_of_keras_layers_needs_no_file(tmp_path: Path, own: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(OWN.replace("Doubled()(images)", "images"))
    save_model(build_model(f"{file}:make", (4, 4, 1), 3, "classify"), tmp_path / "plain.keras")
    file.unlink()
    assert load_model(tmp_path / "plain.keras").count_params() == 51


def test_weights_are_counted_beside_layers_of_ones_own(tmp_path: Path, own: Path) -> None:
    def pretend(config: dict[str, Any]) -> None:
        layer(config, 3)["build_config"]["input_shape"] = [None, 10**9]

    with zipfile.ZipFile(own) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path = pack(tmp_path, with_config(members, pretend))
    with pytest.raises(ModelError, match=r"a network of 3,000,000,003 weights but holds 51"):
        load_model(path, classes_of_file(own.with_name("net.py")))


def test_other_formats_and_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"only \.keras files are read as models, but m\.h5 came"):
        load_model(tmp_path / "m.h5")
    with pytest.raises(ModelError, match="there is no file"):
        load_model(tmp_path / "m.keras")


def test_saving_replaces_whole_files_only(
    tmp_path: Path, simple: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.keras"
    save_model(simple, path)
    before = path.read_bytes()

    def half(self: Any, target: Path) -> None:
        # What `sweep` removes after a kill.
        assert fnmatch(target.name, ".model.keras.*.part.keras")
        target.write_bytes(b"half a model")
        raise OSError(28, "No space left on device")

    def stopped(self: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as change:
        # Stopped just before the new file takes the old one's place.
        change.setattr(Path, "replace", stopped)
        simple.layers[-1].bias.assign_add(np.ones(10, "float32"))
        with pytest.raises(WriteError, match=r"model\.keras cannot be written: the disk does not"):
            save_model(simple, path)
        simple.layers[-1].bias.assign_sub(np.ones(10, "float32"))
    assert path.read_bytes() == before
    monkeypatch.setattr(type(simple), "save", half)
    with pytest.raises(WriteError, match=r"model\.keras cannot be written: the disk is full"):
        save_model(simple, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ModelError, match=r"a model's file ends in \.keras, but model\.h5 came"):
        save_model(simple, tmp_path / "model.h5")
