from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import png
import pytest
import tifffile
from PIL import Image

from firstlight.core.errors import DataError
from firstlight.data.picture import Picture, decode, inspect

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (7, 5), np.uint8)
COLOUR = RNG.integers(0, 256, (7, 5, 3), np.uint8)
GREY16 = RNG.integers(0, 65536, (7, 5), np.uint16)
COLOUR16 = RNG.integers(0, 65536, (7, 5, 3), np.uint16)


def saved(picture: Any, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(file, kind, **options)
    return file.getvalue()


def png16(pixels: np.ndarray, **options: Any) -> bytes:
    height, width, samples = pixels.shape
    file = io.BytesIO()
    writer = png.Writer(
        width,
        height,
        bitdepth=16,
        greyscale=samples < 3,
        alpha=samples in (2, 4),
        **options,
    )
    writer.write(file, pixels.reshape(height, -1).tolist())
    return file.getvalue()


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def read(content: bytes) -> Picture:
    """Decode, and hold the head against what came out."""
    head, picture = inspect(content), decode(content)
    assert head.dtype == picture.pixels.dtype
    assert (head.height, head.width, head.channels) == picture.pixels.shape
    return picture


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (saved(GREY), GREY),
        (saved(COLOUR), COLOUR),
        (saved(GREY, "BMP"), GREY),
        (saved(COLOUR, "TIFF"), COLOUR),
        (saved(COLOUR, "WEBP", lossless=True), COLOUR),
        (saved(GREY, "PPM"), GREY),
        (saved(GREY > 99), (GREY > 99) * np.uint8(255)),
        (saved(GREY16), GREY16),
        (saved(GREY16, "PPM"), GREY16),
        (png16(COLOUR16), COLOUR16),
        (png16(COLOUR16, interlace=True), COLOUR16),
        (tiff(GREY16), GREY16),
        (tiff(GREY16, byteorder=">"), GREY16),
        (saved(GREY16, "TIFF", compression="tiff_lzw"), GREY16),
        (tiff(COLOUR16, photometric="rgb"), COLOUR16),
        (tiff(COLOUR16, photometric="rgb", compression="zlib"), COLOUR16),
        (tiff(COLOUR16.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), COLOUR16),
        (tiff(GREY / np.float32(7)), GREY / np.float32(7)),
        (tiff(GREY.astype(np.float64) / 7), (GREY / 7).astype(np.float32)),
        (tiff(GREY16.astype(np.int32) - 9), GREY16.astype(np.float32) - 9),
        (
            tiff(np.repeat(GREY[:, :, None], 5, 2), photometric="minisblack", planarconfig=1),
            np.repeat(GREY[:, :, None], 5, 2),
        ),
    ],
)
def test_pixels_stay_what_they_are(content: bytes, expected: np.ndarray) -> None:
    pixels = read(content).pixels
    assert pixels.dtype == expected.dtype
    np.testing.assert_array_equal(pixels, expected.reshape(pixels.shape))
    assert pixels.shape[2] == (expected.shape[2] if expected.ndim == 3 else 1)


def test_a_tiled_zlib_tiff() -> None:
    pixels = RNG.integers(0, 65536, (40, 30, 3), np.uint16)
    content = tiff(pixels, photometric="rgb", compression="zlib", tile=(16, 16))
    np.testing.assert_array_equal(read(content).pixels, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_upright(orientation: int, kind: str) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.kron(GREY, np.ones((8, 8), np.uint8)))
    content = saved(image, kind, exif=exif)
    picture = decode(content)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    np.testing.assert_array_equal(picture.pixels[:, :, 0], expected)
    if kind != "TIFF":  # Pillow turns a TIFF by itself, while it decodes it
        assert picture.done == ({"turned"} if orientation > 1 else set())
    if kind == "JPEG":
        assert (inspect(content).height, inspect(content).width) == expected.shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_scientific_tiff(orientation: int) -> None:
    content = tiff(GREY16, extratags=[(274, "H", 1, orientation, True)])
    exif = Image.Exif()
    exif[0x0112] = orientation
    eight = decode(saved((GREY16 >> 8).astype(np.uint8), "PNG", exif=exif)).pixels
    np.testing.assert_array_equal(decode(content).pixels >> 8, eight)


def test_alpha_is_laid_on_white() -> None:
    rgba = RNG.integers(0, 256, (7, 5, 4), np.uint8)
    picture = read(saved(rgba))
    alpha = rgba[..., 3:] / 255
    expected = rgba[..., :3] * alpha + 255 * (1 - alpha)
    np.testing.assert_allclose(picture.pixels, expected, atol=0.501)
    assert picture.done == {"alpha"}
    grey = read(saved(rgba[..., 2:], "PNG"))
    np.testing.assert_allclose(grey.pixels, rgba[..., 2:3] * alpha + 255 * (1 - alpha), atol=0.501)


@pytest.mark.parametrize("samples", [2, 4])
def test_16_bit_alpha_is_laid_on_white(samples: int) -> None:
    pixels = RNG.integers(0, 65536, (7, 5, samples), np.uint16)
    alpha = pixels[..., -1:] / 65535
    expected = pixels[..., :-1] * alpha + 65535 * (1 - alpha)
    contents = [png16(pixels)]
    if samples == 4:
        contents.append(tiff(pixels, photometric="rgb", extrasamples=["unassalpha"]))
    for content in contents:
        picture = read(content)
        assert picture.pixels.dtype == np.uint16
        np.testing.assert_allclose(picture.pixels, expected, atol=0.501)
        assert picture.done == {"alpha"}


def test_palette_with_transparency() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 1])
    picture = read(saved(image, transparency=0))
    np.testing.assert_array_equal(picture.pixels, [[[255, 255, 255], [0, 0, 255]]])
    assert picture.done == {"alpha"}
    opaque = read(saved(image))
    np.testing.assert_array_equal(opaque.pixels, [[[255, 0, 0], [0, 0, 255]]])
    assert opaque.done == {"palette"}


def test_cmyk_becomes_rgb() -> None:
    picture = read(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert picture.done == {"cmyk"}
    np.testing.assert_allclose(picture.pixels, np.full((8, 8, 3), [255, 0, 0]), atol=3)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_frame_is_read(kind: str) -> None:
    first, second = Image.new("L", (9, 8), 10), Image.new("L", (9, 8), 200)
    content = saved(first, kind, save_all=True, append_images=[second])
    picture = decode(content)
    assert "frames" in picture.done
    np.testing.assert_allclose(picture.pixels, 10, atol=1)


def test_pages_of_a_scientific_tiff() -> None:
    content = tiff(np.stack([GREY16, GREY16 // 2]), photometric="minisblack")
    picture = read(content)
    assert picture.done == {"frames"}
    np.testing.assert_array_equal(picture.pixels[:, :, 0], GREY16)


def with_wrong_crc() -> bytes:
    content = bytearray(saved(COLOUR))
    place = content.index(b"IDAT")
    content[place + 4 + struct.unpack(">I", content[place - 4 : place])[0]] ^= 1
    return bytes(content)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def hollow_png(width: int, height: int, depth: int, kind: int, data: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


VOLUME = np.zeros((3, 16, 16), np.uint16)
BOMB = zlib.compress(bytes(50_000_000))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "is no image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no image"),
        (saved(COLOUR)[:-40], "damaged"),
        (saved(np.kron(COLOUR, np.ones((20, 20, 1), np.uint8)), "JPEG")[:-900], "damaged"),
        (with_wrong_crc(), "damaged"),
        (saved(GREY, "GIF")[:-12], "damaged"),
        (hollow_png(60_000, 60_000, 8, 0, zlib.compress(b"")), "more pixels than is safe"),
        (hollow_png(4, 4, 16, 2, BOMB), "unpacks to more data"),
        (png16(COLOUR16)[:-60], "damaged"),
        (tiff(GREY16)[:-20], "damaged"),
        (tiff(np.full((3, 3), np.nan, np.float32)), r"NaN or infinity \(first at row 0, column 0"),
        (tiff(VOLUME, volumetric=True, photometric="minisblack"), "axes ZYX"),
        (tiff(np.zeros((3, 3), np.complex64)), "plain numbers"),
    ],
)
def test_bad_files_say_why(content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        read(content)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_pillow_only_warns_of_is_an_error() -> None:
    with pytest.raises(DataError, match="10,000 x 9,000 pixels, more than is safe"):
        inspect(hollow_png(10_000, 9_000, 8, 0, zlib.compress(b"")))


def test_tiff_bomb() -> None:
    content = bytearray(tiff(np.zeros((900, 900, 3), np.uint16), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as file:
        tags = {tag.name: tag.valueoffset for tag in file.pages.first.tags}
    # The strip still unpacks to 900 rows, but the picture claims to have 2.
    for name in ("ImageLength", "RowsPerStrip"):
        content[tags[name] : tags[name] + 2] = struct.pack("<H", 2)
    with pytest.raises(DataError, match="unpacks to more data"):
        decode(bytes(content))
