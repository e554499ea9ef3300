"""Images in FITS files: found, checked against the file, and brought to native numbers.

The format: FITS Standard 4.0 (https://fits.gsfc.nasa.gov/fits_standard.html): blocks of 2,880
bytes, headers of cards of 80 characters, big-endian numbers, the last axis named first. Headers
and tables are read by astropy; the numbers of an image by NumPy, never more than announced.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.idx import GZIP
from firstlight.data.paths import require_file, shown

ENDINGS = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz")
START = b"SIMPLE  ="
BLOCK = 2880  # bytes
CARD = 80
MOST_BLOCKS = 2000  # of a header: 72,000 cards
MOST_PARTS = 1000
NUMBERS = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}  # by BITPIX
DAMAGE = (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, OverflowError, zlib.error)


@dataclass(frozen=True)
class Part:
    """A header and data unit (HDU) of a FITS file.

    Attributes:
        number: counted from 0.
        name: its EXTNAME, "" without one.
        kind: `image`, `table` or `other`.
        packed: whether it is an image that lies compressed in a table.
        start: where its header begins in the (unpacked) file.
        offset: where its data begin.
        end: where they end.
        shape: last axis of the header first; of an image, without axes of length 1.
        stored: the number type of an image in the file.
        scale, zero, blank: BSCALE, BZERO and BLANK.
        unit: BUNIT, "" without one.
    """

    number: int
    name: str
    kind: str
    packed: bool
    start: int
    offset: int
    end: int
    shape: tuple[int, ...]
    stored: np.dtype[Any]
    scale: float
    zero: float
    blank: int | None
    unit: str

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"HDU {self.number}" + (f" ({shown(self.name)})" if self.name else "")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its pixels: as stored, unsigned where BZERO says so, float32 if scaled."""
        if self.stored.kind == "f" or self.blank is None:
            if (self.scale, self.zero) == (1, 0):
                return self.stored.newbyteorder("=")
            if self.scale == 1 and self.stored.str == ">i2" and self.zero == 32768:
                return np.dtype(np.uint16)
        return np.dtype(np.float32)

    def numbers(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Pixels as the header says they are meant; blank ones become NaN.

        Physical value = BZERO + BSCALE x stored value (FITS Standard, section 4.4.2.5).
        """
        if self.dtype == self.stored.newbyteorder("="):
            return raw.astype(self.dtype)
        if self.dtype == np.uint16:
            # Adding 32,768 to a signed number is turning its highest bit round.
            return raw.astype("=i2").view(np.uint16) ^ np.uint16(0x8000)
        with np.errstate(over="ignore", invalid="ignore"):
            values = raw.astype(np.float64) * self.scale + self.zero
            if self.blank is not None and self.stored.kind != "f":
                values[raw == self.blank] = np.nan
            return values.astype(np.float32)

    def read(self, file: BinaryIO, first: int, count: int) -> NDArray[Any]:
        """`count` entries of the first axis from `first` on."""
        row = math.prod(self.shape[1:])
        file.seek(self.offset + first * row * self.stored.itemsize)
        content = file.read(count * row * self.stored.itemsize)
        if len(content) < count * row * self.stored.itemsize:
            raise DataError("is cut off: its header announces more data than it has")
        raw = np.frombuffer(content, self.stored).reshape(count, *self.shape[1:])
        return self.numbers(raw)


def is_fits(content: bytes) -> bool:
    """Whether the content is a FITS file, plain or packed with gzip.

    Example:
        >>> is_fits(b"SIMPLE  =                    T"), is_fits(gzip.compress(b"no"))
        (True, False)
    """
    if content.startswith(GZIP):
        try:
            content = zlib.decompressobj(31).decompress(content, len(START))
        except zlib.error:
            return False
    return content.startswith(START)


def fits_head(content: bytes, hdu: str | None, largest: int) -> tuple[int, int, int, np.dtype[Any]]:
    """Height, width, channels and type of a FITS file's picture.

    Args:
        content: of the file.
        hdu: name or number of the part to read; None: the first image.
        largest: pixels that are safe to open.

    Raises:
        DataError: in words that follow the file's name.
    """
    with _unpacked(BytesIO(content)) as file:
        part = find_image(file, hdu)
    channels, height, width = _picture_shape(part, largest)
    return height, width, channels, _kept(part.dtype)


def read_fits(content: bytes, hdu: str | None, largest: int) -> tuple[NDArray[Any], set[str]]:
    """`(H, W, C)` of a FITS file's picture, and what was done to it: `planes` become channels.

    Rows are in the order of the file: the first one is the lowest on a sky map.
    """
    with _unpacked(BytesIO(content)) as file:
        part = find_image(file, hdu)
        shape = _picture_shape(part, largest)
        pixels = part.read(file, 0, part.shape[0]).reshape(shape)
    with np.errstate(over="ignore"):  # what float32 cannot hold is a gap
        pixels = np.moveaxis(pixels, 0, -1).astype(_kept(part.dtype))
    return np.ascontiguousarray(pixels), {"planes"} if shape[0] > 1 else set()


def _picture_shape(part: Part, largest: int) -> tuple[int, int, int]:
    """Channels, height and width."""
    shape = part.shape if len(part.shape) == 3 else (1, *part.shape)
    if len(shape) != 3:
        axes = " x ".join(map(str, part.shape))
        raise DataError(f"holds {axes} numbers in {part.title}, which is no single picture")
    if shape[1] * shape[2] > largest or math.prod(shape) * part.stored.itemsize > 16 * largest:
        raise DataError("has more pixels than is safe to open")
    return shape


def _kept(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype in (np.uint8, np.uint16) else np.dtype(np.float32)


def find_image(file: BinaryIO, hdu: str | None) -> Part:
    """The part of a FITS file that holds the image: the first, or the one that is named.

    Raises:
        DataError: there is none, in words that follow the file's name.
    """
    asked = None if hdu is None else hdu.strip().upper()
    seen = []
    for part in parts_of(file):
        seen.append(part)
        if part.kind == "image" and asked in (None, part.name.upper(), str(part.number)):
            return part
    titles = ", ".join(part.title for part in seen)
    if asked is not None and not any(asked in (p.name.upper(), str(p.number)) for p in seen):
        raise DataError(f"has no HDU {shown(hdu)} (--hdu), but {titles}")
    if any(part.packed for part in seen):
        raise DataError(
            "holds its image compressed in a table: unpack it with funpack (of the CFITSIO "
            "library), or save it with astropy as a plain image"
        )
    raise DataError(f"holds no image of two or more axes in {titles if hdu is None else hdu}")


def parts_of(file: BinaryIO) -> Iterator[Part]:
    """The parts of an open FITS file whose head can be read.

    Raises:
        DataError: the file is damaged, in words that follow its name.
    """
    from astropy.io.fits import Header

    offset = 0
    for number in range(MOST_PARTS):
        file.seek(offset)
        text = _header_text(file)
        if text is None:
            if number:
                return
            raise DataError("is cut off within its first header")
        part = _part(Header.fromstring(text), number, (offset, offset + len(text)))
        yield part
        offset = -(-part.end // BLOCK) * BLOCK


def _header_text(file: BinaryIO) -> str | None:
    """The header that begins here, None where no whole one does (zeros may follow the last)."""
    blocks: list[bytes] = []
    for _ in range(MOST_BLOCKS):
        block = file.read(BLOCK)
        if len(block) < BLOCK or not (blocks or block.startswith((START, b"XTENSION="))):
            return None
        blocks.append(block)
        if any(block[k : k + CARD].rstrip() == b"END" for k in range(0, BLOCK, CARD)):
            return b"".join(blocks).decode("ascii", "replace")
    raise DataError("has a header that does not end")


def _part(header: Any, number: int, places: tuple[int, int]) -> Part:
    """What a header says of itself and of the data behind it."""
    bits, axes = header.get("BITPIX"), header.get("NAXIS")
    known = _count(axes) and axes < 1000  # the most that the standard allows
    lengths: list[Any] = [header.get(f"NAXIS{k}") for k in range(1, axes + 1)] if known else [None]
    if bits not in NUMBERS or isinstance(bits, bool) or not all(map(_count, lengths)):
        raise DataError(f"is damaged: the header of HDU {number} says no size of its data")
    groups, extra = header.get("GCOUNT", 1), header.get("PCOUNT", 0)
    random_groups = header.get("GROUPS") is True and lengths[:1] == [0]
    if not (_count(groups) and _count(extra)):
        raise DataError(f"is damaged: the header of HDU {number} says no size of its data")
    values = math.prod(lengths[1:] if random_groups else lengths) if lengths else 0
    kind = str(header.get("XTENSION", "IMAGE")).strip().upper()
    tables = {"BINTABLE": "table", "TABLE": "table"}
    full = tuple(reversed(lengths))
    shape = tuple(length for length in full if length != 1)
    if kind in tables or len(shape) < 2:
        shape = full[-2:]
    blank = header.get("BLANK")
    return Part(
        number,
        str(header.get("EXTNAME", "")).strip(),
        "image" if kind == "IMAGE" and len(full) > 1 and values else tables.get(kind, "other"),
        kind == "BINTABLE" and header.get("ZIMAGE") is True,
        *places,
        places[1] + abs(bits) // 8 * groups * (extra + values),
        shape,
        np.dtype(NUMBERS[bits]),
        _number(header.get("BSCALE", 1.0), number),
        _number(header.get("BZERO", 0.0), number),
        blank if isinstance(blank, int) else None,
        str(header.get("BUNIT", "")).strip(),
    )


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: Any, number: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"is damaged: BSCALE or BZERO of HDU {number} is no number")
    return float(value)


@contextmanager
def _unpacked(file: BinaryIO) -> Iterator[BinaryIO]:
    """A file, or what is packed in it with gzip; whatever is wrong with it as one DataError."""
    try:
        packed = file.read(2) == GZIP
        file.seek(0)
        yield cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(f"is damaged ({shown(error)[:120]})") from error


@contextmanager
def open_fits(path: Path) -> Iterator[BinaryIO]:
    """A FITS file on disk, unpacked on the way where it is packed with gzip.

    Raises:
        DataError: it cannot be opened or, while it is open, read: in words that follow its name.
    """
    require_file(path)
    with path.open("rb") as file, _unpacked(file) as unpacked:
        yield unpacked
