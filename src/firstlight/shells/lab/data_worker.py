"""Reading a source and showing its images, in a process of its own."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from firstlight.core.dataset import Dataset
from firstlight.core.telling import Listener
from firstlight.shells.lab.choices import REIONISATION

MOST_LISTED = 200


class DataWorker:
    """Does the tasks of one source: first `read`, then any number of `samples`.

    Args:
        tell: called with how far a long reading has come.
    """

    def __init__(self, tell: Listener) -> None:
        self._tell = tell
        self._dataset: Dataset | None = None

    def perform(self, task: dict[str, Any]) -> dict[str, Any]:
        """The answer to one task.

        Raises:
            FirstlightError: it cannot be done.
        """
        return self._read(**task["read"]) if "read" in task else self._samples(task["samples"])

    def _read(
        self, source: str, seed: int, settings: dict[str, Any], simulate: bool
    ) -> dict[str, Any]:
        from firstlight import api
        from firstlight.api.simulating import simulated

        if source == REIONISATION and not simulated():
            if not simulate:
                return {"absent": True}
            api.simulate(preset="quick", progress=self._tell)
        self._dataset = api.load(source, seed=seed, progress=self._tell, **settings)
        found = api.explore(self._dataset)
        listed = replace(found, refused=found.refused[:MOST_LISTED])
        reading = asdict(self._dataset.settings)
        return {"exploration": listed, "refused": len(found.refused), "reading": reading}

    def _samples(self, asked: dict[str, Any]) -> dict[str, Any]:
        from firstlight.api.browsing import sheet

        assert self._dataset is not None
        return asdict(sheet(self._dataset, **asked))
