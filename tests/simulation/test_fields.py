"""Fields beside their own power spectrum, and matter that moves beside exact cases."""

import numpy as np
import pytest

from firstlight.simulation.cosmology import Cosmology
from firstlight.simulation.fields import Grid, gaussian, moved

PLANCK = Cosmology()


def test_a_gaussian_field_has_the_power_that_was_asked_for():
    grid = Grid(64, 4.0)
    ratios = []
    for seed in range(4):
        coefficients = gaussian(grid, PLANCK, np.random.default_rng(seed))
        k = grid.wave_number
        chosen = (k > 0.1) & (k < 0.6)
        measured = np.abs(coefficients[chosen]) ** 2 * grid.cell**3 / 64**3
        expected = PLANCK.power(k[chosen].astype(float)) * grid.cell_window[chosen] ** 2
        ratios.append((measured / expected).mean())
    # Some 20,000 independent coefficients, each with a spread of its own size.
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)


def test_the_mean_is_zero_and_the_spread_that_of_the_cells():
    grid = Grid(64, 2.0)
    field = grid.back(gaussian(grid, PLANCK, np.random.default_rng(3)))
    assert abs(field.mean()) < 1e-6
    # A cell is about a sphere of the same volume; waves longer than the box are missing.
    assert field.std() == pytest.approx(PLANCK.sigma(2 * (3 / (4 * np.pi)) ** (1 / 3)), rel=0.08)


def test_matter_that_does_not_move_is_even():
    grid = Grid(8, 2.0)
    assert np.abs(moved(grid, np.zeros((8, 8, 5), np.complex64), 1.0)).max() < 1e-6


def test_matter_is_kept():
    grid = Grid(32, 2.0)
    density = moved(grid, gaussian(grid, PLANCK, np.random.default_rng(0)), 0.2)
    assert density.mean() == pytest.approx(0, abs=1e-5)
    assert density.min() >= -1


def test_a_long_wave_grows_as_linear_theory_says():
    # One plane wave of small amplitude; cloud-in-cell has edges where matter converges, so the
    # wave itself is compared and not each cell.
    grid = Grid(64, 2.0)
    x = np.arange(64) * 2 * np.pi / 64
    wave = np.broadcast_to(0.05 * np.cos(x)[:, None, None], (64, 64, 64)).astype(np.float32)
    found = grid.transform(moved(grid, grid.transform(wave), 0.4))
    expected = grid.transform(0.4 * wave)
    assert found[1, 0, 0] == pytest.approx(expected[1, 0, 0], rel=0.05)
    assert np.unravel_index(np.abs(found).argmax(), found.shape) in ((1, 0, 0), (63, 0, 0))


def test_a_shift_by_whole_cells_wraps_around():
    grid = Grid(8, 2.0)
    random = np.random.default_rng(5)
    linear = gaussian(grid, PLANCK, random)
    field = moved(grid, linear, 0.15)
    rolled = grid.transform(np.roll(grid.back(linear), (3, -2, 7), (0, 1, 2)))
    np.testing.assert_allclose(
        moved(grid, rolled, 0.15), np.roll(field, (3, -2, 7), (0, 1, 2)), atol=2e-4
    )


def test_the_spread_at_redshift_8_is_that_of_the_reference(reference):
    grid = Grid(64, 2.0)
    spreads = []
    for seed in range(4):
        linear = gaussian(grid, PLANCK, np.random.default_rng(seed))
        spreads.append(moved(grid, linear, PLANCK.growth(8.0)).std())
    cubes = [cube.density.std() for cube in reference if cube.redshift == 8]
    assert np.mean(spreads) == pytest.approx(np.mean(cubes), rel=0.1)
