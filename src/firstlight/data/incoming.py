"""Images without targets, for a network that is trained already."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from firstlight.core.dataset import Refused
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.array_files import image_arrays
from firstlight.data.arrays import as_images
from firstlight.data.fit import fit_all, size_note
from firstlight.data.fits import ENDINGS as FITS_ENDINGS
from firstlight.data.gaps import gaps_note
from firstlight.data.idx import is_idx_images, read_idx
from firstlight.data.memory import require_memory
from firstlight.data.named_array import NamedArray, StreamedArray
from firstlight.data.npy import open_npy_folder
from firstlight.data.paths import list_files, shown
from firstlight.data.stack import AS_IN_TRAINING, Target, nothing_readable, read_stack
from firstlight.data.tiff_arrays import ENDINGS as TIFF_ENDINGS
from firstlight.data.tiff_arrays import count_pages
from firstlight.data.zarr_arrays import is_zarr

DEFAULTS = DataSettings()


class Incoming(NamedTuple):
    """Images for a trained network.

    Attributes:
        images: `(N, H, W, C)`.
        names: `(N,)`.
        refused: what was left out.
        columns: `(N, S)` the numbers of `settings.side` beside the images, NaN where unknown.
        notes: the rules that were applied.
    """

    images: NDArray[Any]
    names: NDArray[np.str_]
    refused: tuple[Refused, ...]
    columns: NDArray[np.float32]
    notes: tuple[str, ...]


def read_images(
    sources: str | Path | Iterable[str | Path],
    image_shape: tuple[int, int, int],
    settings: DataSettings = DEFAULTS,
    dtype: DTypeLike = np.uint8,
) -> Incoming:
    """Images in the form that a network was trained on.

    Args:
        sources: files, folders (all images below them, sorted), .npy files, .npz and HDF5 files
            with an array called `images`, FITS and TIFF files with several images, or IDX files
            of images.
        image_shape: `(H, W, C)` to bring them to, by the rule of training. Where `resize` is
            `none`, they keep a height and width of their own, the same for all.
        settings: `resize`, `axes`, `hdu`, `gaps` and `image_column` count, as in training; and
            `side`, the columns of numbers to bring along from array files.
        dtype: the type that the network was trained on. Images of another type are
            refused: the network's preparation would not fit them.

    Returns:
        The images with their names, what was left out, and the columns.

    Raises:
        DataError: if nothing is left, or sources differ in size where `resize` is `none`.

    Example:
        >>> from firstlight.data.builtin import MNIST
        >>> found = read_images(MNIST / "t10k-images-idx3-ubyte.gz", (28, 28, 1))
        >>> found.images.shape, str(found.names[2])
        ((10000, 28, 28, 1), 't10k-images-idx3-ubyte.gz[2]')
    """
    given = [sources] if isinstance(sources, str | Path) else list(sources)
    target = Target(image_shape, np.dtype(dtype))
    pieces: list[NDArray[Any]] = []
    names: list[str] = []
    refused: list[Refused] = []
    columns: list[NDArray[np.float32]] = []
    notes: list[str] = []
    waiting: list[tuple[Path, str]] = []

    def read_waiting() -> None:
        """Pictures are read many at a time, in threads."""
        if waiting:
            called = [name for _, name in waiting]
            stack = read_stack([path for path, _ in waiting], called, settings, target)
            if len(stack.kept):
                pieces.append(stack.images[:])
            names.extend(called[k] for k in stack.kept)
            columns.append(np.full((len(stack.kept), len(settings.side)), np.nan, np.float32))
            refused.extend(stack.refused)
            notes.extend(stack.notes)
            waiting.clear()

    for source in given:
        path = Path(source).expanduser()
        if path.is_dir() and not is_zarr(path):
            files, left_out = list_files(path)
            waiting.extend((file, shown(file)) for file in files)
            refused.extend(left_out)
            continue
        try:
            found = _array(path, target, settings)
        except DataError as error:
            refused.append(Refused(shown(path), str(error)))
            continue
        if found is not None:
            images, beside, gaps = found
            read_waiting()
            size = images.shape[1:3] if settings.resize == "none" else image_shape[:2]
            pieces.append(fit_all(images, (*size, image_shape[2]), settings.resize))
            if images.shape[1:3] != size:
                notes.append(size_note([images.shape[1:3]], size, AS_IN_TRAINING, settings.resize))
            notes.extend(gaps_note(gaps))
            columns.append(beside)
            names.extend(f"{shown(path.name)}[{k}]" for k in range(len(images)))
        else:
            waiting.append((path, shown(path)))
    read_waiting()
    if not names:
        if given and not any(os.path.exists(Path(source).expanduser()) for source in given):
            raise DataError(
                f"Images were expected, but there is no file {_listed(given)}: check the name and "
                "the folder."
            )
        raise nothing_readable(_listed(given), refused)
    beside = np.concatenate(columns)
    return Incoming(_joined(pieces), np.array(names), tuple(refused), beside, tuple(notes))


def _joined(pieces: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """All images in one array."""
    if len(pieces) == 1:
        return pieces[0]
    sizes = sorted({piece.shape[1:3] for piece in pieces})
    if len(sizes) > 1:
        listed = " and ".join(f"{height} x {width}" for height, width in sizes[:3])
        raise DataError(
            f"Images of one size were expected, since --resize none changes none, but {listed} "
            "pixels came: ask for each size on its own."
        )
    size = sum(piece.nbytes for piece in pieces)
    require_memory(size, f"Joining {sum(map(len, pieces)):,} images")
    return np.concatenate(pieces)


def _listed(sources: Sequence[str | Path]) -> str:
    return ", ".join(shown(source) for source in sources[:3]) + ", ..." * (len(sources) > 3)


def _array(
    path: Path, target: Target, settings: DataSettings
) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.int64]] | None:
    """The images in an array file, the numbers beside them, and how many gaps each had.

    None for a picture.

    Images that do not fit the network are refused.

    Raises:
        DataError: in words that follow the file's name.
    """
    if not path.exists():
        return None
    arrays: Mapping[str, NamedArray] | None = {}
    if is_idx_images(path):
        array = read_idx(path)
    else:
        if path.name.lower().endswith(TIFF_ENDINGS) and count_pages(path) < 2:
            return None
        arrays = image_arrays(path, settings)
        if arrays is None or _is_picture(arrays, path, target):
            return None
        name = "images" if "images" in arrays else settings.image_column
        if name not in arrays:
            raise DataError(f"holds no array called images, but {', '.join(map(shown, arrays))}")
        array = arrays[str(name)]()
    images, gaps = as_images(array, shown(path), settings)
    if images.dtype != target.dtype:
        raise DataError(f"is {images.dtype}, but the network was trained on {target.dtype}")
    channels = {images.shape[3], target.shape[2]}
    if len(channels) > 1 and channels != {1, 3}:
        raise DataError(
            f"has {images.shape[3]} channels, but the network was trained on {target.shape[2]}"
        )
    if path.name.lower().endswith(".npy"):
        arrays = dict(open_npy_folder(path.parent))
    return images, _columns(arrays or {}, len(images), settings.side), gaps


def _columns(
    arrays: Mapping[str, NamedArray], count: int, wanted: Sequence[str]
) -> NDArray[np.float32]:
    """The wanted columns of a file, `(count, W)`; NaN where it has none of that name."""
    columns = np.full((count, len(wanted)), np.nan, np.float32)
    for k, name in enumerate(wanted):
        if name not in arrays:
            continue
        column = arrays[name]()
        if column.shape != (count,) or column.dtype.kind not in "biuf":
            raise DataError(
                f"has {shown(name)} of shape {column.shape} and type {column.dtype}, where one "
                f"number for each of {count:,} images was expected"
            )
        columns[:, k] = column
    return columns


def _is_picture(arrays: Mapping[str, NamedArray], path: Path, target: Target) -> bool:
    """Whether a FITS file holds one picture: two axes, or as many planes as there are channels."""
    images = arrays.get("images")
    if not isinstance(images, StreamedArray) or not path.name.lower().endswith(FITS_ENDINGS):
        return False
    planes = images.shape[0] if len(images.shape) == 3 else 0
    return len(images.shape) == 2 or planes == target.shape[2] > 1
