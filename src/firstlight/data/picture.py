"""One picture from the bytes of a file that nobody vouches for."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import deep
from firstlight.data.fits import fits_head, is_fits, read_fits
from firstlight.data.gaps import without_gaps
from firstlight.data.paths import shown
from firstlight.data.pixels import on_white, upright

# Formats whose decoders do nothing but decode: no PostScript, no outside programs.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
LARGEST_PICTURE = 89_478_485  # pixels; Pillow's own limit, here an error and no warning
ORIENTATION = 0x0112  # the EXIF tag
SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")

NOT_AN_IMAGE = "is no image that can be read (PNG, JPEG, GIF, BMP, TIFF, WebP, PPM or FITS)"
DEFAULTS = DataSettings()


@dataclass(frozen=True)
class Head:
    """What a file says about its picture before the pixels are decoded.

    `channels` is 1 for grey, 3 for colour (alpha is not counted: it is laid on white),
    or another number for scientific pictures.
    """

    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture: `(H, W, C)` uint8, uint16 or float32, and what was done to it.

    `done` holds keys of `stack.DONE`; `gaps` pixels had no number and were filled.
    """

    pixels: NDArray[Any]
    done: frozenset[str] = frozenset()
    gaps: int = 0


def inspect(content: bytes, settings: DataSettings = DEFAULTS) -> Head:
    """Check a file's structure and read its head; of the settings, `hdu` counts.

    Raises:
        DataError: with the reason, in words that follow the file's name.
    """
    try:
        if is_fits(content):
            return Head(*fits_head(content, settings.hdu, LARGEST_PICTURE))
        if deep.is_scientific_tiff(content):
            return Head(*deep.tiff_head(content, LARGEST_PICTURE))
        with _open(content) as image:
            width, height = image.size
            # Only a JPEG gives its EXIF block without being decoded; for the others the
            # true size shows later, when the pixels are there.
            turned = image.format in ("JPEG", "MPO") and _orientation(image) >= 5
            head = Head(
                *((width, height) if turned else (height, width)),
                1 if _grey(image) or deep.is_16_bit_grey_alpha_png(content) else 3,
                _dtype(image, content),
            )
            # Some damage shows only here, other damage only when the pixels are decoded.
            image.verify()
        return head
    except Exception as error:
        raise _explained(error) from error


def decode(content: bytes, settings: DataSettings = DEFAULTS) -> Picture:
    """The picture in a file's content, upright, without alpha, the first where there are several.

    8 and 16 bit stay what they are. Alpha is laid on white. CMYK and palettes become RGB. Of the
    settings, `hdu` and `gaps` count.

    Raises:
        DataError: with the reason, in words that follow the file's name.

    Example:
        >>> file = BytesIO()
        >>> Image.new("L", (3, 2), 7).save(file, "PNG")
        >>> decode(file.getvalue()).pixels.shape
        (2, 3, 1)
    """
    try:
        pixels, done = _decoded(content, settings.hdu)
        if pixels.dtype.kind != "f":
            return Picture(pixels, frozenset(done))
        pixels, gaps = without_gaps(pixels, settings.gaps)
        return Picture(pixels, frozenset(done), gaps)
    except Exception as error:
        raise _explained(error) from error


def _decoded(content: bytes, hdu: str | None) -> tuple[NDArray[Any], set[str]]:
    if is_fits(content):
        return read_fits(content, hdu, LARGEST_PICTURE)
    if deep.is_scientific_tiff(content):
        return deep.read_tiff(content, LARGEST_PICTURE)
    done: set[str] = set()
    with _open(content) as image:
        # MPO is a JPEG with a preview or a second eye behind the picture, no animation.
        if getattr(image, "is_animated", False) and image.format != "MPO":
            done.add("frames")
        image.load()
        orientation = _orientation(image)
        if deep.is_16_bit_colour_png(content):
            pixels, transparent = deep.read_png(content)
            done |= {"alpha"} if transparent else set()
        else:
            pixels = _pixels(image, done)
    return upright(pixels, orientation, done), done


def _open(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content), formats=FORMATS)
    if image.width * image.height > LARGEST_PICTURE:
        raise DataError(f"has {image.width:,} x {image.height:,} pixels, more than is safe to open")
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, struct.error):
        return 1  # a damaged EXIF block says nothing about the pixels


def _grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "La", "I", "F", *SIXTEEN_BIT)


def _dtype(image: Image.Image, content: bytes) -> np.dtype[Any]:
    if image.mode == "F" or (image.format == "TIFF" and image.mode == "I"):
        return np.dtype(np.float32)
    sixteen = deep.is_16_bit_colour_png(content) or image.mode in (*SIXTEEN_BIT, "I")
    return np.dtype(np.uint16 if sixteen else np.uint8)


def _pixels(image: Image.Image, done: set[str]) -> NDArray[Any]:
    """The pixels of a loaded image: uint8, uint16 or float32, 1 or 3 channels."""
    if image.mode in (*SIXTEEN_BIT, "I"):
        wide = np.asarray(image)
        if image.format == "TIFF" and image.mode == "I":
            return wide.astype(np.float32)[:, :, np.newaxis]
        # Pillow keeps the 16 bits of a PGM file in its 32-bit mode.
        if wide.max(initial=0) > 65535 or wide.min(initial=0) < 0:
            raise DataError("holds 32-bit numbers; save it as 16 bit or as a float TIFF")
        return wide.astype(np.uint16)[:, :, np.newaxis]
    if image.mode == "F":
        return np.asarray(image)[:, :, np.newaxis]
    grey = _grey(image)
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        done.add("alpha")
        return on_white(np.asarray(image.convert("LA" if grey else "RGBA")))
    if image.mode in ("P", "CMYK"):
        done.add("palette" if image.mode == "P" else "cmyk")
    mode = "L" if grey else "RGB"
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels[:, :, np.newaxis] if grey else pixels


def _explained(error: Exception) -> DataError:
    """Any decoder's complaint as one line.

    Decoders raise nearly everything at nearly every damage (`SyntaxError`, `struct.error`,
    `IndexError`, ...), so all of it is caught where one file is read.
    """
    if isinstance(error, DataError):
        return error
    if isinstance(error, UnidentifiedImageError):
        return DataError(NOT_AN_IMAGE)
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return DataError("has more pixels than is safe to open")
    said = shown(error).strip() or type(error).__name__
    return DataError(f"is damaged or cut off ({said[:120]})")
