"""Asking a run's trained network, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from firstlight.shells.lab import try_tasks
from firstlight.shells.lab.opened_run import OpenedRun, tested_images

# Who does which task; each gets the run and what was asked, by name.
TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "images": tested_images,
    "report": try_tasks.report_of,
    "answers": try_tasks.answers_of,
    "drawn": try_tasks.drawn,
    "dropped": try_tasks.dropped,
}


class RunWorker:
    """Does the tasks of one run: first `open`, then any number of `TASKS`."""

    def __init__(self) -> None:
        self._run: OpenedRun | None = None

    def perform(self, task: dict[str, Any]) -> dict[str, Any]:
        """The answer to one task.

        Raises:
            FirstlightError: it cannot be done.
        """
        [(name, asked)] = task.items()
        if name == "open":
            self._run = OpenedRun(Path(asked))
            return {}
        assert self._run is not None
        return TASKS[name](self._run, **asked)
