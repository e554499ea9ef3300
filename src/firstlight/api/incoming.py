"""What verbs that ask a trained network share: images from files, and the numbers beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.networks import side_names
from firstlight.core.errors import RunError
from firstlight.core.settings import DataSettings

if TYPE_CHECKING:
    from firstlight.data.incoming import Incoming

# How images were read in training, and other ones are.
AS_TRAINED = ("resize", "axes", "hdu", "gaps", "image_column")


def incoming_images(
    information: dict[str, Any],
    sources: Sequence[str | Path],
    side: Mapping[str, float],
    resize: str | None = None,
) -> tuple[Incoming, NDArray[np.float32] | None]:
    """Images from files, read as those of the training were, and the numbers beside each.

    Args:
        information: `run.json` of the run.
        sources: as in `firstlight.data.read_images`.
        side: numbers beside the images that the user gives, by name.
        resize: how images of another size are fitted; None: as in training.
    """
    from firstlight.data import read_images

    known, reading = information["data"], information["data_settings"]
    names = side_names(information)
    how = {name: reading[name] for name in AS_TRAINED if name in reading}
    how |= {} if resize is None else {"resize": resize}
    settings = DataSettings(**how, side=names)
    incoming = read_images(sources, tuple(known["image_shape"]), settings, known["dtype"])
    return incoming, _beside(side, incoming.columns, names)


def _beside(
    given: Mapping[str, float], columns: NDArray[np.float32], wanted: tuple[str, ...]
) -> NDArray[np.float32] | None:
    """The numbers beside each image: those that the user gives, else those that came along.

    Args:
        given: by name, the same for all images.
        columns: `(N, S)` what array files hold, NaN where they hold nothing.
        wanted: the S names, in the order of the network.
    """
    unknown = ", ".join(set(given) - set(wanted))
    if unknown:
        takes = f"{', '.join(wanted)} beside an image" if wanted else "an image alone"
        raise RunError(f"the network takes {takes}, but {unknown} came: leave it out.")
    if not wanted:
        return None
    columns = columns.copy()
    for k, name in enumerate(wanted):
        if name in given:
            columns[:, k] = given[name]
    missing = [name for k, name in enumerate(wanted) if not np.isfinite(columns[:, k]).all()]
    if missing:
        options = " ".join(f"--side {name}=NUMBER" for name in missing)
        raise RunError(
            f"the network takes {', '.join(wanted)} beside an image, but {', '.join(missing)} is "
            f"not known of all images: give it ({options} on the command line), or an array file "
            "that holds it."
        )
    return columns
