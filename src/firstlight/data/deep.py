"""Pictures that Pillow would clip or not open: 16-bit colour PNG and scientific TIFF.

Both decoders unpack as much as a file holds, so the unpacked size is counted first.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.idx import GZIP
from firstlight.data.pixels import on_white, upright

PNG = b"\x89PNG\r\n\x1a\n"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ZLIB_OR_GZIP = zlib.MAX_WBITS | 32  # zlib's number for "either, as the data begin"
DEFLATE = (8, 32946)  # TIFF's numbers for zlib compression
PACKINGS = (1, *DEFLATE, 32773)  # none, zlib, PackBits: what tifffile unpacks by itself
ALPHA = (1, 2)  # TIFF's ExtraSamples that are alpha
ORIENTATION = 274


def require_unpacked(blocks: Iterable[bytes], limit: int) -> None:
    """Raise DataError where zlib or gzip data unpack to more than `limit` bytes."""
    unpacker, total = zlib.decompressobj(ZLIB_OR_GZIP), 0
    for block in blocks:
        rest = block
        while rest:
            total += len(unpacker.decompress(rest, 1 << 20))
            if total > limit:
                raise DataError("unpacks to more data than its size has room for")
            rest = unpacker.unconsumed_tail
            if unpacker.eof:
                # Files packed with gzip can lie one behind the other.
                rest = unpacker.unused_data.lstrip(b"\0")
                if not rest.startswith(GZIP):
                    return
                unpacker = zlib.decompressobj(ZLIB_OR_GZIP)


def is_16_bit_colour_png(content: bytes) -> bool:
    """Whether the content is a PNG with 16 bits in each of several channels."""
    head = content[:26]
    return len(head) == 26 and head.startswith(PNG) and head[24] == 16 and head[25] in (2, 4, 6)


def is_16_bit_grey_alpha_png(content: bytes) -> bool:
    """Whether it is one of those and grey, which Pillow opens as colour."""
    return is_16_bit_colour_png(content) and content[25] == 4


def read_png(content: bytes) -> tuple[NDArray[np.uint16], bool]:
    """`(H, W, C)` of a 16-bit PNG with C 1 or 3, and whether alpha was laid on white."""
    import png

    width, height = struct.unpack(">II", content[16:24])
    samples = {2: 3, 4: 2, 6: 4}[content[25]]
    # Each row begins with a filter byte; the seven passes of an interlaced PNG have up to
    # two rows for each row of the picture.
    require_unpacked(_png_data(content), height * (width * samples * 2) + 4 * height + 64)
    _, _, rows, _ = png.Reader(bytes=content).read()
    pixels = np.array([np.frombuffer(row, np.uint16) for row in rows])
    pixels = pixels.reshape(height, width, samples)
    transparent = samples in (2, 4)
    return (on_white(pixels) if transparent else pixels), transparent


def _png_data(content: bytes) -> Iterable[bytes]:
    """The IDAT chunks of a PNG."""
    place = len(PNG)
    while place + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        if kind == b"IDAT":
            yield content[place + 8 : place + 8 + length]
        place += 12 + length


def open_tiff(source: bytes | Path) -> Any:
    """The content of a TIFF file, or the file on disk, opened by tifffile."""
    import tifffile

    # What is wrong with a file is said once, as its reason, and not in a log besides.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    return tifffile.TiffFile(BytesIO(source) if isinstance(source, bytes) else source)


def is_scientific_tiff(content: bytes) -> bool:
    """Whether the content is a TIFF of more than 8 bits or other than 1, 3 or 4 channels.

    Pillow reads the others, and also 16-bit and float grey ones whose packing tifffile
    does not know by itself.
    """
    if not content.startswith(TIFF):
        return False
    with open_tiff(content) as file:
        page = file.pages.first
        plain = page.bitspersample <= 8 and page.samplesperpixel in (1, 2, 3, 4)
        known_to_pillow = page.samplesperpixel == 1 and page.bitspersample in (16, 32)
        return not plain and (page.compression in PACKINGS or not known_to_pillow)


def tiff_form(page: Any, largest: int) -> tuple[int, int, int, np.dtype[Any]]:
    """Height, width, channels (alpha not counted) and type of the numbers of a TIFF page.

    Args:
        page: tifffile's page.
        largest: pixels that are safe to open.

    Raises:
        DataError: it holds something else than plain numbers, or more than is safe to open; in
            words that follow its name.
    """
    if page.axes not in ("YX", "YXS", "SYX"):
        raise DataError(f"has the axes {page.axes}; save it as height x width x channels")
    if page.imagelength * page.imagewidth > largest or page.nbytes > 16 * largest:
        raise DataError("has more pixels than is safe to open")
    if page.compression not in PACKINGS:
        raise DataError("is packed in a way that is not read here; save it unpacked or as zlib")
    if page.dtype is None or page.dtype.kind not in "uif":
        raise DataError("does not hold plain numbers")
    channels = page.samplesperpixel - _has_alpha(page)
    return page.imagelength, page.imagewidth, channels, _stored_type(page.dtype)


def _stored_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that numbers are kept in: uint8 and uint16 as they are, all others float32."""
    return np.dtype(dtype.type) if dtype.kind == "u" and dtype.itemsize <= 2 else np.dtype("f4")


def _has_alpha(page: Any) -> bool:
    extra = page.extrasamples
    known = page.samplesperpixel in (2, 4) and _stored_type(page.dtype).kind == "u"
    return known and bool(extra) and extra[-1] in ALPHA


def tiff_head(content: bytes, largest: int) -> tuple[int, int, int, np.dtype[Any]]:
    """`tiff_form` of a TIFF's first page."""
    with open_tiff(content) as file:
        return tiff_form(file.pages.first, largest)


def read_tiff(content: bytes, largest: int) -> tuple[NDArray[Any], set[str]]:
    """`(H, W, C)` of a TIFF's first page, upright, and what was done to it."""
    with open_tiff(content) as file:
        page = file.pages.first
        tiff_form(page, largest)
        pixels, done = page_pixels(page)
        return pixels, done | ({"frames"} if len(file.pages) > 1 else set())


def page_pixels(page: Any) -> tuple[NDArray[Any], set[str]]:
    """`(H, W, C)` of a TIFF page that `tiff_form` has passed, upright, and what was done to it."""
    done: set[str] = set()
    if page.compression in DEFLATE:
        _require_segments(page)
    pixels = page.asarray()
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    with np.errstate(over="ignore"):  # what float32 cannot hold is a gap
        pixels = pixels.astype(_stored_type(page.dtype), copy=False)
    if _has_alpha(page):
        done.add("alpha")
        pixels = on_white(pixels)
    tag = page.tags.get(ORIENTATION)
    return upright(pixels, int(tag.value) if tag else 1, done), done


def _require_segments(page: Any) -> None:
    """Check that no strip or tile of a zlib-packed page unpacks to more than it may."""
    height, width = page.imagelength, page.imagewidth
    if page.is_tiled:
        # A tile may stick out of the picture, but not by more than the picture's own size.
        height, width = min(page.tilelength, 2 * height), min(page.tilewidth, 2 * width)
        height, width = max(height, 256), max(width, 256)
    else:
        height = min(page.rowsperstrip, height)
    limit = height * width * page.samplesperpixel * page.dtype.itemsize
    file = page.parent.filehandle
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(offset)
        require_unpacked([file.read(length)], limit)
