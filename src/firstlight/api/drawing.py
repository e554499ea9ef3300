"""Drawings for a trained network: whether it takes them, and the image that it sees of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.networks import side_names
from firstlight.core.dataset import Images
from firstlight.core.errors import DataError

LARGEST = 128  # pixels of a side
FINE = 112  # pixels that a drawing has along its longer side where the images have fewer
LOOKED_AT = 500  # images that show how such images look


@dataclass(frozen=True)
class Pad:
    """What is drawn on for a network.

    Attributes:
        height, width: of a drawing in pixels, a whole number for each pixel of the images.
        image_height, image_width: of the images.
        dark: whether the images show bright things on a dark ground.
        digits: whether they stand in their frames as MNIST's digits do.
    """

    height: int
    width: int
    image_height: int
    image_width: int
    dark: bool
    digits: bool

    def image(self, ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image `(H, W, 1)` that a network sees of a drawing.

        Digits are placed as MNIST's are (`firstlight.data.drawn.as_digit`); any other drawing is
        made smaller.

        Args:
            ink: `(height, width)`, from 0, where nothing is drawn, to 255.

        Raises:
            DataError: the drawing has another size.

        Example:
            >>> pad = Pad(16, 16, 8, 8, dark=False, digits=False)
            >>> int(pad.image(np.zeros((16, 16), np.uint8)).min())
            255
        """
        from firstlight.data.drawn import as_digit
        from firstlight.data.fit import fit

        if ink.shape != (self.height, self.width):
            raise DataError(
                f"a drawing of {self.height} x {self.width} pixels was expected, but "
                f"{' x '.join(map(str, ink.shape))} came: load the page again."
            )
        if self.digits:
            image = as_digit(ink)[:, :, None]
        else:
            image = fit(ink[:, :, None], self.image_height, self.image_width, "stretch")
        return image if self.dark else 255 - image


def pad_for(information: dict[str, Any], images: Images) -> Pad:
    """How to draw for a run's network.

    Args:
        information: `run.json` of the run.
        images: some of its images, from which it is seen how they look.

    Raises:
        DataError: its images cannot be drawn; the sentence says why.

    Example:
        >>> import firstlight as fl
        >>> data = {"image_shape": (28, 28, 1), "dtype": "uint8", "task": "classify"}
        >>> pad_for({"data": data, "data_settings": {}}, fl.load("mnist").test)
        Pad(height=112, width=112, image_height=28, image_width=28, dark=True, digits=True)
    """
    from firstlight.data.drawn import is_dark, placed_like_digits

    known = information["data"]
    height, width, channels = known["image_shape"]
    if known["task"] != "classify":
        raise DataError("It measures values, which drawings do not have: drop in an image.")
    why = ""
    if known["dtype"] != "uint8":
        why = "measured numbers, not shades of grey"
    elif channels != 1:
        why = "in colour"
    elif max(height, width) > LARGEST:
        why = f"{height} x {width} pixels large"
    elif side_names(information):
        why = "not all that it is told"
    if why:
        raise DataError(f"Its images are {why}, so they cannot be drawn here: drop one in.")
    some = images.images[:LOOKED_AT]
    dark = is_dark(some)
    fine = max(1, FINE // max(height, width))
    digits = placed_like_digits(some if dark else 255 - some)
    return Pad(fine * height, fine * width, height, width, dark, digits)
