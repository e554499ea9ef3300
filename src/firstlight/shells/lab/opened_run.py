"""A run as the process that holds it knows it: its test images are read once."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.api.asking import as_tested, own_dataset
from firstlight.api.browsing import sheet
from firstlight.api.drawing import Pad, pad_for
from firstlight.api.looking_inside import inside
from firstlight.api.networks import Networks, networks_of
from firstlight.core.dataset import Dataset, Images
from firstlight.core.reports import Report
from firstlight.core.run_folder import find_run

if TYPE_CHECKING:
    from firstlight.explain import OpenModel

MOST_EPOCHS = 16  # of which the network is held; only small networks keep any


class OpenedRun:
    """A run whose network is asked about its own images and others.

    Attributes:
        folder: where it is.
        information: its `run.json`.
    """

    def __init__(self, path: Path) -> None:
        self.folder = find_run(path, path.parent)
        self.information = self.folder.information()
        # By epoch, None: as it is; the one that was asked last stands last.
        self._networks: dict[int | None, OpenModel] = {}

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

    def network(self, epoch: int | None = None) -> OpenModel:
        """Its network as it was after so many epochs, or as it is.

        Raises:
            RunError: nothing is kept of that epoch.
        """
        opened = self._networks.pop(epoch, None) or inside(self.folder.path, epoch=epoch)
        self._networks[epoch] = opened
        if len(self._networks) > MOST_EPOCHS:
            self._networks.pop(next(iter(self._networks)))
        return opened

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
    return asdict(sheet(replace(run.dataset, test=run.test), "test", **asked))
