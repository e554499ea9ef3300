"""The doctor's rules about saving: layers that train, but that no model file gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.core.findings import Finding, Fix
from firstlight.models.allowlist import is_code, is_known, is_own, named_parts
from firstlight.models.backend import import_keras
from firstlight.models.user_files import classes_of_file

if TYPE_CHECKING:
    import keras

_WRITE_A_LAYER = "write it as a Layer class of your own, with a get_config method"


def check_saving(model: keras.Model, source: str) -> Iterator[Finding]:
    """What of a network that a Python file makes cannot be loaded again, or only with that file.

    Args:
        model: the built model.
        source: `net.py:function`; any other model has been loaded or is firstlight's own.
    """
    if ".py" not in source:
        return
    config = dict(import_keras().saving.serialize_keras_object(model))
    # How it was compiled is not read back.
    config.pop("compile_config", None)
    strangers = [part for part in named_parts(config) if not is_known(part)]
    own = classes_of_file(source) if strangers else {}
    parts = {_name(part): is_own(part, own) for part in strangers if not is_code(part)}
    foreign = ", ".join(name for name, users in parts.items() if not users)
    users = ", ".join(name for name, users in parts.items() if users)
    if any(is_code(part) for part in strangers):
        yield Finding(
            "error",
            "cannot-be-loaded",
            "a Lambda layer is program code, which is never run from a model file: the trained "
            "network could not be used.",
            fix=Fix(_WRITE_A_LAYER),
        )
    elif foreign:
        yield Finding(
            "error",
            "cannot-be-loaded",
            f"model files are read without {foreign}: the trained network could not be used.",
            fix=Fix(f"use Keras's layers for images, or {_WRITE_A_LAYER}"),
        )
    if users:
        file = Path(source.rpartition(":")[0]).name
        yield Finding(
            "warning",
            "own-layers",
            f"{users} is defined in {file}: the trained network can only be loaded with that file.",
            fix=Fix(f"keep {file}, and give it with --trust-code {file} when you use the network"),
        )


def _name(part: Mapping[str, Any]) -> str:
    """What the user calls a part of a configuration."""
    kind = str(part["class_name"])
    return f"the function {part.get('config')}" if kind == "function" else kind
