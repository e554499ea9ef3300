"""Images that are arrays already: checked, brought to one form, made a collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Collection, Images
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.core.stored import ImageArray
from firstlight.data.fit import fit_all, size_note, target_channels, target_size
from firstlight.data.gaps import gaps_in, gaps_note, without_gaps
from firstlight.data.memory import ON_DISK, require_memory
from firstlight.data.paths import shown
from firstlight.data.raw_arrays import RawArray
from firstlight.data.targets import Targets

DEFAULTS = DataSettings()
CHUNK = 1 << 22  # numbers that are looked at at a time


@dataclass(frozen=True, eq=False)
class RawImages:
    """Images that are left in their file; `shape` and `dtype` are what they will have."""

    raw: RawArray
    shape: tuple[int, int, int, int]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]


@dataclass(frozen=True, eq=False)
class Block:
    """Images that were stored together.

    Attributes:
        images: `(N, H, W, C)`, in memory or still in their file.
        name: what they are called; image k is `name[k]`.
        part: which part of the split they are, "" where the source does not say.
        stored: the number type that they were stored in.
        gaps: `(N,)` how many pixels of each image were filled; None while it is in its file.
    """

    images: NDArray[Any] | RawImages
    name: str
    part: str
    stored: np.dtype[Any]
    gaps: NDArray[np.int64] | None = None


def block_of(
    read: Callable[[], NDArray[Any]],
    look: Callable[[], RawArray],
    names: tuple[str, str, str],
    settings: DataSettings,
) -> Block:
    """Images from a file, read or, with `settings.memory`, left there.

    Args:
        read: reads the array.
        look: reads its head.
        names: the block's name, its part, and what to call the array in messages.
        settings: `memory`, `axes` and `gaps` count.

    Raises:
        DataError: as `as_images`.
    """
    name, part, where = names
    if settings.memory is None:
        array = read()
        images, gaps = as_images(array, where, settings)
        return Block(images, name, part, array.dtype, gaps)
    raw = look()
    if settings.axes and settings.axes[0] != "N":
        raise DataError(
            f"Images that lie one behind the other were expected in {where}, but --axes "
            f"{settings.axes} says that they do not: leave --memory out, or store the array "
            "with N as its first axis."
        )
    form = image_form(raw.shape, raw.dtype, where, settings.axes)
    return Block(RawImages(raw, *form), name, part, raw.dtype)


def as_images(
    array: NDArray[Any], where: str, settings: DataSettings = DEFAULTS
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """An array as images `(N, H, W, C)` of uint8, uint16 or float32, without gaps.

    `(N, H, W)` becomes `(N, H, W, 1)`. The last axis is the channels, unless `settings.axes`
    says otherwise. uint8 and uint16 stay as they are, booleans become 0 and 1, all other
    numbers float32. NaN, infinity and what float32 cannot hold is dealt with as
    `settings.gaps` says.

    Returns:
        The images, and how many pixels of each were filled, `(N,)`.

    Raises:
        DataError: for other ranks, no images, channels in front, texts, or gaps that are not
            to be filled.

    Example:
        >>> images, gaps = as_images(np.zeros((5, 28, 28), np.uint8), "an array")
        >>> images.shape, gaps.sum()
        ((5, 28, 28, 1), np.int64(0))
    """
    shape, dtype = image_form(array.shape, array.dtype, where, settings.axes)
    if settings.axes:
        array = np.ascontiguousarray(np.transpose(array, axes_order(settings.axes)))
    array = array.reshape(shape)
    # A gap may be too large for the type, until it is replaced.
    with np.errstate(over="ignore"):
        images = array.astype(dtype, copy=False)
    gaps = np.zeros(len(array), np.int64)
    if dtype == np.float32:
        gaps = _count_gaps(array)
        if gaps.any() and settings.gaps == "refuse":
            raise _has_gaps(array, gaps, where)
        if gaps.any() and np.shares_memory(images, array):
            images = array.copy()
        for k in np.flatnonzero(gaps):
            try:
                images[k], _ = without_gaps(array[k], settings.gaps)
            except DataError as error:
                raise DataError(f"Image {k} of {where} {error}: leave such images out.") from error
    return images, gaps


def axes_order(axes: str) -> list[int]:
    """Where N, H, W and C (if it is there) lie among the axes.

    Example:
        >>> axes_order("NCHW")
        [0, 2, 3, 1]
    """
    return [axes.index(letter) for letter in "NHWC" if letter in axes]


def image_form(
    shape: tuple[int, ...], dtype: np.dtype[Any], where: str, axes: str | None = None
) -> tuple[tuple[int, int, int, int], np.dtype[Any]]:
    """`(N, H, W, C)` and the number type that `as_images` brings an array to.

    Raises:
        DataError: as `as_images`.
    """
    came = " x ".join(map(str, shape)) or "of a single number"
    if axes is not None:
        if len(shape) != len(axes):
            raise DataError(
                f"--axes {axes} names {len(axes)} axes, but {where} has the shape {came}: name "
                "each of its axes."
            )
        shape = tuple(shape[k] for k in axes_order(axes))
    if len(shape) == 3:
        shape = (*shape, 1)
    if len(shape) != 4 or 0 in shape:
        raise DataError(
            f"Images are expected as (N, H, W) or (N, H, W, C), but {where} has the shape "
            f"{came}: reshape it."
        )
    count, height, width, channels = shape
    if axes is None and height <= 4 < channels:
        raise DataError(
            f"Images are expected as (N, H, W, C), but {where} of shape {came} seems to have "
            "its channels in front: say so with --axes NCHW (or NHWC, if it is not so)."
        )
    if dtype.kind not in "biuf":
        raise DataError(f"Pixels have to be numbers, but {where} holds {dtype}.")
    kept: np.dtype[Any] = np.dtype(np.float32)
    if dtype.kind == "b" or dtype.str[1:] == "u1":
        kept = np.dtype(np.uint8)
    elif dtype.str[1:] == "u2":
        kept = np.dtype(np.uint16)
    return (count, height, width, channels), kept


def _count_gaps(images: NDArray[Any]) -> NDArray[np.int64]:
    """How many pixels of each image hold no number; looked at a part at a time."""
    step = max(1, CHUNK // images[0].size)
    parts = [images[start : start + step] for start in range(0, len(images), step)]
    return np.concatenate([gaps_in(part).sum(axis=(1, 2, 3), dtype=np.int64) for part in parts])


def _has_gaps(images: NDArray[Any], gaps: NDArray[np.int64], where: str) -> DataError:
    first = int(np.flatnonzero(gaps)[0])
    place = tuple(np.argwhere(gaps_in(images[first]))[0])
    index = ", ".join(map(str, (first, *place)))
    return DataError(
        f"Finite pixels were expected, but {where} holds {images[first][place]} at index "
        f"[{index}], and {gaps.sum():,} such pixels in {np.count_nonzero(gaps):,} images: "
        "--gaps mean fills them with the mean of each image's other pixels; or leave such images "
        "out."
    )


def collect(
    blocks: Sequence[Block],
    targets: Targets,
    source: Path,
    settings: DataSettings,
    *,
    files_read: int,
    parts: NDArray[np.str_] | None = None,
    groups: NDArray[np.str_] | None = None,
    columns: Mapping[str, NDArray[np.float64]] | None = None,
) -> Collection:
    """A collection of array images, brought to `--size` and `--colour` where these ask for it.

    Args:
        blocks: images in the order of the targets.
        targets: of all blocks together.
        source: the file or folder, for names and messages.
        settings: `size`, `resize` and `colour` count.
        files_read: how many files the arrays came from.
        parts: `(N,)` parts of the split; None: what each block says.
        groups: `(N,)` group labels, or None.
        columns: `(N,)` each, other numbers by name, or None.

    Raises:
        DataError: if the blocks do not fit together, or lengths differ.
    """
    where = shown(source)
    came = blocks[0].images.shape[1:]
    count = sum(len(block.images) for block in blocks)
    for block in blocks:
        if block.images.shape[1:] != came or block.images.dtype != blocks[0].images.dtype:
            raise DataError(
                f"All images in {where} have to be of one shape and type, but {blocks[0].name} is "
                f"{came} {blocks[0].images.dtype} and {block.name} is {block.images.shape[1:]} "
                f"{block.images.dtype}: make them alike."
            )
    others = dict(columns or {})
    given = [("targets", targets.values), ("parts", parts), ("groups", groups), *others.items()]
    for what, column in given:
        if column is not None and len(column) != count:
            raise DataError(
                f"Each image needs its own of the {what}, but {where} has {count:,} images and "
                f"{len(column):,} {what}: make the lengths equal."
            )
    shape = (*target_size([came[:2]], settings), target_channels(came[2], settings))
    notes = list(targets.notes)
    if blocks[0].stored.kind in "iu" and blocks[0].images.dtype.kind == "f":
        notes.append(
            f"The pixels are stored as {blocks[0].stored} and were read as float32, whose range "
            "nothing tells: they are standardised unless --prepare says otherwise. If they are "
            "grey values from 0 to 255, store them as uint8 to have them divided by 255."
        )
    if shape[:2] != came[:2]:
        notes.append(size_note([came[:2]], shape[:2], "as asked for", settings.resize))
    if shape[2] != came[2]:
        notes.append(f"Images came with {came[2]} channels and were brought to {shape[2]}.")
    images, where_they_lie = _joined(blocks, shape, settings)
    notes.extend(where_they_lie)
    for block in blocks:
        if block.gaps is not None:
            notes.extend(gaps_note(block.gaps))
    if parts is None:
        parts = np.concatenate([np.full(len(block.images), block.part) for block in blocks])
    names = np.array([f"{block.name}[{k}]" for block in blocks for k in range(len(block.images))])
    return Collection(
        name=Path(source.name.removesuffix(".gz")).stem or source.resolve().name,
        source=str(source),
        task=targets.task,
        everything=Images(images, targets.values, names, groups, others),
        parts=parts,
        classes=targets.classes,
        target_names=targets.names,
        target_units=targets.units,
        notes=tuple(notes),
        sizes=(((int(came[0]), int(came[1])), count),),
        files_read=files_read,
    )


def _joined(
    blocks: Sequence[Block], shape: tuple[int, int, int], settings: DataSettings
) -> tuple[ImageArray, tuple[str, ...]]:
    """All images in one array of this shape, and notes on where they lie."""
    waiting = [block.images for block in blocks if isinstance(block.images, RawImages)]
    if waiting:
        from firstlight.data.stored_arrays import store_arrays

        raw = [images.raw for images in waiting]
        return store_arrays(raw, shape, waiting[0].dtype, settings)
    there = [block.images for block in blocks if isinstance(block.images, np.ndarray)]
    fitted = [fit_all(images, shape, settings.resize) for images in there]
    if len(fitted) > 1:
        size = sum(images.nbytes for images in fitted)
        require_memory(size, f"Joining {' and '.join(block.name for block in blocks)}", ON_DISK)
    return (np.concatenate(fitted) if len(fitted) > 1 else fitted[0]), ()
