"""Cubes compared scale by scale, beside sums over Fourier coefficients by hand."""

import numpy as np
import pytest

from firstlight.simulation.comparing import compare_cubes
from firstlight.simulation.fields import Grid

GRID = Grid(8, 2.0)
RNG = np.random.default_rng(2)
ONE, OTHER = RNG.normal(size=(2, 8, 8, 8)).astype(np.float32)


def test_a_band_is_the_sum_over_its_coefficients():
    low, high = 0.4, 1.2
    (band,) = compare_cubes(ONE, OTHER, GRID, ((low, high),))
    wave = 2 * np.pi * np.fft.fftfreq(8, 2.0)
    length = np.sqrt(sum(np.meshgrid(wave**2, wave**2, wave**2, indexing="ij")))[..., :5]
    chosen = (length >= low) & (length < high)
    one, other = (np.fft.rfftn(cube.astype(float))[chosen] for cube in (ONE, OTHER))
    powers = (abs(one) ** 2).sum(), (abs(other) ** 2).sum()
    assert band.power_ratio == pytest.approx(powers[0] / powers[1], rel=1e-4)
    cross = (one * other.conj()).real.sum() / np.sqrt(powers[0] * powers[1])
    assert band.correlation == pytest.approx(cross, abs=1e-4)


def test_a_cube_is_like_itself_whatever_its_mean_and_scale():
    (band,) = compare_cubes(3 * ONE + 7, ONE, GRID, ((0.4, 1.2),))
    assert band.correlation == pytest.approx(1, abs=1e-5)
    assert band.power_ratio == pytest.approx(9, rel=1e-4)
    (mirrored,) = compare_cubes(-ONE, ONE, GRID, ((0.4, 1.2),))
    assert mirrored.correlation == pytest.approx(-1, abs=1e-5)
