"""A TIFF file of several pages as named arrays: each page is an image."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.deep import open_tiff, page_pixels, tiff_form
from firstlight.data.named_array import NamedArray, StreamedArray
from firstlight.data.paths import require_file, shown
from firstlight.data.picture import LARGEST_PICTURE

ENDINGS = (".tif", ".tiff")


def tiff_arrays(path: Path) -> dict[str, NamedArray]:
    """The pages of a TIFF file as `images`, `(N, H, W)` or `(N, H, W, C)`.

    Numbers keep their type (alpha is laid on white, as for pictures).

    Raises:
        DataError: the file is damaged, or its pages differ in size or type.
    """
    with _opened(path) as file:
        form = tiff_form(file.pages.first, LARGEST_PICTURE)
        count = len(file.pages)
        if count == 1 and file.series[0].shape[:-2] not in ((), (1,)) and form[2] == 1:
            raise DataError(
                f"The TIFF file {shown(path)} holds {file.series[0].shape} numbers behind one "
                "page: save each image as a page of its own, or fetch it again, if it is cut off."
            )
    height, width, channels, dtype = form
    shape = (count, height, width) if channels == 1 else (count, height, width, channels)
    blocks = partial(_blocks, path, form)
    return {"images": StreamedArray(path, shown(path), shape, dtype, blocks)}


def count_pages(path: Path) -> int:
    """How many pages a TIFF file has; 0 for any other file."""
    try:
        with _opened(path) as file:
            return len(file.pages)
    except DataError:
        return 0


def _blocks(path: Path, form: tuple[int, int, int, np.dtype[Any]]) -> Iterator[NDArray[Any]]:
    with _opened(path) as file:
        for number, page in enumerate(file.pages):
            try:
                other = tiff_form(page, LARGEST_PICTURE)
                if other != form:
                    raise DataError(f"is {_said(other)}, but the first is {_said(form)}")
                pixels, _ = page_pixels(page)
                if pixels.shape != form[:3]:
                    raise DataError("lies on its side")
            except DataError as error:
                raise DataError(
                    f"Page {number} of {shown(path)} {error}: all pages have to be alike."
                ) from error
            yield (pixels[..., 0] if form[2] == 1 else pixels)[np.newaxis]


def _said(form: tuple[int, int, int, np.dtype[Any]]) -> str:
    return f"{' x '.join(map(str, form[:3]))} {form[3]}"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    require_file(path)
    try:
        with open_tiff(path) as file:
            yield file
    except DataError:
        raise
    except Exception as error:  # tifffile raises nearly everything at nearly every damage
        raise DataError(
            f"The TIFF file {shown(path)} is damaged or something else ({shown(error)[:120]})."
        ) from error
