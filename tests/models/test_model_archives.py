"""Model files: saved whole or not at all; hostile archives are refused before Keras sees them."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from firstlight.core.errors import ModelError, WriteError
from firstlight.models import (
    build_model,
    classes_of_file,
    load_model,
    prepare_model,
    save_model,
)

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory, simple: Any) -> Members:
    """The files inside a sound archive."""
    path = tmp_path_factory.mktemp("archives") / "model.keras"
    save_model(simple, path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(folder: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "hostile.keras"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refused(path: Path) -> str:
    """The one sentence that a file is refused with."""
    with pytest.raises(ModelError) as caught:
        load_model(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "hostile.keras" in message
    return message


def with_config(members: Members, change: Callable[[dict[str, Any]], Any]) -> Members:
    config = json.loads(members["config.json"])
    changed = change(config)
    return members | {"config.json": json.dumps(config if changed is None else changed).encode()}


def with_weights(members: Members, change: Callable[[h5py.File], Any]) -> Members:
    file = io.BytesIO(members["model.weights.h5"])
    with h5py.File(file, "r+") as h5:
        change(h5)
    return members | {"model.weights.h5": file.getvalue()}


def layer(config: dict[str, Any], index: int) -> dict[str, Any]:
    found: dict[str, Any] = config["config"]["layers"][index]
    return found


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


@pytest.mark.parametrize("name", ["../escaped.txt", "/etc/passwd", "assets/x.pkl", "model.pkl"])
def test_a_member_that_no_model_has(tmp_path: Path, members: Members, name: str) -> None:
    message = refused(pack(tmp_path, members | {name: b"x"}))
    assert f"holds a file {name!r} that is no part of a Keras model" in message


def test_members_twice_or_missing(tmp_path: Path, members: Members) -> None:
    path = pack(tmp_path, members)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", b"{}")
    assert "holds a file 'config.json' that is no part" in refused(path)
    less = {name: content for name, content in members.items() if name != "model.weights.h5"}
    assert "model.weights.h5 is missing" in refused(pack(tmp_path, less))


def test_sizes_that_unpack_to_too_much(tmp_path: Path, members: Members) -> None:
    bomb = members | {"model.weights.h5": bytes(40_000_000)}
    message = refused(pack(tmp_path, bomb, zipfile.ZIP_DEFLATED))
    assert "model.weights.h5 would unpack to 40,000,000 bytes" in message
    large = members | {"metadata.json": bytes(range(256)) * 8192}
    assert "metadata.json would unpack to 2,097,152 bytes" in refused(pack(tmp_path, large))


def test_a_declared_size_that_is_a_lie(tmp_path: Path, members: Members) -> None:
    path = pack(tmp_path, members)
    content = bytearray(path.read_bytes())
    # The size of config.json in the central directory (its last header), uncompressed.
    start = content.rindex(b"PK\x01\x02", 0, content.rindex(b"config.json"))
    content[start + 24 : start + 28] = (2**31).to_bytes(4, "little")
    path.write_bytes(content)
    assert "would unpack to 2,147,483,648 bytes" in refused(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all", b"\x89HDF\r\n\x1a\n"])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.keras"
    path.write_bytes(content)
    assert "is damaged or no .keras file" in refused(path)


def test_a_damaged_archive(tmp_path: Path, members: Members) -> None:
    path = pack(tmp_path, members)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is damaged or no .keras file" in refused(path)
    place = whole.index(members["config.json"])
    path.write_bytes(whole[:place] + b"#" + whole[place + 1 :])
    assert "is damaged or no .keras file" in refused(path)


def test_lambda_is_never_run(tmp_path: Path, keras: Any) -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "hostile.keras")
    assert "holds a Lambda layer, which is program code" in refused(tmp_path / "hostile.keras")


@pytest.mark.parametrize(
    "change",
    [
        {"module": "os", "class_name": "system"},
        {"module": "keras.utils", "class_name": "get_file"},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper"},
        {"module": "keras.layers", "class_name": "TFSMLayer"},
        {"module": "keras.layers", "class_name": ["Conv2D"]},
        {"module": ["keras.layers"]},
        {"module": None},
        {"registered_name": "mine>Conv2D"},
    ],
)
def test_a_foreign_class(tmp_path: Path, members: Members, change: dict[str, Any]) -> None:
    path = pack(tmp_path, with_config(members, lambda config: layer(config, 1).update(change)))
    assert "which is not among the layers that are loaded from files" in refused(path)


def test_foreign_classes_deep_inside(tmp_path: Path, members: Members) -> None:
    evil = {"module": "builtins", "class_name": "function", "config": "eval"}

    def activation(config: dict[str, Any]) -> None:
        layer(config, 1)["config"]["activation"] = evil

    def initializer(config: dict[str, Any]) -> None:
        layer(config, 1)["config"]["kernel_initializer"]["config"]["seed"] = [[evil]]

    def lambda_code(config: dict[str, Any]) -> None:
        code = {"class_name": "__lambda__", "config": {"value": "AAAA"}}
        layer(config, 1)["config"]["activation"] = code

    for change, message in (
        (activation, "asks for 'function' of 'builtins'"),
        (initializer, "asks for 'function' of 'builtins'"),
        (lambda_code, "holds a Lambda layer"),
    ):
        assert message in refused(pack(tmp_path, with_config(members, change)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "config.json cannot be read"),
        (b"\xff", "config.json cannot be read"),
        (b"[" * 200_000, "config.json cannot be read"),
        (b"[]", "holds no Sequential or Functional Keras model"),
        (b'{"class_name": "Adam", "module": "keras.optimizers"}', "holds no Sequential"),
        (b'{"class_name": "Sequential", "module": "keras", "config": {}}', "is damaged"),
        (b'{"class_name": "Sequential", "module": "keras"}', "cannot be loaded"),
    ],
)
def test_a_configuration_that_is_none(
    tmp_path: Path, members: Members, text: bytes, message: str
) -> None:
    assert message in refused(pack(tmp_path, members | {"config.json": text}))


def test_more_weights_than_the_file_holds(tmp_path: Path, members: Members) -> None:
    def widen(config: dict[str, Any]) -> None:
        layer(config, 3)["config"]["units"] = 10**9

    def pretend(config: dict[str, Any]) -> None:
        layer(config, 3)["build_config"]["input_shape"] = [None, 10**9]

    def unknown(config: dict[str, Any]) -> None:
        layer(config, 3)["build_config"] = {"shapes_dict": {"input_shape": [None, 10**9]}}

    message = "describes a network of 1,353,000,002,056 weights but holds 15,586"
    assert message in refused(pack(tmp_path, with_config(members, widen)))
    message = "describes a network of 10,000,002,066 weights but holds 15,586"
    assert message in refused(pack(tmp_path, with_config(members, pretend)))
    message = "a layer says in an unknown way what it was built for"
    assert message in refused(pack(tmp_path, with_config(members, unknown)))


DATA = "layers/dense/vars/0"


def link_outside(h5: h5py.File) -> None:
    del h5[DATA]
    h5[DATA] = h5py.ExternalLink("/etc/hostname", "/x")


def link_inside(h5: h5py.File) -> None:
    del h5[DATA]
    h5[DATA] = h5py.SoftLink("/layers/conv2d/vars/0")


def link_twice(h5: h5py.File) -> None:
    h5["layers/dense/vars/7"] = h5[DATA]


def link_in_a_circle(h5: h5py.File) -> None:
    h5["layers/dense/again"] = h5["layers"]


def data_elsewhere(h5: h5py.File) -> None:
    del h5[DATA]
    h5.create_dataset(DATA, (1352, 10), "f4", external=[("/etc/hostname", 0, 54_080)])


def data_virtual(h5: h5py.File) -> None:
    del h5[DATA]
    layout = h5py.VirtualLayout((1352, 10), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (1352, 10))
    h5.create_virtual_dataset(DATA, layout)


def data_of_words(h5: h5py.File) -> None:
    h5["layers/dense/vars/words"] = "pickled"


def data_not_there(h5: h5py.File) -> None:
    h5.create_dataset("layers/dense/vars/9", (10**6, 10**6), "f4", chunks=(1000, 1000))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (link_outside, "holds a link (0) that leads elsewhere: it is not followed."),
        (link_inside, "holds a link (0) that leads elsewhere: it is not followed."),
        (link_twice, "names the same part twice."),
        (link_in_a_circle, "names the same part twice."),
        (data_elsewhere, "takes 0 from another file: it is not followed."),
        (data_virtual, "takes 0 from another file: it is not followed."),
        (data_of_words, "holds words, which is no array of numbers."),
        (data_not_there, "says that 9 has 4,000,000,000,000 bytes and stores 0 of them."),
    ],
)
def test_a_hostile_weights_file(
    tmp_path: Path, members: Members, change: Callable[[h5py.File], None], message: str
) -> None:
    assert message in refused(pack(tmp_path, with_weights(members, change)))


def test_a_weights_file_that_is_none(tmp_path: Path, members: Members) -> None:
    path = pack(tmp_path, members | {"model.weights.h5": b"\x80\x04pickle"})
    assert "its weights file is damaged" in refused(path)


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
