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
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from firstlight.core.errors import ModelError
from firstlight.core.files import replacing
from firstlight.models.allowlist import MODELS, is_code, is_known, is_own, may_be_own, named_parts
from firstlight.models.arithmetic import weights_of
from firstlight.models.backend import import_keras
from firstlight.models.cost import cost_of_calls
from firstlight.models.graph import calls_in, references
from firstlight.models.layers import first_sentence
from firstlight.models.weights_file import count_weights

if TYPE_CHECKING:
    import keras

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MEBIBYTE = 1024 * 1024
# What each file of an archive may unpack to. The largest published image networks have about
# a billion weights.
_LARGEST = {_CONFIG: 16 * _MEBIBYTE, _METADATA: _MEBIBYTE, _WEIGHTS: 8192 * _MEBIBYTE}
_LARGEST_RATIO = 100


def save_model(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write a model as a `.keras` archive; a crash on the way leaves the file that was there.

    Args:
        model: a built Keras model.
        path: the file, ending in `.keras`.

    Raises:
        ModelError: the path does not end in `.keras`.
        WriteError: the disk cannot take the file.

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
    # Keras writes an archive only under a name that ends in .keras.
    with replacing(path, suffix=".part.keras") as temporary:
        model.save(temporary)


def load_model(path: str | os.PathLike[str], own: Mapping[str, type] | None = None) -> keras.Model:
    """Read a model from a `.keras` archive, after looking through it.

    Only classes of an allowlist are loaded: Keras's layers for images, and the initializers,
    regularizers and constraints that go with them. The state of an optimizer is not read, and
    no code is run: layers of one's own have to be handed over.

    Args:
        path: a `.keras` file, as `save_model` or Keras's own `model.save` writes it.
        own: classes that are allowed too, by name, as `classes_of_file` gives them: the layers
            of the user's own that the model holds.

    Raises:
        ModelError: the file is missing, damaged, or holds something that no network needs, or
            layers that are neither Keras's nor in `own`.

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
    own = own or {}
    with import_keras().saving.custom_object_scope(dict(own)):
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
    wanted = _count_wanted(path.name, config)
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
    """The configuration, once every class that it names has been found to be allowed."""
    try:
        config = json.loads(text)
        if not isinstance(config, dict) or config.get("class_name") not in MODELS:
            raise ModelError(f"{name} holds no Sequential or Functional Keras model.")
        # How it was trained is left unread: load_model does not compile.
        config.pop("compile_config", None)
        _check_parts(name, config, own)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name}: config.json cannot be read: save the model anew.") from error
    return config


def _check_parts(name: str, config: dict[str, Any], own: Mapping[str, type]) -> None:
    """Refuse program code and classes that are neither on the allowlist nor the user's own."""
    missing = []
    for part in named_parts(config):
        kind, module = str(part.get("class_name")), str(part.get("module"))
        if is_code(part):
            raise ModelError(
                f"{name} holds a Lambda layer, which is program code and is never run from a "
                "file: rebuild the network in a net.py and use that."
            )
        if is_known(part) or is_own(part, own):
            continue
        if not may_be_own(part):
            raise ModelError(
                f"{name} asks for {kind[:60]!r} of {module[:60]!r}, which is not among the "
                "layers that are loaded from files: rebuild the network in a net.py and use that."
            )
        missing.append(kind[:60])
    if missing:
        kinds = ", ".join(dict.fromkeys(missing[:5]))
        remedy = "give the file that defines them (--trust-code net.py / trust_code=...)."
        if own:
            remedy = f"the classes given are {', '.join(own)}: {remedy}"
        raise ModelError(f"{name} holds layers of your own ({kinds}): {remedy}")


def _count_weights(name: str, file: IO[bytes]) -> int:
    file.seek(0)
    try:
        return count_weights(file)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error


def _count_wanted(name: str, config: dict[str, Any]) -> int:
    """The weights that the configuration asks for, counted without making any."""
    keras = import_keras()
    layers: dict[int, Any] = {}

    def find(_: tuple[str, ...], item: Mapping[str, Any]) -> Any:
        if id(item) not in layers:
            unbuilt = {key: value for key, value in item.items() if key != "build_config"}
            layers[id(item)] = keras.saving.deserialize_keras_object(unbuilt, safe_mode=True)
        return layers[id(item)]

    parts = list(named_parts(config))
    try:
        # Keras builds a layer for the shape that its own part of the configuration names, and
        # only then finds out whether the network hands it that shape: both are counted.
        built = 0
        for part in parts:
            shape = _build_shape(part) if is_known(part) else ()
            built += weights_of(find((), part), (shape,))[0] if shape else 0
        if not all(is_known(part) for part in parts):
            # What shape a layer of the user's own makes is only known once it has run.
            return built
        rows = cost_of_calls(calls_in(config["config"], find), _input_shape(config["config"]))
    except ModelError as error:
        raise ModelError(f"{name} holds a network that cannot work: {error}") from error
    except Exception as error:
        # Whatever Keras stumbles over in a file, the file is at fault.
        raise ModelError(f"{name} cannot be loaded: {first_sentence(error)}") from error
    return max(built, sum(row.parameters for row in rows))


def _build_shape(part: Mapping[str, Any]) -> tuple[int, ...]:
    """The one shape that a layer says it was built for, or () where it says none."""
    config = part.get("build_config")
    if part.get("module") != "keras.layers" or not config:
        return ()
    if isinstance(config, dict) and list(config) == ["input_shape"]:
        shape = config["input_shape"]
        # Layers that join branches were built for several shapes; they have no weights.
        if not shape or isinstance(shape[0], list):
            return ()
        return _open_sizes_filled(shape[1:])
    raise ModelError("a layer says in an unknown way what it was built for.")


def _input_shape(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of the network's (first) input."""
    layers = [item for item in config["layers"] if item["class_name"] == "InputLayer"]
    if config.get("input_layers"):
        # Keras lists layers by how far they are from the answer, not as the model takes them.
        (name, *_), *_ = references(config["input_layers"])
        layers = [item for item in layers if item["config"]["name"] == name]
    first = next(iter(layers), None)
    if first is None:
        raise ModelError("it does not say which images it takes.")
    return _open_sizes_filled(first["config"]["batch_shape"][1:])


def _open_sizes_filled(shape: list[int | None]) -> tuple[int, ...]:
    """224 for a size that is left open, where no weight can depend on it."""
    return tuple(224 if size is None else int(size) for size in shape)
