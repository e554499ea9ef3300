"""A run as the process that holds it knows it: its test images are read once."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from firstlight.api.asking import as_tested, own_dataset
from firstlight.api.browsing import sheet
from firstlight.api.drawing import Pad, pad_for
from firstlight.api.networks import Networks, networks_of
from firstlight.core.dataset import Dataset, Images
from firstlight.core.reports import Report
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

    @cached_property
    def report(self) -> Report:
        """What its test has said.

        Raises:
            RunError: it is missing or damaged.
        """
        from firstlight.evaluation import load_report

        return load_report(self.folder.path)

    @cached_property
    def networks(self) -> Networks:
        """Its networks, for images as large as those of the training."""
        return networks_of(self.folder)

    def networks_for(self, size: tuple[int, int]) -> Networks:
        """Its networks, for images of that height and width.

        Raises:
            ModelError: it does not take images of that size.
        """
        height, width, _ = self.information["data"]["image_shape"]
        return self.networks if size == (height, width) else networks_of(self.folder, size=size)

    @cached_property
    def pad(self) -> Pad:
        """What to draw on for it.

        Raises:
            DataError: its images cannot be drawn.
        """
        return pad_for(self.information, self.test)


def tested_images(run: OpenedRun, **asked: Any) -> dict[str, Any]:
    """A sheet of the run's test images; see `firstlight.api.browsing.sheet`."""
    return asdict(sheet(run.dataset, "test", **asked))
