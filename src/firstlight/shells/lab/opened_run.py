"""A run as the process that holds it knows it: its test images are read once."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from firstlight.api.asking import as_tested, own_dataset
from firstlight.api.browsing import sheet
from firstlight.core.dataset import Dataset, Images
from firstlight.core.run_folder import find_run


class OpenedRun:
    """A run whose network is asked about its own images and others.

    Attributes:
        folder: where it is.
        information: its `run.json`.
    """

    def __init__(self, path: Path) -> None:
        self.folder = find_run(path, path.parent)
        self.information = self.folder.information()

    @cached_property
    def dataset(self) -> Dataset:
        """The data that it was trained on.

        Raises:
            RunError: they have changed since.
        """
        return own_dataset(self.folder)

    @cached_property
    def test(self) -> Images:
        """The test images as the network sees them."""
        return as_tested(self.dataset, "test")


def tested_images(run: OpenedRun, **asked: Any) -> dict[str, Any]:
    """A sheet of the run's test images; see `firstlight.api.browsing.sheet`."""
    return asdict(sheet(run.dataset, "test", **asked))
