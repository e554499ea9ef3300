"""Looking through the images of a data set, a sheet at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Dataset, Part
from firstlight.core.errors import SettingError
from firstlight.core.notebook import short

COLUMNS = 12  # in a row of a sheet


@dataclass(frozen=True)
class Sheet:
    """Some images of a data set on one picture.

    Attributes:
        total: how many images there are to choose from.
        positions: which images of the part these are, counted from 0.
        names: where each image on the sheet came from.
        labels: its class, or its values with their units, in the order of the targets.
        png: the images side by side, `columns` in a row, without gaps.
        width, height: of one image on the sheet in pixels; large images are made smaller.
        colours: what the colours mean, in a sentence.
    """

    total: int
    positions: tuple[int, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]
    png: bytes
    columns: int
    width: int
    height: int
    colours: str


def sheet(
    dataset: Dataset,
    part: Part = "train",
    *,
    label: int | None = None,
    start: int = 0,
    count: int = 60,
) -> Sheet:
    """Images of one part of a data set, of one class or of all.

    Args:
        dataset: what `load` returned.
        part: `train`, `validation` or `test`.
        label: the number of a class, or None: all.
        start: how many to pass over.
        count: how many to show at most.

    Raises:
        SettingError: there is no such class.

    Example:
        >>> import firstlight as fl
        >>> sevens = sheet(fl.load("mnist"), "test", label=7, count=3)
        >>> sevens.total, sevens.labels, (sevens.width, sevens.height)
        (1028, ('7', '7', '7'), (28, 28))
    """
    images = dict(dataset.parts())[part]
    if label is not None and not 0 <= label < len(dataset.classes):
        raise SettingError(
            f"there are classes 0 to {len(dataset.classes) - 1}, but {label} came: choose another."
        )
    rows = np.arange(len(images)) if label is None else np.flatnonzero(images.targets == label)
    total, rows = len(rows), rows[start : start + count]
    shown = images.select(rows)
    labels = tuple(labelled(dataset, target) for target in shown.targets)
    found = sheet_of(shown.images[:], tuple(map(str, shown.names)), labels, dataset.pixel_unit)
    return replace(found, total=total, positions=tuple(rows.tolist()))


def sheet_of(
    pixels: NDArray[Any], names: tuple[str, ...], labels: tuple[str, ...], unit: str = ""
) -> Sheet:
    """A sheet of all these images.

    Args:
        pixels: `(N, H, W, C)` of any number type.
        names: N, where each came from.
        labels: N, what is said below each.
        unit: that of the pixels.

    Example:
        >>> one = sheet_of(np.zeros((1, 8, 8, 1), np.uint8), ("a.png",), ("?",))
        >>> one.total, one.colours
        (1, 'Pixels as they are stored: black is 0, white is 255.')
    """
    from PIL import Image

    from firstlight.draw.mosaic import displayed, mosaic

    tiles = displayed(pixels)
    picture, _ = mosaic(tiles, COLUMNS, 0, 0)
    png = BytesIO()
    Image.fromarray(picture).save(png, "PNG", compress_level=1)
    height, width = tiles.shape[1:3]
    return Sheet(
        len(pixels),
        tuple(range(len(pixels))),
        names,
        labels,
        png.getvalue(),
        COLUMNS,
        width,
        height,
        colours_in_words(pixels, unit),
    )


def labelled(dataset: Dataset, target: Any) -> str:
    """A class's name, or the values in the order of the targets.

    Example:
        >>> import firstlight as fl
        >>> labelled(fl.load("mnist"), 7)
        '7'
    """
    if dataset.task == "classify":
        return dataset.classes[int(target)]
    units = dataset.target_units
    return ", ".join(short(float(one), unit) for one, unit in zip(target, units, strict=True))


def colours_in_words(pixels: NDArray[Any], unit: str) -> str:
    """What the colours of images mean as `firstlight.draw.mosaic.displayed` shows them.

    Args:
        pixels: `(N, H, W, C)` of any number type.
        unit: that of the pixels.

    Example:
        >>> colours_in_words(np.zeros((1, 8, 8, 1), np.uint8), "")
        'Pixels as they are stored: black is 0, white is 255.'
    """
    from firstlight.draw.shades import is_map, shades_of

    if is_map(pixels):
        return shades_of(pixels).in_words(unit)
    if pixels.dtype != np.uint8:
        return "The lowest 1 % of the stored numbers are black, the highest 1 % white."
    if pixels.shape[3] in (3, 4):
        return "Colours as they are stored."
    return "Pixels as they are stored: black is 0, white is 255."
