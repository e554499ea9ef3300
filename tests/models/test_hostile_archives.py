"""Model files that are damaged or mean harm."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from made_archives import Members, layer, pack, with_config

from firstlight.core.errors import ModelError
from firstlight.models import (
    load_model,
)


def refused(path: Path) -> str:
    """The one sentence that a file is refused with."""
    with pytest.raises(ModelError) as caught:
        load_model(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "hostile.keras" in message
    return message


def with_weights(members: Members, change: Callable[[h5py.File], Any]) -> Members:
    file = io.BytesIO(members["model.weights.h5"])
    with h5py.File(file, "r+") as h5:
        change(h5)
    return members | {"model.weights.h5": file.getvalue()}


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
