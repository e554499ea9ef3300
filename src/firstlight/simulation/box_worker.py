"""The worker that simulates boxes; see `core.processes`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from firstlight.core.files import write_arrays
from firstlight.core.processes import Task
from firstlight.simulation.boxes import Universe, simulate_box

WORKER = __name__


def perform(task: Task, tell: Callable[[int], None]) -> None:
    """Simulate the box `number` of a `universe` and write its maps and columns to `path`."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in task["universe"].items()
    }
    box = simulate_box(Universe(**values), task["number"])
    write_arrays(Path(task["path"]), maps=box.maps, **box.columns)
    tell(1)
