"""Model files: `.keras` archives, written so that a crash leaves the old one whole, and looked
through before Keras reads them.

Nothing in an archive is believed: which files it holds, how large they say they are, which classes
the configuration names, where the weights file's links lead.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from firstlight.core.errors import ModelError
from firstlight.core.files import sync_folder
from firstlight.models.arithmetic import weights_of
from firstlight.models.backend import import_keras
from firstlight.models.cost import cost_of_calls
from firstlight.models.graph import calls_in
from firstlight.models.layers import ACTIVATIONS, LAYERS, PARTS, first_sentence
from firstlight.models.user_files import classes_of_file
from firstlight.models.weights_file import count_weights

if TYPE_CHECKING:
    import keras

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MEBIBYTE = 1024 * 1024
# What each file of an archive may unpack to. The largest published image networks have about
# a billion weights.
_LARGEST = {_CONFIG: 16 * _MEBIBYTE, _METADATA: _MEBIBYTE, _WEIGHTS: 8192 * _MEBIBYTE}
_LARGEST_RATIO = 100

_LAYERS = LAYERS | frozenset(
    """Add Average CenterCrop Concatenate Identity InputLayer Maximum Minimum Multiply Permute
    RandomContrast RandomFlip RandomRotation RandomTranslation RandomZoom Resizing Subtract
    UnitNormalization""".split()
)
_MODELS = frozenset("Functional Model Sequential".split())
_OPTIMIZERS = frozenset("Adam AdamW Nadam RMSprop SGD".split())
_OPERATIONS = frozenset(
    """Absolute Add Clip Concatenate Divide Exp Log Log1p Max Maximum Mean Min Minimum Multiply
    Negative Power Relu Reshape Sigmoid Silu Softmax Sqrt Square Subtract Sum Tanh TrueDivide
    """.split()
)
_CLASSES: dict[str, frozenset[str]] = {
    "keras": _MODELS | {"DTypePolicy"},
    "keras.models": _MODELS,
    "keras.src.models.functional": _MODELS,
    "keras.src.models.sequential": _MODELS,
    "keras.layers": _LAYERS,
    "keras.initializers": PARTS["initializer"],
    "keras.regularizers": PARTS["regularizer"],
    "keras.constraints": PARTS["constraint"],
    "keras.optimizers": _OPTIMIZERS,
    "keras.src.ops.core": _OPERATIONS,
    "keras.src.ops.math": _OPERATIONS,
    "keras.src.ops.nn": _OPERATIONS,
    "keras.src.ops.numpy": _OPERATIONS,
}


def save_model(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write a model as a `.keras` archive; a crash on the way leaves the file that was there.

    Args:
        model: a built Keras model.
        path: the file, ending in `.keras`.

    Raises:
        ModelError: the path does not end in `.keras`, or the disk cannot take the file.

    Example:
        >>> import tempfile, pathlib
        >>> from firstlight.models import build_model
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.keras"
        >>> save_model(build_model("simple", (28, 28, 1), 10, "classify"), path)
        >>> load_model(path).count_params()
        15586
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ModelError(f"a model's file ends in .keras, but {path.name} came: rename it.")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.keras")
    try:
        model.save(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def load_model(path: str | os.PathLike[str], source: str = "") -> keras.Model:
    """Read a model from a `.keras` archive, after looking through it.

    Only classes of an allowlist are loaded: the layers that lists of layers know, those that
    join branches, and the initializers, regularizers and constraints that go with them. The
    state of an optimizer is not read.

    Args:
        path: a `.keras` file, as `save_model` or Keras's own `model.save` writes it.
        source: `net.py:function` that made the model, where it has layers of the user's own:
            the file is run, and the classes that it defines are allowed too.

    Raises:
        ModelError: the file is missing, damaged, or holds something that no network needs.

    Example:
        >>> load_model("nowhere.keras")
        Traceback (most recent call last):
        ...
        firstlight.core.errors.ModelError: there is no file nowhere.keras.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ModelError(f"only .keras files are read as models, but {path.name} came.")
    if not path.is_file():
        raise ModelError(f"there is no file {path}.")
    own = classes_of_file(source) if source else {}
    saving = import_keras().saving
    with saving.custom_object_scope(own):
        _look_through(path, own)
        return _loaded(path)


def _loaded(path: Path) -> keras.Model:
    try:
        return import_keras().saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # Whatever Keras stumbles over in a file, the file is at fault.
        raise ModelError(f"{path.name} cannot be loaded: {first_sentence(error)}") from error


def _look_through(path: Path, own: Mapping[str, type]) -> None:
    """Refuse an archive that Keras should not see."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path.name, archive.infolist())
            config = _read_config(path.name, archive.read(_CONFIG), own)
            with tempfile.TemporaryFile() as weights:
                with archive.open(_WEIGHTS) as member:
                    shutil.copyfileobj(member, weights, _MEBIBYTE)
                held = _count_weights(path.name, weights)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ModelError(
            f"{path.name} is damaged or no .keras file: save the model anew."
        ) from error
    # A layer of the user's own cannot be counted without being run, which loading does.
    wanted = 0 if own else _count_wanted(path.name, config)
    if wanted > held:
        raise ModelError(
            f"{path.name} describes a network of {wanted:,} weights but holds {held:,}: "
            "the file is damaged or made to fill the memory."
        )


def _check_members(name: str, members: list[zipfile.ZipInfo]) -> None:
    """Refuse any file but the three that a model has, and sizes that unpack to too much."""
    names = [member.filename for member in members]
    for member in members:
        if member.filename not in _LARGEST or names.count(member.filename) > 1:
            raise ModelError(
                f"{name} holds a file {member.filename[:80]!r} that is no part of a Keras model."
            )
        ratio = member.file_size / max(1, member.compress_size)
        large = member.file_size > _LARGEST[member.filename]
        if large or (member.file_size > _MEBIBYTE and ratio > _LARGEST_RATIO):
            raise ModelError(
                f"{name}: {member.filename} would unpack to {member.file_size:,} bytes, "
                "more than a network needs."
            )
    missing = sorted(_LARGEST.keys() - set(names))
    if missing:
        raise ModelError(f"{name} is no complete Keras model: {', '.join(missing)} is missing.")


def _read_config(name: str, text: bytes, own: Mapping[str, type]) -> dict[str, Any]:
    """The configuration, once every class that it names has been found on the allowlist."""
    try:
        config = json.loads(text)
        if not isinstance(config, dict) or config.get("class_name") not in _MODELS:
            raise ModelError(f"{name} holds no Sequential or Functional Keras model.")
        # How it was trained is left unread: load_model does not compile.
        config.pop("compile_config", None)
        for item in _classes(config):
            _check_class(name, item, own)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name}: config.json cannot be read: save the model anew.") from error
    return config


def _classes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every part of a configuration that names a class, however deep."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from _classes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _classes(item)


def _check_class(name: str, item: Mapping[str, Any], own: Mapping[str, type]) -> None:
    kind, module, registered = (
        item.get(key) for key in ("class_name", "module", "registered_name")
    )
    if kind in ("Lambda", "__lambda__"):
        raise ModelError(
            f"{name} holds a Lambda layer, which is program code and is never run from a file: "
            "rebuild the network in a net.py and use that."
        )
    if kind == "__keras_tensor__" and module is None:
        return
    if str(kind) in own and module == own[str(kind)].__module__:
        return
    if kind == "function" and module in ("builtins", "keras.activations"):
        known = str(item.get("config")) in ACTIVATIONS
    else:
        known = str(kind) in _CLASSES.get(str(module), ()) and registered in (None, kind)
    if known:
        return
    raise ModelError(
        f"{name} asks for {str(kind)[:60]!r} of {str(module)[:60]!r}, which is not among the "
        "layers that are loaded from files: rebuild the network in a net.py and use that."
    )


def _count_weights(name: str, file: IO[bytes]) -> int:
    file.seek(0)
    try:
        return count_weights(file)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error


def _count_wanted(name: str, config: dict[str, Any]) -> int:
    """The weights that the configuration asks for, counted without making any."""
    keras = import_keras()
    layers: dict[tuple[str, ...], Any] = {}
    # Keras builds a layer for the shape that its own part of the configuration names, and only
    # then finds out whether the network hands it that shape: both are counted.
    built: list[int] = []

    def find(path: tuple[str, ...], item: Mapping[str, Any]) -> Any:
        if path not in layers:
            unbuilt = {key: value for key, value in item.items() if key != "build_config"}
            layers[path] = keras.saving.deserialize_keras_object(unbuilt, safe_mode=True)
            shape = _build_shape(item.get("build_config"))
            built.append(weights_of(layers[path], (shape,))[0] if shape else 0)
        return layers[path]

    try:
        calls = calls_in(config["config"], find)
        rows = cost_of_calls(calls, _input_shape(config["config"]))
    except ModelError as error:
        raise ModelError(f"{name} holds a network that cannot work: {error}") from error
    except Exception as error:
        # Whatever Keras stumbles over in a file, the file is at fault.
        raise ModelError(f"{name} cannot be loaded: {first_sentence(error)}") from error
    return max(sum(built), sum(row.parameters for row in rows))


def _build_shape(config: Any) -> tuple[int, ...]:
    """The one shape that a layer says it was built for, or () where it says none."""
    if not config or (isinstance(config, dict) and list(config) == ["input_shape"]):
        shape = config["input_shape"] if config else []
        # Layers that join branches were built for several shapes; they have no weights.
        if not shape or isinstance(shape[0], list):
            return ()
        return _open_sizes_filled(shape[1:])
    raise ModelError("a layer says in an unknown way what it was built for.")


def _input_shape(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of the network's input."""
    layers = (item for item in config["layers"] if item["class_name"] == "InputLayer")
    first = next(layers, None)
    if first is None:
        raise ModelError("it does not say which images it takes.")
    return _open_sizes_filled(first["config"]["batch_shape"][1:])


def _open_sizes_filled(shape: list[int | None]) -> tuple[int, ...]:
    """224 for a size that is left open, where no weight can depend on it."""
    return tuple(224 if size is None else int(size) for size in shape)
