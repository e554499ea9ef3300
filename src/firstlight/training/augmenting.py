"""Training images changed at random, a batch at a time.

Whole pixels are only moved (shift, roll, flip, turn), so such images stay in their type.
Rotation, zoom and the shift that comes with them are one bilinear interpolation, after which
images are float32 in the same scale.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from firstlight.core.errors import SettingError
from firstlight.core.stored import ImageArray
from firstlight.models.preparation import channel_statistics

# What may stand behind the colon: the word, its field, what it counts and its largest value.
AMOUNTS = {
    "shift": ("PIXELS", 999),
    "rotate": ("DEGREES", 180),
    "zoom": ("SHARE", 0.9),
    "noise": ("SHARE", 10),
}


@dataclass(frozen=True)
class Augmentation:
    """Changes to training images, drawn anew for every image of every epoch.

    What comes in from outside of the image is its edge, repeated; with `roll` it is the opposite
    side, also under a rotation or a zoom.

    Attributes:
        shift: up to so many whole pixels up or down, left or right.
        roll: by any number of pixels, what leaves on one side comes in on the other (for maps
            that are periodic, as those of simulations are).
        flip: left and right swapped for every second image.
        upside_down: up and down swapped for every second image.
        turn: by 0, 90, 180 or 270 degrees; images that are not square by 0 or 180.
        rotate: up to so many degrees to either side, around the middle.
        zoom: made larger or smaller by up to this share of the size.
        noise: normal noise for every pixel; its standard deviation as a share of the largest
            value that the images' type can hold or, for floats, of the standard deviation of
            each channel in the training images. The sum is not clipped.
    """

    shift: int = 0
    roll: bool = False
    flip: bool = False
    upside_down: bool = False
    turn: bool = False
    rotate: float = 0.0
    zoom: float = 0.0
    noise: float = 0.0

    @classmethod
    def parse(cls, text: str | None) -> Augmentation:
        """Read `shift:1,flip,rotate:10`; `none` or None changes nothing.

        Raises:
            SettingError: it says something else.

        Example:
            >>> change = Augmentation.parse("shift:2,flip,zoom:0.1")
            >>> change.shift, change.flip, change.zoom, change.noise
            (2, True, 0.1, 0.0)
        """
        found: dict[str, Any] = {}
        for word in (text or "none").split(","):
            found |= _read(word.strip())
        return cls(**found)

    def __bool__(self) -> bool:
        return self != Augmentation()


def _read(word: str) -> dict[str, Any]:
    """The fields that one word of `--augment` sets."""
    if word == "none":
        return {}
    if word in ("flip", "turn", "roll"):
        return {word: True}
    if word == "flip:both":
        return {"flip": True, "upside_down": True}
    name, _, amount = word.partition(":")
    digits = r"\d{1,3}" if name == "shift" else r"\d{1,3}(\.\d{1,9})?"
    if name in AMOUNTS and re.fullmatch(digits, amount):
        _, most = AMOUNTS[name]
        if float(amount) > most:
            raise SettingError(
                f"--augment {name} takes {most} or less, but {amount} came: give a smaller one."
            )
        return {name: int(amount) if name == "shift" else float(amount)}
    amounts = ", ".join(f"{name}:{what}" for name, (what, _) in AMOUNTS.items())
    raise SettingError(
        f"--augment takes {amounts}, flip, flip:both, turn, roll or none, joined by commas, "
        f"but {word!r} came: write for example shift:1,flip."
    )


def noise_unit(images: ImageArray) -> float | Tensor:
    """What the noise is a share of, in the unit of the pixels.

    Args:
        images: the training images, `(N, H, W, C)`.

    Returns:
        The largest value of a type of whole numbers; `(C,)` standard deviations for floats.

    Example:
        >>> noise_unit(np.zeros((1, 2, 2, 1), "uint16"))
        65535.0
    """
    if images.dtype.kind == "f":
        return torch.from_numpy(np.sqrt(channel_statistics(images)[1])).float()
    return 1.0 if images.dtype.kind == "b" else float(np.iinfo(images.dtype).max)


def augment(
    images: Tensor, change: Augmentation, generator: torch.Generator, unit: float | Tensor = 1.0
) -> Tensor:
    """A batch of images, each changed in its own way.

    Args:
        images: `(B, H, W, C)` of any type.
        change: what may be changed, and how far.
        generator: where the draws come from, on the device of the images.
        unit: as from `noise_unit`, on the device of the images.

    Returns:
        `(B, H, W, C)`: in the type of `images` where whole pixels were moved, else float32.

    Example:
        >>> image = torch.arange(3.0).reshape(1, 1, 3, 1)
        >>> drawn = augment(image, Augmentation(roll=True), torch.Generator().manual_seed(1))
        >>> drawn.flatten().tolist()
        [2.0, 0.0, 1.0]
    """
    count, height, width = images.shape[:3]

    def whole(low: int, high: int) -> Tensor:
        return torch.randint(low, high, (count, 1), generator=generator, device=images.device)

    def within(reach: float) -> Tensor:
        drawn = torch.rand(count, 1, generator=generator, device=images.device)
        return (2.0 * drawn - 1.0) * reach

    down, right = (
        whole(0, size) if change.roll else whole(-change.shift, change.shift + 1)
        for size in (height, width)
    )
    across = whole(0, 2) if change.flip else torch.zeros_like(right)
    upwards = whole(0, 2) if change.upside_down else torch.zeros_like(down)
    quarters = torch.zeros_like(down)
    if change.turn:
        quarters = whole(0, 4) if height == width else 2 * whole(0, 2)
        # Half a turn is two flips, a quarter turn is a transposition and one flip.
        upwards = upwards ^ ((quarters == 1) | (quarters == 2))
        across = across ^ (quarters >= 2)
    interpolated = bool(change.rotate or change.zoom)
    swaps = change.flip or change.upside_down or change.turn
    if swaps or ((change.shift or change.roll) and not interpolated):
        stay = torch.zeros_like(down)
        ys = _positions(height, stay if interpolated else down, upwards, change.roll)
        xs = _positions(width, stay if interpolated else right, across, change.roll)
        images = _gathered(images, ys, xs, quarters % 2 == 1)
    if interpolated:
        degrees, scales = within(change.rotate), 1.0 + within(change.zoom)
        images = warped(images, degrees, scales, down, right, change.roll)
    if change.noise:
        drawn = torch.randn(images.shape, generator=generator, device=images.device)
        images = drawn.mul_(change.noise * unit).add_(images)
    return images


def warped(
    images: Tensor,
    degrees: Tensor,
    scales: Tensor,
    down: Tensor,
    right: Tensor,
    periodic: bool = False,
) -> Tensor:
    """Images turned and zoomed around their middle, then moved, by one bilinear interpolation.

    Args:
        images: `(B, H, W, C)` of any type.
        degrees: `(B, 1)` angles, counter-clockwise.
        scales: `(B, 1)`; 2 shows everything twice as large.
        down: `(B, 1)`: pixel y of the result is what stood at y + `down`.
        right: `(B, 1)`: pixel x of the result is what stood at x + `right`.
        periodic: beyond an edge the opposite side goes on; else the edge is repeated.

    Returns:
        `(B, H, W, C)` float32 in the scale of `images`.

    Example:
        >>> image = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> still, one = torch.zeros(1, 1), torch.ones(1, 1)
        >>> warped(image, 90 * one, one, still, still).flatten().round(decimals=4).tolist()
        [2.0, 4.0, 1.0, 3.0]
    """
    height, width = images.shape[1:3]
    ys = torch.arange(height, device=images.device) - (height - 1) / 2 + down
    xs = torch.arange(width, device=images.device) - (width - 1) / 2 + right
    cosine, sine = (of(degrees * (math.pi / 180)) / scales for of in (torch.cos, torch.sin))
    # Where each pixel comes from, x + iy, counted as grid_sample does: -1 is the outer edge of
    # the first pixel, 1 that of the last. As one complex sum it takes a third of the time.
    of_row = torch.complex(-sine * ys * (2 / width), cosine * ys * (2 / height))
    of_column = torch.complex(cosine * xs * (2 / width), sine * xs * (2 / height))
    grid = torch.view_as_real(of_row[:, :, None] + of_column[:, None, :])
    pixels = images.permute(0, 3, 1, 2).float()
    if periodic:
        # With one pixel more on every side, the neighbour of the last pixel is the first.
        pixels = F.pad(pixels, (1, 1, 1, 1), mode="circular")
        turns = (grid + 1.0) * 0.5
        grid = (turns - turns.floor()) * 2.0 - 1.0
        grid[..., 0] *= width / (width + 2)
        grid[..., 1] *= height / (height + 2)
    moved = F.grid_sample(pixels, grid, "bilinear", "border", align_corners=False)
    return moved.permute(0, 2, 3, 1).contiguous()


def _positions(size: int, moved: Tensor, swapped: Tensor, periodic: bool) -> Tensor:
    """`(B, size)`: which row (or column) of an image comes where."""
    positions = torch.arange(size, device=moved.device) + moved
    positions = positions % size if periodic else positions.clamp_(0, size - 1)
    return torch.where(swapped.bool(), positions.flip(1), positions)


def _gathered(images: Tensor, ys: Tensor, xs: Tensor, transposed: Tensor) -> Tensor:
    """Pixel (y, x) of each result from (ys[y], xs[x]) of its image, or of that transposed."""
    count, height, width, channels = images.shape
    device, size = images.device, height * width * channels
    first = torch.arange(0, count * size, size, device=device)
    rows = first[:, None] + ys * torch.where(transposed, channels, width * channels)
    columns = xs * torch.where(transposed, width * channels, channels)
    numbers = (columns[:, :, None] + torch.arange(channels, device=device)).flatten(1)
    places = (rows[:, :, None] + numbers[:, None, :]).flatten()
    # On flat arrays, since selecting rows of few channels takes four times as long; and for
    # uint16, which torch does not gather, on the same bits.
    bits = images.view(torch.int16) if images.dtype == torch.uint16 else images
    return bits.flatten().gather(0, places).view(images.dtype).reshape(images.shape)
