"""Bringing pictures to one size and to one number of channels, by stated rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.memory import require_memory

LARGEST_SIDE = 224  # pixels, where sizes differ and none is asked for

RULES = {
    "pad": "scaled to fit with their proportions kept, and zeros put around",
    "crop": "scaled to cover with their proportions kept, and cut out at the centre",
    "stretch": "stretched to the new height and width",
}


def target_size(sizes: Sequence[tuple[int, int]], settings: DataSettings) -> tuple[int, int]:
    """The (height, width) that images of these sizes are brought to.

    What `--size` says; else the size that they all have; else the median height and the
    median width, rounded, each at most 224.

    Example:
        >>> target_size([(20, 30), (40, 30), (60, 900)], DataSettings())
        (40, 30)
    """
    if settings.size:
        return settings.size, settings.size
    if len(set(sizes)) == 1:
        return sizes[0]
    height, width = np.median(np.array(sizes), axis=0)
    return min(LARGEST_SIDE, round(float(height))), min(LARGEST_SIDE, round(float(width)))


def target_channels(channels: int, settings: DataSettings) -> int:
    """How many channels images are brought to, where the most that any of them has is given.

    Example:
        >>> target_channels(3, DataSettings(colour="grey"))
        1
    """
    return {"auto": channels, "grey": 1, "colour": 3}[settings.colour]


def fit(pixels: NDArray[Any], height: int, width: int, how: str = "pad") -> NDArray[Any]:
    """One picture brought to a height and width.

    Scaling is linear with antialiasing (Pillow's BILINEAR, whose support grows with the
    scale), done in float32 for anything but 8-bit pixels, and rounded for whole numbers.

    Args:
        pixels: `(H, W, C)`.
        height: in pixels, what is wanted.
        width: in pixels, what is wanted.
        how: `pad`: scale to fit, proportions kept, zeros around, the picture in the middle;
            `crop`: scale to cover, proportions kept, the middle is cut out;
            `stretch`: scale height and width each on its own; `none`: refuse another size.

    Returns:
        `(height, width, C)` in the type of `pixels`; `pixels` itself where nothing changes.

    Raises:
        DataError: the size is another one and `how` is `none`. The words follow the picture's name.

    Example:
        >>> fit(np.full((2, 4, 1), 9, np.uint8), 4, 4)[:, :, 0]
        array([[0, 0, 0, 0],
               [9, 9, 9, 9],
               [9, 9, 9, 9],
               [0, 0, 0, 0]], dtype=uint8)
    """
    tall, wide = pixels.shape[:2]
    if (tall, wide) == (height, width):
        return pixels
    if how == "none":
        raise DataError(other_size((tall, wide), (height, width)))
    if how == "stretch":
        return _scale(pixels, height, width, (0, 0, wide, tall))
    if how == "crop":
        # The cut is made in the source, so that a long thin picture is never blown up whole.
        scale = max(height / tall, width / wide)
        cut_height, cut_width = min(tall, height / scale), min(wide, width / scale)
        top, left = (tall - cut_height) / 2, (wide - cut_width) / 2
        return _scale(pixels, height, width, (left, top, left + cut_width, top + cut_height))
    scale = min(height / tall, width / wide)
    new_height, new_width = max(1, round(tall * scale)), max(1, round(wide * scale))
    padded = np.zeros((height, width, pixels.shape[2]), pixels.dtype)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    padded[top : top + new_height, left : left + new_width] = _scale(
        pixels, new_height, new_width, (0, 0, wide, tall)
    )
    return padded


def _scale(
    pixels: NDArray[Any], height: int, width: int, box: tuple[float, float, float, float]
) -> NDArray[Any]:
    """The part of a picture inside `box` (left, top, right, bottom), scaled."""
    work = pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(work[:, :, channel])).resize(
                (width, height), Image.Resampling.BILINEAR, box
            )
        )
        for channel in range(pixels.shape[2])
    ]
    scaled = np.stack(planes, axis=-1)
    if scaled.dtype != pixels.dtype and np.issubdtype(pixels.dtype, np.integer):
        limits = np.iinfo(pixels.dtype)
        scaled = np.clip(np.rint(scaled), limits.min, limits.max)
    return scaled.astype(pixels.dtype, copy=False)


def to_channels(pixels: NDArray[Any], channels: int) -> NDArray[Any]:
    """Pictures with the number of channels asked for.

    Colour becomes grey as luma, .299 R + .587 G + .114 B (ITU-R BT.601, with the fixed-point
    weights of Pillow's `convert("L")`); grey becomes colour by repetition.

    Args:
        pixels: `(..., C)`, with C 1 or 3, or `channels`.
        channels: 1 or 3, or what `pixels` has.

    Raises:
        DataError: if there is no rule for the change.

    Example:
        >>> to_channels(np.array([[[255, 0, 0]]], np.uint8), 1)
        array([[[76]]], dtype=uint8)
    """
    have = pixels.shape[-1]
    if have == channels:
        return pixels
    if have == 1 and channels == 3:
        return np.repeat(pixels, 3, axis=-1)
    if have == 3 and channels == 1:
        if not np.issubdtype(pixels.dtype, np.integer):
            return (pixels @ np.array([0.299, 0.587, 0.114], pixels.dtype))[..., np.newaxis]
        # The largest sum, 65,535 * 65,536 + 32,768, still fits 32 bits.
        red, green, blue = (pixels[..., k].astype(np.uint32) for k in range(3))
        luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
        return luma.astype(pixels.dtype)[..., np.newaxis]
    raise DataError(
        f"Images with {channels} channels were expected, but {have} came: only grey (1) and "
        "colour (3) are changed into each other; choose the channels yourself."
    )


def size_note(
    sizes: Collection[tuple[int, int]], shape: tuple[int, int], why: str, how: str
) -> str:
    """What to tell the user about images that were brought to another size.

    Example:
        >>> size_note({(20, 30)}, (28, 28), "as asked for", "stretch")[:56]
        'Images came as 20 x 30 pixels; all were brought to 28 x '
    """
    came = "as " + " and ".join(f"{h} x {w}" for h, w in sorted(sizes)[:2]) + " pixels"
    came = came if len(sizes) <= 2 else f"in {len(sizes):,} sizes"
    return f"Images came {came}; all were brought to {shape[0]} x {shape[1]} ({why}), {RULES[how]}."


def other_size(size: tuple[int, int], most: tuple[int, int]) -> str:
    """Why a picture is left out where each keeps its size, in words that follow its name.

    Example:
        >>> other_size((64, 64), (200, 200))[:54]
        'is 64 x 64 pixels, but most images here are 200 x 200,'
    """
    return (
        f"is {size[0]} x {size[1]} pixels, but most images here are {most[0]} x {most[1]}, and "
        "--resize none changes no size: read it on its own"
    )


def fit_all(images: NDArray[Any], shape: tuple[int, int, int], how: str) -> NDArray[Any]:
    """Images `(N, H, W, C)` of one size brought to `shape`, `images` itself if nothing changes.

    Example:
        >>> fit_all(np.full((1, 2, 2, 1), 9, np.uint8), (4, 2, 1), "pad")[0, :, :, 0].tolist()
        [[0, 0], [9, 9], [9, 9], [0, 0]]
    """
    if images.shape[1:] == shape:
        return images
    count = len(images)
    height, width, channels = shape
    require_memory(count * height * width * channels * images.itemsize, f"{count:,} images")
    fitted = np.empty((count, *shape), images.dtype)
    for k in range(count):
        fitted[k] = fit(to_channels(images[k], channels), height, width, how)
    return fitted
