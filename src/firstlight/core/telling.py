"""Telling whoever listens how far something long has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from firstlight.core.events import Event

Listener = Callable[[Event], None]
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Hand what `tell` is told within the block to `listener`.

    Who reads lies deep below the verb that is run; this spares each of them an argument.

    Example:
        >>> heard = []
        >>> with listening(heard.append):
        ...     tell("looking", 1, 2)
        >>> heard
        [{'kind': 'reading', 'what': 'looking', 'done': 1, 'total': 2}]
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(what: str, done: int, total: int) -> None:
    """Say that `done` of `total` images or steps have been dealt with; `what` says how."""
    listener = _listener.get()
    if listener is not None:
        listener({"kind": "reading", "what": what, "done": done, "total": total})
