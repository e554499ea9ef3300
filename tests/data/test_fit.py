from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data.fit import fit, fit_all, target_size, to_channels

RNG = np.random.default_rng(5)


def reference(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Linear antialiased scaling written as two matrices of triangle weights."""

    def weights(old: int, new: int) -> np.ndarray:
        scale = old / new
        reach = max(scale, 1)
        centres = (np.arange(new) + 0.5) * scale
        distance = np.abs(np.arange(old)[None, :] + 0.5 - centres[:, None]) / reach
        triangle = np.maximum(0, 1 - distance)
        return triangle / triangle.sum(axis=1, keepdims=True)

    rows, columns = weights(pixels.shape[0], height), weights(pixels.shape[1], width)
    return np.einsum("ih,hwc,jw->ijc", rows, pixels.astype(float), columns)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(4, 6), (20, 31)])
def test_stretch_against_weights_by_hand(
    dtype: type[np.generic], channels: int, size: tuple
) -> None:
    pixels = (RNG.random((13, 9, channels)) * 250).astype(dtype)
    if dtype == np.uint16:
        pixels = pixels * np.uint16(257)
    scaled = fit(pixels, size[0], size[1], "stretch")
    assert scaled.dtype == dtype
    # Pillow rounds 8-bit pictures once for each axis.
    loose = {"uint8": 1.01, "uint16": 0.51, "float32": 1e-3}[scaled.dtype.name]
    np.testing.assert_allclose(scaled, reference(pixels, size[0], size[1]), atol=loose)


def test_pad_keeps_proportions_and_puts_zeros_around() -> None:
    pixels = np.full((30, 10, 3), 65535, np.uint16)
    padded = fit(pixels, 12, 12)
    assert (padded[:, 4:8] == 65535).all()
    assert (padded[:, :4] == 0).all()
    assert (padded[:, 8:] == 0).all()


def test_crop_takes_the_middle() -> None:
    pixels = np.zeros((10, 30, 1), np.uint8)
    pixels[:, 10:20] = 200
    assert (fit(pixels, 10, 10, "crop") == 200).all()
    assert (fit(pixels, 5, 5, "crop")[:, 1:-1] == 200).all()


@pytest.mark.parametrize("how", ["pad", "crop", "stretch"])
def test_a_long_thin_picture(how: str) -> None:
    assert fit(np.ones((1, 60_000, 1), np.uint8), 28, 28, how).shape == (28, 28, 1)


def test_nothing_changes_where_the_size_fits() -> None:
    pixels = np.ones((3, 4, 1), np.uint8)
    assert fit(pixels, 3, 4) is pixels
    images = pixels[np.newaxis]
    assert fit_all(images, (3, 4, 1), "pad") is images


def test_target_size() -> None:
    assert target_size([(300, 400)] * 3, DataSettings()) == (300, 400)
    assert target_size([(300, 400), (310, 500)], DataSettings()) == (224, 224)
    assert target_size([(10, 7), (11, 8), (12, 100)], DataSettings()) == (11, 8)
    assert target_size([(10, 7)], DataSettings(size=64)) == (64, 64)


def test_grey_is_pillows_luma() -> None:
    pixels = RNG.integers(0, 256, (50, 50, 3), np.uint8)
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    np.testing.assert_array_equal(to_channels(pixels, 1)[..., 0], expected)
    weights = [0.299, 0.587, 0.114]
    wide = RNG.integers(0, 65536, (50, 50, 3), np.uint16)
    wide[0, 0] = 65535
    np.testing.assert_allclose(to_channels(wide, 1)[..., 0], wide @ weights, atol=1.5)
    assert to_channels(wide, 1)[0, 0, 0] == 65535
    real = RNG.random((5, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(to_channels(real, 1)[..., 0], real @ weights, rtol=1e-5)
    assert to_channels(real, 1).dtype == np.float32


def test_other_channels_have_no_rule() -> None:
    with pytest.raises(DataError, match="3 channels were expected, but 5 came"):
        to_channels(np.zeros((2, 2, 5), np.uint8), 3)
