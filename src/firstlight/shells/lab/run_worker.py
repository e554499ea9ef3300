"""Asking a run's trained network, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from firstlight.core.telling import Listener, listening
from firstlight.shells.lab import inside_tasks, try_tasks
from firstlight.shells.lab.export_tasks import made_files
from firstlight.shells.lab.opened_run import OpenedRun, tested_images

# Who does which task; each gets the run and what was asked, by name.
TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "images": tested_images,
    "report": try_tasks.report_of,
    "answers": try_tasks.answers_of,
    "drawn": try_tasks.drawn,
    "dropped": try_tasks.dropped,
    "export": made_files,
    "inside": inside_tasks.inside,
    "kernel": inside_tasks.kernel,
    "saliency": inside_tasks.saliency,
}


class RunWorker:
    """Does the tasks of one run: first `open`, then any number of `TASKS`.

    Args:
        tell: called with what the tasks tell on the way (`core.telling`).
    """

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
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
        with listening(self._tell):
            return TASKS[name](self._run, **asked)
