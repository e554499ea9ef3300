"""Functions by the Keras layer class that each is for: one table a room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
# A user's own class may have the name of one of Keras's.
HOMES = ("keras.src.layers.", "keras.src.applications.")


class ByKind(Generic[Function]):
    """A table that tells for a Keras layer which function treats it.

    Attributes:
        functions: by the name of the class.

    Args:
        refusal: the exception for a layer that none of them treats; it gives the reason in words
            that follow "layer NAME (CLASS)".
        unknown: that reason where the class is not in the table.

    Example:
        >>> from firstlight.models import import_keras
        >>> widths = ByKind(ValueError, "has no width")
        >>> @widths.takes("Dense")
        ... def of_dense(layer):
        ...     return layer.units
        >>> dense = import_keras().layers.Dense(3)
        >>> widths.of(dense)(dense)
        3
    """

    def __init__(self, refusal: type[Exception], unknown: str) -> None:
        self.functions: dict[str, Function] = {}
        self._refusal = refusal
        self._unknown = unknown

    def takes(self, *classes: str) -> Callable[[Function], Function]:
        """Enter the decorated function for these of Keras's classes."""

        def enter(function: Function) -> Function:
            self.functions.update(dict.fromkeys(classes, function))
            return function

        return enter

    def of(self, layer: Any) -> Function:
        """The function for a layer whose images are channels last and which computes in float32."""
        kind = type(layer).__name__
        if kind not in self.functions or not type(layer).__module__.startswith(HOMES):
            raise self._refusal(self._unknown)
        if getattr(layer, "data_format", "channels_last") != "channels_last":
            raise self._refusal("has channels first")
        policy = getattr(getattr(layer, "dtype_policy", None), "name", "float32")
        if policy != "float32":
            raise self._refusal(f"computes in {policy}")
        return self.functions[kind]
