"""`events.jsonl`: what happened in a run, one numbered JSON object a line, only ever added to."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
        # A process killed inside a write leaves a last line without its end: it never became an
        # event, and what comes next must not be glued to it.
        if path.exists():
            whole = path.read_bytes()
            kept = whole[: whole.rfind(b"\n") + 1]
            if len(kept) < len(whole):
                os.truncate(path, len(kept))
            events = read_events(path)
            self._number = events[-1]["number"] if events else 0
        self._stream = path.open("a", encoding="utf-8")

    def add(self, kind: str, **values: Any) -> None:
        """Append one event; a `step` that comes too soon after the last one is dropped."""
        now = time.time()
        if kind == "step":
            if now - self._last_step < 1 / STEPS_PER_SECOND:
                return
            self._last_step = now
        self._number += 1
        event = {"number": self._number, "time": now, "kind": kind, **values}
        self._stream.write(json.dumps(event, allow_nan=False) + "\n")
        self._stream.flush()
        if self._listener is not None:
            self._listener(event)

    def close(self) -> None:
        """Put everything on disk and close the file."""
        os.fsync(self._stream.fileno())
        self._stream.close()


def read_events(path: Path, after: int = 0) -> list[Event]:
    """The events of a file with a number above `after`; a torn last line is not yet an event."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [event for event in map(json.loads, lines) if event["number"] > after]


def history(events: list[Event]) -> list[Event]:
    """The `epoch` events in order; of an epoch that was run again after a kill, the last one."""
    epochs = {event["epoch"]: event for event in events if event["kind"] == "epoch"}
    return [epochs[number] for number in sorted(epochs)]
