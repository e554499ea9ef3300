"""Looking for a learning rate, in a process of its own: `firstlight lr`."""

from __future__ import annotations

from typing import Any

from firstlight.core.events import Event
from firstlight.core.telling import Listener


class RateWorker:
    """Does one search.

    Args:
        tell: called with each step.
    """

    def __init__(self, tell: Listener) -> None:
        self._tell = tell

    def perform(self, task: dict[str, Any]) -> dict[str, Any]:
        """The answer to one task.

        Raises:
            FirstlightError: it cannot be done.
        """
        from firstlight import api

        def heard(event: Event) -> None:
            if event["kind"] == "step":
                self._tell(event)

        return {"found": api.lr(task["source"], progress=heard, **task["settings"])}
