"""Drawings as images: against SciPy's centre of mass and MNIST's own digits."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import center_of_mass

import firstlight as fl
from firstlight.data.drawn import as_digit, is_dark, placed_like_digits


def drawing(seed: int, side: int = 112) -> np.ndarray:
    """A thick wriggling line somewhere."""
    random = np.random.default_rng(seed)
    ink = np.zeros((side, side), np.uint8)
    place = random.uniform(0.3, 0.7, 2) * side
    for _ in range(40):
        place = np.clip(place + random.normal(0, side / 40, 2), 6, side - 7)
        row, column = place.astype(int)
        ink[row - 4 : row + 4, column - 4 : column + 4] = 255
    return ink


@pytest.mark.parametrize("seed", range(8))
def test_a_drawing_stands_where_digits_stand(seed: int) -> None:
    image = as_digit(drawing(seed))
    rows, columns = np.nonzero(image)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert np.abs(np.array(center_of_mass(image.astype(float))) - 14).max() <= 0.5
    assert placed_like_digits(image[None, :, :, None])


def test_digits_of_mnist_stay_where_they_are() -> None:
    digits = fl.load("mnist").test.images[:200, :, :, 0]
    assert placed_like_digits(digits[..., None])
    alike = []
    for digit in digits:
        # Elsewhere, and four times as large.
        larger = np.pad(digit, ((0, 20), (9, 3))).repeat(4, axis=0).repeat(4, axis=1)
        alike.append(np.corrcoef(as_digit(larger).ravel(), digit.ravel())[0, 1] > 0.97)
    # Centres of mass half way between two pixels may go to either.
    assert np.mean(alike) >= 0.99


def test_proportions_are_kept() -> None:
    ink = np.zeros((112, 112), np.uint8)
    ink[10:90, 50:60] = 200
    rows, columns = np.nonzero(as_digit(ink))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 2)


def test_the_heavy_side_of_a_drawing_stops_at_the_edge() -> None:
    ink = np.full((100, 100), 1, np.uint8)
    ink[90:, 90:] = 255
    image = as_digit(ink)
    rows, columns = np.nonzero(image)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 19, 0, 19)


def test_nothing_drawn_is_an_empty_image() -> None:
    image = as_digit(np.zeros((112, 112), np.uint8))
    assert (image.shape, image.max()) == ((28, 28), 0)
    assert not placed_like_digits(image[None, :, :, None])


def test_other_images_do_not_stand_like_digits() -> None:
    digits = fl.load("mnist").test.images[:200]
    # The middle of their frame in place of their centre of mass.
    boxed = np.zeros_like(digits)
    for image, digit in zip(boxed, digits, strict=True):
        rows, columns = (np.flatnonzero(digit.any(axis=axis)) for axis in ((1, 2), (0, 2)))
        cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        top, left = ((28 - side) // 2 for side in cut.shape[:2])
        image[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    assert not placed_like_digits(boxed)
    assert not placed_like_digits(digits[:, :, 1:])
    half = np.stack([Image.fromarray(one[..., 0]).resize((14, 14)) for one in digits])
    padded = np.pad(half, ((0, 0), (7, 7), (7, 7)))[..., None]
    assert not placed_like_digits(padded)


def test_which_ground_images_have() -> None:
    digits = fl.load("mnist").test.images[:200]
    assert (is_dark(digits), is_dark(255 - digits)) == (True, False)
