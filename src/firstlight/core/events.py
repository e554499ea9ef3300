"""`events.jsonl`: what happened in a run, one numbered JSON object a line, only ever added to."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firstlight.core.files import write_error

Event = dict[str, Any]
STEPS_PER_SECOND = 10


class EventLog:
    """Appends events to a file and hands each to a listener.

    Every event gets its `number` (1, 2, ...), the `time` in seconds since 1970 and its
    `kind`: `start`, `step` (at most 10 a second), `epoch`, `state`, `end`.
    """

    def __init__(self, path: Path, listener: Callable[[Event], None] | None = None) -> None:
        self._listener = listener
        self._number = 0
        self._last_step = float("-inf")
        self._path = path
        self._broken = False
        try:
            # A process killed inside a write leaves a last line without its end: it never became
            # an event, and what comes next must not be glued to it.
            if path.exists():
                whole = path.read_bytes()
                kept = whole.rfind(b"\n") + 1
                if kept < len(whole):
                    os.truncate(path, kept)
                self._number = max((event["number"] for event in read_events(path)), default=0)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise write_error(path, error) from error

    def add(self, kind: str, **values: Any) -> None:
        """Append one event; a `step` that comes too soon after the last one is dropped.

        Raises:
            WriteError: the file cannot be written. Later events only reach the listener.
        """
        now = time.time()
        if kind == "step":
            if now - self._last_step < 1 / STEPS_PER_SECOND:
                return
            self._last_step = now
        self._number += 1
        event = {"number": self._number, "time": now, "kind": kind, **values}
        self._append(json.dumps(event, allow_nan=False).encode() + b"\n")
        if self._listener is not None:
            self._listener(event)

    def _append(self, line: bytes) -> None:
        while line and not self._broken:
            try:
                line = line[self._file.write(line) :]
            except OSError as error:
                self._broken = True
                raise write_error(self._path, error) from error

    def close(self) -> None:
        """Put everything on disk and close the file.

        Raises:
            WriteError: that failed, and no event before it did.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if not self._broken:
                raise write_error(self._path, error) from error
        finally:
            self._file.close()


def read_events(path: Path, after: int = 0) -> list[Event]:
    """The events of a file with a number above `after`.

    A torn last line is not yet an event; what a power cut or a bad disk made of a line is none.
    """
    if not path.exists():
        return []
    events = map(event_of, path.read_bytes().split(b"\n")[:-1])
    return [event for event in events if event is not None and event["number"] > after]


def event_of(line: bytes) -> Event | None:
    """The event that a line holds; None where it holds none.

    Example:
        >>> event_of(b'{"number": 1, "kind": "end"}'), event_of(b"torn")
        ({'number': 1, 'kind': 'end'}, None)
    """
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and {"number", "kind"} <= event.keys() else None


def history(events: list[Event]) -> list[Event]:
    """The `epoch` events in order; of an epoch that was run again after a kill, the last one."""
    epochs = {event["epoch"]: event for event in events if event["kind"] == "epoch"}
    return [epochs[number] for number in sorted(epochs)]
