"""FITS files: by astropy's writer, and blocks made by hand."""

from __future__ import annotations

import gzip
from io import BytesIO

import numpy as np
import pytest
from astropy.io import fits
from made_fits import PLANE, RNG, STACK, by_hand, cards, written

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.picture import decode, inspect


def test_a_block_made_by_hand() -> None:
    """Three big-endian signed numbers, 32,768 less than what is meant, in two rows of one."""
    stored = b"\x80\x00\x00\x00\x7f\xff"
    content = by_hand(cards(16, 3, 1, BZERO=32768, BSCALE=1.0), stored)
    picture = decode(content)
    assert picture.pixels.dtype == np.uint16
    assert picture.pixels[:, :, 0].tolist() == [[0, 32768, 65535]]
    scaled = decode(by_hand(cards(16, 3, 1, BZERO=10, BSCALE=0.5), stored)).pixels
    assert scaled.dtype == np.float32
    assert scaled[:, :, 0].tolist() == [[-16374.0, 10.0, 16393.5]]
    plain = decode(by_hand(cards(8, 3, 2), bytes(range(6)))).pixels
    assert (plain.dtype, plain[:, :, 0].tolist()) == (np.uint8, [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("u1", "u1"),
        ("u2", "u2"),
        ("i2", "f4"),
        ("i4", "f4"),
        ("u4", "f4"),
        ("i8", "f4"),
        ("f4", "f4"),
        ("f8", "f4"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_types_that_astropy_writes(dtype: str, kept: str, packed: bool) -> None:
    array = (RNG.normal(size=(4, 5)) * 100 + 100).astype(dtype)
    content = written(array)
    content = gzip.compress(content) if packed else content
    head, picture = inspect(content), decode(content)
    np.testing.assert_array_equal(picture.pixels[:, :, 0], array.astype(kept))
    assert picture.pixels.dtype == np.dtype(kept) == head.dtype
    assert picture.pixels.dtype.isnative
    assert (head.height, head.width, head.channels) == (4, 5, 1)


def test_scaled_numbers_as_astropy_reads_them() -> None:
    unit = fits.ImageHDU(RNG.normal(3, 2, (6, 7)))
    unit.scale("int16", bzero=3.0, bscale=0.01)
    content = written(unit)
    with fits.open(BytesIO(content)) as file:
        expected = file[1].data
        assert file[1].header["BITPIX"] == -32  # astropy has scaled them, float32 as here
    assert b"BITPIX  =                   16" in content
    pixels = decode(content).pixels[:, :, 0]
    np.testing.assert_allclose(pixels, expected, rtol=1e-6)
    assert len(np.unique(pixels)) > 30


def test_axes_of_length_one_are_dropped_and_planes_become_channels() -> None:
    radio = decode(written(PLANE[np.newaxis, np.newaxis].astype("f4")))
    np.testing.assert_array_equal(radio.pixels[:, :, 0], PLANE)
    assert radio.done == frozenset()
    colours = decode(written(STACK[:3]))
    np.testing.assert_array_equal(colours.pixels, STACK[:3].transpose(1, 2, 0))
    assert colours.done == {"planes"}
    with pytest.raises(DataError, match=r"3 x 2 x 4 x 5 numbers in HDU 1, which is no single"):
        decode(written(np.stack([STACK[:2]] * 3)))


def test_which_part_is_read() -> None:
    table = fits.BinTableHDU(np.array([(1,)], [("a", "i4")]), name="CATALOGUE")
    line = fits.ImageHDU(np.zeros(9, "f4"))
    image = fits.ImageHDU(PLANE, name="SCI")
    weight = fits.ImageHDU(PLANE // 2, name="WHT")
    content = written(table, line, image, weight)
    for hdu, expected in (
        (None, PLANE),
        ("sci", PLANE),
        ("3", PLANE),
        ("WHT", PLANE // 2),
        ("4", PLANE // 2),
    ):
        pixels = decode(content, DataSettings(hdu=hdu)).pixels
        np.testing.assert_array_equal(pixels[:, :, 0], expected)
    with pytest.raises(DataError, match=r"has no HDU ERR \(--hdu\), but HDU 0, HDU 1 \(CATALOGUE"):
        decode(content, DataSettings(hdu="ERR"))
    with pytest.raises(DataError, match="holds no image of two or more axes in CATALOGUE"):
        decode(content, DataSettings(hdu="CATALOGUE"))
    with pytest.raises(DataError, match="no image of two or more axes in HDU 0, HDU 1"):
        decode(written(table))
    with pytest.raises(DataError, match="compressed in a table: unpack it with funpack"):
        decode(written(fits.CompImageHDU(PLANE.astype("i2"))))


def test_gaps_are_refused_or_filled_with_the_mean() -> None:
    poisoned = np.array([[1, np.nan, 3], [np.inf, 5, 7]])
    with pytest.raises(DataError, match=r"holds 2 pixels without a number.*row 0, column 1.*mean"):
        decode(written(poisoned))
    picture = decode(written(poisoned), DataSettings(gaps="mean"))
    assert picture.pixels[:, :, 0].tolist() == [[1, 4, 3], [4, 5, 7]]
    assert picture.gaps == 2
    blank = by_hand(cards(16, 2, 2, BLANK=-99), np.array([[1, -99], [2, 6]], ">i2").tobytes())
    with pytest.raises(DataError, match="holds 1 pixels without a number"):
        decode(blank)
    assert decode(blank, DataSettings(gaps="mean")).pixels.ravel().tolist() == [1, 3, 2, 6]
    bands = np.stack([poisoned, np.full((2, 3), np.nan)])
    with pytest.raises(DataError, match="a channel without one"):
        decode(written(bands), DataSettings(gaps="mean"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (written(STACK[0])[:3000], "holds no image of two or more axes in HDU 0"),
        (written(STACK[0])[:-2880], "is cut off: its header announces more data"),
        (b"SIMPLE  =                    T".ljust(2880), "is cut off within its first header"),
        (b"SIMPLE  =                    T".ljust(2880 * 2500), "has a header that does not end"),
        (by_hand(cards(16, 200_000, 200_000), b""), "more pixels than is safe to open"),
        (by_hand(cards(-64, 9_000, 9_000, 99), b""), "more pixels than is safe to open"),
        (by_hand(cards(16, 2, -2), b""), "says no size"),
        (by_hand(cards(17, 2, 2), b""), "says no size"),
        (by_hand({"SIMPLE": "T", "BITPIX": 8, "NAXIS": 10**9}, b""), "says no size"),
        (by_hand(cards(8, 2, 2, BZERO="'x'"), b"1234"), "BSCALE or BZERO of HDU 0 is no number"),
        (gzip.compress(written(PLANE))[:200], "is damaged"),
    ],
)
def test_damaged_and_hostile_files(content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        decode(content)


def test_a_packed_file_is_unpacked_no_further_than_its_image() -> None:
    packed = gzip.compress(written(fits.PrimaryHDU(PLANE)) + RNG.bytes(1 << 20))
    np.testing.assert_array_equal(decode(packed[:-4000]).pixels[:, :, 0], PLANE)
