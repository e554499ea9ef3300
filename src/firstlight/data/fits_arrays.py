"""A FITS file as named arrays: its image as `images`, the columns of its tables beside it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.fits import Part, find_image, open_fits, parts_of
from firstlight.data.memory import COPIES, require_memory
from firstlight.data.named_array import Column, NamedArray, StreamedArray
from firstlight.data.paths import shown

ROWS_BYTES = 1 << 22  # bytes of an image stack that are read at a time


def fits_arrays(path: Path, settings: DataSettings) -> dict[str, NamedArray]:
    """The image of a FITS file as `images`, and columns of tables with a row for each image.

    Args:
        path: the file, plain or packed with gzip.
        settings: `hdu` and `axes` count.

    Raises:
        DataError: the file is damaged, or holds no image.
    """
    where = shown(path)
    try:
        # What a reader has to say of damage ends up in the message.
        with warnings.catch_warnings(), open_fits(path) as file:
            warnings.simplefilter("ignore")
            image = find_image(file, settings.hdu)
            tables = [part for part in parts_of(file) if part.kind == "table"]
            count = image.shape[_first(settings.axes, len(image.shape))]
            columns: dict[str, NamedArray] = {}
            for part in tables:
                if part.shape[:1] == (count,):
                    columns |= _columns(file, part, where)
    except DataError as error:
        raise DataError(f"The FITS file {where} {error}.") from error

    def blocks() -> Iterator[NDArray[Any]]:
        row = int(np.prod(image.shape[1:])) * image.stored.itemsize
        step = max(1, ROWS_BYTES // row)
        try:
            with open_fits(path) as file:
                for first in range(0, image.shape[0], step):
                    yield image.read(file, first, min(step, image.shape[0] - first))
        except DataError as error:
            raise DataError(f"The FITS file {where} {error}.") from error

    title = f"{image.title} of {where}"
    images = StreamedArray(path, title, image.shape, image.dtype, blocks, image.unit)
    return columns | {"images": images}


def _first(axes: str | None, rank: int) -> int:
    """Which axis counts the images."""
    return axes.index("N") if axes and len(axes) == rank else 0


def _columns(file: Any, part: Part, where: str) -> dict[str, NamedArray]:
    """The columns of a table, by name, with their units."""
    from astropy.io import fits

    size = part.end - part.start
    require_memory(COPIES * size, f"{part.title} of {where}")
    file.seek(part.start)
    content = file.read(size)
    if len(content) < size:
        raise DataError(f"is cut off within {part.title}")
    content += bytes(-len(content) % 2880)
    with fits.open(BytesIO(fits.PrimaryHDU().header.tostring().encode() + content)) as opened:
        table = opened[1]
        columns: dict[str, NamedArray] = {}
        for column in table.columns:
            values = np.asarray(table.data[column.name])
            # Rows of differing length come as objects, and are no target.
            if values.dtype.kind in "biufUS":
                title = f"{shown(column.name)} in {part.title} of {where}"
                read = partial(_native, values)
                columns[column.name] = Column(title, read, shown(column.unit or ""))
    return columns


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """A column in the computer's byte order; texts without the spaces that fill them up."""
    if values.dtype.kind in "US":
        return np.char.rstrip(values.astype(str))
    return values.astype(values.dtype.newbyteorder("="))
