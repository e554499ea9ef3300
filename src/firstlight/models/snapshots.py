"""A network's weights as they were after some of its epochs, to look at how they came to be."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from firstlight.core.errors import ModelError, WriteError
from firstlight.core.files import replacing
from firstlight.models.backend import import_keras

if TYPE_CHECKING:
    import keras

MOST_WEIGHTS = 1_000_000  # 4 MB
_NAME = re.compile(r"epoch-(\d{6})\.npz")


def keeps_snapshot(model: keras.Model, epoch: int) -> bool:
    """Whether a snapshot is kept of a model after so many epochs.

    Of a million weights and less, after 0 to 4, 6, 8, 12, 16, 24, 32, 48, ... epochs: a network
    moves most at first, and twice as many epochs cost two snapshots more.

    Example:
        >>> from firstlight.models import build_model
        >>> model = build_model("simple", (28, 28, 1), 10, "classify")
        >>> [epoch for epoch in range(50) if keeps_snapshot(model, epoch)]
        [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    """
    if model.count_params() > MOST_WEIGHTS:
        return False
    while epoch > 3 and epoch % 2 == 0:
        epoch //= 2
    return epoch <= 3


def save_snapshot(folder: Path, epoch: int, model: keras.Model) -> None:
    """Write the weights after so many epochs.

    What cannot be written is left out: a picture is not worth a training.

    Args:
        folder: made where it is missing.
        epoch: how many are done; 0: before training.
        model: with the weights of that moment.

    Example:
        >>> import tempfile
        >>> from firstlight.models import build_model
        >>> folder = Path(tempfile.mkdtemp())
        >>> save_snapshot(folder, 1, build_model("simple", (28, 28, 1), 10, "classify"))
        >>> list(find_snapshots(folder))
        [1]
    """
    to_numpy = import_keras().ops.convert_to_numpy
    with suppress(WriteError, OSError):
        folder.mkdir(exist_ok=True)
        with (
            replacing(folder / f"epoch-{epoch:06d}.npz") as temporary,
            temporary.open("wb") as stream,
        ):
            np.savez(stream, *(to_numpy(weight.value) for weight in model.weights))


def find_snapshots(folder: Path) -> dict[int, Path]:
    """The snapshots in a folder by epoch, in order; none where there is no such folder.

    Example:
        >>> find_snapshots(Path("nowhere"))
        {}
    """
    files = {path: _NAME.fullmatch(path.name) for path in sorted(folder.glob("epoch-*.npz"))}
    return {int(found[1]): path for path, found in files.items() if found}


def put_snapshot(model: keras.Model, path: Path) -> None:
    """Give a model the weights of a snapshot.

    Raises:
        ModelError: the file is damaged, or of another network.

    Example:
        >>> import tempfile
        >>> from firstlight.models import build_model
        >>> folder = Path(tempfile.mkdtemp())
        >>> model = build_model("simple", (28, 28, 1), 10, "classify")
        >>> save_snapshot(folder, 0, model)
        >>> put_snapshot(model, find_snapshots(folder)[0])
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = [stored[f"arr_{number}"] for number in range(len(stored.files))]
        model.set_weights(arrays)
    except (BadZipFile, OSError, ValueError, KeyError, EOFError) as error:
        raise ModelError(
            f"{path.name} is damaged or of another network: look at another epoch."
        ) from error
