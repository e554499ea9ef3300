"""A run as the process that holds it knows it: its test images are read once."""

from __future__ import annotations

from base64 import b64decode
from contextlib import chdir
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.api.asking import as_tested, own_dataset
from firstlight.api.browsing import sheet
from firstlight.api.drawing import Pad, pad_for
from firstlight.api.incoming import incoming_images
from firstlight.api.looking_inside import inside
from firstlight.api.networks import Networks, networks_of
from firstlight.api.one_look import ChosenImage, brought_image, chosen_image
from firstlight.core.dataset import Dataset, Images
from firstlight.core.errors import DataError
from firstlight.core.reports import Report
from firstlight.core.run_folder import find_run

if TYPE_CHECKING:
    from firstlight.data.incoming import Incoming
    from firstlight.explain import OpenModel

MOST_EPOCHS = 16  # of which the network is held; only small networks keep any


# The number of a test image; {"kind": "drawing", "ink": base64}; or {"kind": "uploaded", "folder":
# path, "place": number, "side": numbers by name}.
Which = int | dict[str, Any]


class LookedAt(NamedTuple):
    """An image that is looked at.

    Attributes:
        image: the image.
        images: how many there are where it came from.
        reading: what to know of how they were read.
    """

    image: ChosenImage
    images: int
    reading: tuple[str, ...] = ()


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
        # The images that were brought last.
        self._brought: dict[Any, tuple[Incoming, NDArray[np.float32] | None]] = {}

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

    def brought(
        self, folder: str, side: dict[str, float]
    ) -> tuple[Incoming, NDArray[np.float32] | None]:
        """The images in a folder and the numbers beside them, as `firstlight predict` reads them.

        Raises:
            DataError: none of them can be read.
            RunError: a number beside them is missing.
        """
        key = (folder, tuple(side.items()))
        if key not in self._brought:
            self._brought.clear()  # the ones of before, while these are read
            # Where the files lie for a moment says nothing to whoever has brought them.
            with chdir(folder):
                read = incoming_images(self.information, sorted(Path().iterdir()), side)
            self._brought[key] = read
        return self._brought[key]

    def drawn(self, ink: str) -> NDArray[np.uint8]:
        """The image `(H, W, C)` that the network sees of a drawing.

        Args:
            ink: a byte a pixel of the pad, base64.

        Raises:
            DataError: its images cannot be drawn, or the pad has another size.
        """
        pixels = np.frombuffer(b64decode(ink), np.uint8)
        if pixels.size != self.pad.height * self.pad.width:
            raise DataError("The drawing has another size than the pad: load the page again.")
        return self.pad.image(pixels.reshape(self.pad.height, self.pad.width))

    def image(self, which: Which) -> LookedAt:
        """An image to look at.

        Raises:
            DataError: it is not there, or cannot be read.
            RunError: a number beside it is missing.
        """
        if isinstance(which, int):
            return LookedAt(chosen_image(self.test, which), len(self.test))
        if which["kind"] == "drawing":
            return LookedAt(ChosenImage(self.drawn(which["ink"]), "drawing"), 1)
        incoming, beside = self.brought(which["folder"], which["side"])
        refused = (f"{one.file}: {one.reason}" for one in incoming.refused)
        chosen = brought_image(incoming, beside, which["place"])
        return LookedAt(chosen, len(incoming.images), (*incoming.notes, *refused))

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
