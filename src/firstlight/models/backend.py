"""The one module that chooses the Keras backend and imports Keras.

Every other module asks here: `keras = import_keras()`. The backend is chosen before the first
import of Keras and only where the user has chosen none.

On torch, `import keras` spends most of its time on modules that it hardly uses: `torch._dynamo`
for one decorator on two functions, scikit-learn for `keras.wrappers`, matplotlib for
`keras.visualization`. A stand-in for the first is put in place while Keras is imported, and the
others can be left out.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from firstlight.core.errors import ModelError

DEFAULT_BACKEND = "torch"
# Keras has two more, numpy and openvino, but those cannot train.
_BACKENDS = ("torch", "tensorflow", "jax")
_DYNAMO = "torch._dynamo"
_NOT_NEEDED = ("sklearn", "matplotlib", "pandas")


# What `import_keras` leaves out; filled for the whole process by `hurry`.
_unwanted: set[str] = set()


def hurry() -> None:
    """Make a later `import_keras` leave out scikit-learn, matplotlib and pandas.

    `keras.wrappers` and `keras.visualization` then cannot be used in this process: right for
    the command line, where it saves two seconds of every start, not for a notebook.

    Example:
        >>> hurry()
        >>> sorted(_unwanted)
        ['matplotlib', 'pandas', 'sklearn']
        >>> _unwanted.clear()
    """
    _unwanted.update(_NOT_NEEDED)


def import_keras() -> ModuleType:
    """Keras, on the backend that the user has chosen or on torch.

    The user chooses with the environment variable `KERAS_BACKEND` or in `~/.keras/keras.json`.
    Keras writes that file itself on its first import, naming TensorFlow, so a backend that is
    named there but not installed, or cannot train, counts as no choice.

    Returns:
        The module `keras`. A second call returns it at once.

    Raises:
        ModelError: the environment variable names a backend that cannot train or is not installed.

    Example:
        >>> keras = import_keras()
        >>> keras.layers.Dense(10).units
        10
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    backend = _choose_backend()
    with _left_out(_unwanted), _without_dynamo(backend == "torch"):
        return importlib.import_module("keras")


def _choose_backend() -> str:
    """The backend Keras will use; sets KERAS_BACKEND where the user has chosen none."""
    asked = os.environ.get("KERAS_BACKEND")
    if asked:
        if asked not in _BACKENDS:
            raise ModelError(
                f"KERAS_BACKEND is one of {', '.join(_BACKENDS)}, but {asked!r} came: "
                "set one of them, or unset it to use torch."
            )
        if not _installed(asked):
            raise ModelError(
                f"KERAS_BACKEND asks for {asked}, which is not installed: "
                f"run `pip install {asked}`, or unset it to use torch."
            )
        return asked
    configured = _configured_backend()
    if configured in _BACKENDS and _installed(configured):
        return configured
    os.environ["KERAS_BACKEND"] = DEFAULT_BACKEND
    return DEFAULT_BACKEND


def _installed(backend: str) -> bool:
    return importlib.util.find_spec(backend) is not None


def _configured_backend() -> str:
    """What keras.json says, or "": the same place that Keras itself looks in."""
    folder = os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser()
    try:
        return str(json.loads((Path(folder) / "keras.json").read_text())["backend"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""


@contextmanager
def _left_out(names: set[str]) -> Iterator[None]:
    """Make `import name` fail inside the block, for modules that are not imported yet."""
    blocked = [name for name in names if name not in sys.modules]
    for name in blocked:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]


@contextmanager
def _without_dynamo(wanted: bool) -> Iterator[None]:
    """Put a stand-in for torch._dynamo in place inside the block."""
    if not wanted or _DYNAMO in sys.modules:
        yield
        return
    import torch

    stand_in = _DynamoStandIn()
    sys.modules[_DYNAMO] = stand_in
    try:
        yield
    finally:
        # It is gone already where somebody has asked it for more than `disable`.
        if sys.modules.get(_DYNAMO) is stand_in:
            del sys.modules[_DYNAMO]
        if vars(torch).get("_dynamo") is stand_in:
            del torch._dynamo


class _DynamoStandIn(ModuleType):
    """Offers `disable`, and turns into the real module for any other name."""

    def __init__(self) -> None:
        super().__init__(_DYNAMO)

    def disable(self, function: Callable[..., Any] | None = None, **options: Any) -> Any:
        """Like `torch._dynamo.disable`, which is applied once that module is loaded."""
        if function is None:
            return functools.partial(_disabled_later, **options)
        return _disabled_later(function, **options)

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(_DYNAMO) is self:
            del sys.modules[_DYNAMO]
        return getattr(importlib.import_module(_DYNAMO), name)


def _disabled_later(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """`function`, hidden from torch.compile as soon as there can be a torch.compile."""
    hidden: list[Callable[..., Any]] = []

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        if not hidden:
            dynamo = sys.modules.get(_DYNAMO)
            if not hasattr(dynamo, "disable"):
                return function(*arguments, **keywords)
            hidden.append(dynamo.disable(function, **options))  # type: ignore[union-attr]
        return hidden[0](*arguments, **keywords)

    return call
