"""Images that are arrays already: checked, brought to one form, made a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Collection, Images
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.fit import RULES, fit_all, target_channels, target_size
from firstlight.data.memory import require_memory
from firstlight.data.paths import shown
from firstlight.data.targets import Targets

CHUNK = 1 << 22  # numbers that are looked at at a time


@dataclass(frozen=True, eq=False)
class Block:
    """Images that were stored together.

    Attributes:
        images: `(N, H, W, C)`.
        name: what they are called; image k is `name[k]`.
        part: which part of the split they are, "" where the source does not say.
        stored: the number type that they were stored in.
    """

    images: NDArray[Any]
    name: str
    part: str
    stored: np.dtype[Any]


def as_images(array: NDArray[Any], where: str) -> NDArray[Any]:
    """An array as images `(N, H, W, C)` of uint8, uint16 or float32.

    `(N, H, W)` becomes `(N, H, W, 1)`. The last axis is always the channels. uint8 and
    uint16 stay as they are, booleans become 0 and 1, all other numbers float32.

    Raises:
        DataError: for other ranks, no images, channels in front, texts, NaN or infinity.

    Example:
        >>> as_images(np.zeros((5, 28, 28), np.uint8), "an array").shape
        (5, 28, 28, 1)
    """
    shape = " x ".join(map(str, array.shape)) or "of a single number"
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or 0 in array.shape:
        raise DataError(
            f"Images are expected as (N, H, W) or (N, H, W, C), but {where} has the shape "
            f"{shape}: reshape it."
        )
    if array.shape[1] <= 4 < array.shape[3]:
        raise DataError(
            f"Images are expected as (N, H, W, C), but {where} of shape {shape} seems to have "
            "its channels in front: store images.transpose(0, 2, 3, 1)."
        )
    if array.dtype.kind not in "biuf":
        raise DataError(f"Pixels have to be numbers, but {where} holds {array.dtype}.")
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype in (np.uint8, np.uint16):
        return array
    _require_finite(array, where)
    return array.astype(np.float32, copy=False)


def _require_finite(array: NDArray[Any], where: str) -> None:
    largest = np.finfo(np.float32).max
    step = max(1, CHUNK // array[0].size)
    for start in range(0, len(array), step):
        chunk = array[start : start + step]
        # NaN compares as False, so it is found together with what float32 cannot hold.
        bad = np.argwhere(~((chunk >= -largest) & (chunk <= largest)))
        if len(bad):
            index = ", ".join(map(str, (bad[0][0] + start, *bad[0][1:])))
            raise DataError(
                f"Finite pixels were expected, but {where} holds {chunk[tuple(bad[0])]} at index "
                f"[{index}]: replace such pixels or leave such images out."
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
    for column, what in ((targets.values, "targets"), (parts, "parts"), (groups, "groups")):
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
        notes.append(
            f"Images came as {came[0]} x {came[1]} pixels; all were brought to {shape[0]} x "
            f"{shape[1]} (as asked for), {RULES[settings.resize]}."
        )
    if shape[2] != came[2]:
        notes.append(f"Images came with {came[2]} channels and were brought to {shape[2]}.")
    fitted = [fit_all(block.images, shape, settings.resize) for block in blocks]
    if len(fitted) > 1:
        size = sum(images.nbytes for images in fitted)
        require_memory(size, f"Joining {' and '.join(block.name for block in blocks)}")
    if parts is None:
        parts = np.concatenate([np.full(len(block.images), block.part) for block in blocks])
    names = np.array([f"{block.name}[{k}]" for block in blocks for k in range(len(block.images))])
    return Collection(
        name=source.name.removesuffix(".gz").removesuffix(source.suffix) or source.resolve().name,
        source=str(source),
        task=targets.task,
        everything=Images(
            np.concatenate(fitted) if len(fitted) > 1 else fitted[0], targets.values, names, groups
        ),
        parts=parts,
        classes=targets.classes,
        target_names=targets.names,
        target_units=targets.units,
        notes=tuple(notes),
        sizes=(((int(came[0]), int(came[1])), count),),
        files_read=files_read,
    )
