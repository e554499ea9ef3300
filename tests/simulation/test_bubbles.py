"""Bubbles beside 21cmFAST's on the same matter, and beside closed forms."""

import numpy as np
import pytest
from scipy.special import erfc

from firstlight.simulation.bubbles import (
    Collapsed,
    collapsed,
    efficiencies_for,
    smallest_mass,
)
from firstlight.simulation.comparing import compare_cubes
from firstlight.simulation.cosmology import Cosmology
from firstlight.simulation.fields import Grid, gaussian, moved
from firstlight.simulation.sky import brightness_temperature

PLANCK = Cosmology()
GRID = Grid(64, 2.0)
# 21cmFAST's smallest halo with stars unless it is told otherwise, in solar masses.
REFERENCE_MASS = 10**8.7


BANDS = ((0.05, 0.1), (0.15, 0.25), (0.25, 0.5), (0.5, 1.0))


def bands(field, other):
    """In bands of wave number: cross-correlation, and the ratio of powers."""
    found = compare_cubes(field, other, GRID, BANDS)
    return [band.correlation for band in found], [band.power_ratio for band in found]


@pytest.fixture(scope="module")
def compared(reference):
    found = []
    for cube in reference:
        galaxies = collapsed(cube.density, GRID, PLANCK, cube.redshift, REFERENCE_MASS, cube.radius)
        efficiency = efficiencies_for(galaxies, np.array([cube.neutral.mean()]))[0]
        neutral = galaxies.neutral(efficiency)
        agree = ((neutral > 0.5) == (cube.neutral > 0.5)).mean()
        found.append((*bands(neutral, cube.neutral), agree, neutral.mean()))
    return found


def test_the_same_places_are_neutral(compared, reference):
    for (correlations, _, agree, mean), cube in zip(compared, reference, strict=True):
        assert min(correlations[:3]) > 0.9
        assert agree > 0.93
        assert mean == pytest.approx(cube.neutral.mean(), abs=1e-3)
    assert np.median([agree for _, _, agree, _ in compared]) > 0.97


def test_bubbles_have_the_same_sizes(compared):
    for _, ratios, _, _ in compared:
        assert ratios[1:] == pytest.approx([1, 1, 1], abs=0.2)


def test_the_sky_has_the_same_brightness(reference):
    for cube in reference:
        ours = brightness_temperature(cube.density[:2], cube.neutral[:2], cube.redshift, PLANCK)
        assert np.corrcoef(ours.ravel(), cube.sky.ravel())[0, 1] > 0.9999
        assert ours.std() == pytest.approx(cube.sky.std(), rel=0.005)


def test_even_matter_collapses_as_the_whole_universe():
    grid = Grid(8, 2.0)
    galaxies = collapsed(np.zeros((8, 8, 8), np.float32), grid, PLANCK, 8.0, 1e9, 15.0)
    spread = PLANCK.sigma(PLANCK.radius(1e9)) * PLANCK.growth(8.0)
    # Press & Schechter 1974.
    share = erfc(1.686 / (np.sqrt(2) * spread))
    np.testing.assert_allclose(galaxies.most, share, rtol=1e-5)
    assert galaxies.mean == pytest.approx(share)
    np.testing.assert_allclose(galaxies.neutral(0.5 / share), 0.5, rtol=1e-4)
    assert galaxies.neutral(1.01 / share).max() == 0


def test_virial_temperature_and_mass():
    # Barkana & Loeb 2001, equation 26, by hand: at high redshift matter is all there is.
    early = Cosmology(matter=1.0, baryons=0.05, hubble=0.7)
    assert smallest_mass(1.98e4 * 0.59 / 0.6, 9.0, early) == pytest.approx(1e8 / 0.7)
    assert smallest_mass(8 * 1.98e4 * 0.59 / 0.6, 9.0, early) == pytest.approx(8**1.5 * 1e8 / 0.7)
    assert smallest_mass(1e4, 39.0, early) == pytest.approx(smallest_mass(1e4, 9.0, early) / 8)


@pytest.fixture(scope="module")
def own():
    """The galaxies of one box of ours at several redshifts."""
    grid = Grid(32, 2.0)
    linear = gaussian(grid, PLANCK, np.random.default_rng(1))
    found = {}
    for redshift in (7.0, 8.0, 9.0, 10.0):
        density = moved(grid, linear, PLANCK.growth(redshift))
        mass = smallest_mass(3e4, redshift, PLANCK)
        found[redshift] = collapsed(density, grid, PLANCK, redshift, mass, 20.0)
    return found


def test_more_efficient_galaxies_ionise_more(own):
    for galaxies in own.values():
        means = [galaxies.neutral(efficiency).mean() for efficiency in np.geomspace(0.1, 1e3, 12)]
        assert means == sorted(means, reverse=True)
        assert galaxies.neutral(1e-9).mean() == pytest.approx(1)
        assert galaxies.neutral(1e9).max() == 0


def test_time_ionises_more(own):
    means = [own[redshift].neutral(30.0).mean() for redshift in (7.0, 8.0, 9.0, 10.0)]
    assert means == sorted(means)
    assert means[0] < 0.5 < means[-1]


def test_efficiencies_for_neutral_fractions(own):
    galaxies, wanted = own[8.0], np.array([0.9, 0.02, 0.3])
    found = [galaxies.neutral(each).mean() for each in efficiencies_for(galaxies, wanted)]
    assert found == pytest.approx(wanted, abs=0.01)


def test_a_slice_has_the_neutral_cells_of_the_box(own):
    galaxies = own[8.0]
    for axis in range(3):
        expected = galaxies.neutral(30.0).take(5, axis)
        np.testing.assert_array_equal(galaxies.at(5, axis).neutral(30.0), expected)
        assert 0 < expected.mean() < 1


def test_the_own_share_of_a_cell_leaves_a_part_of_it_neutral():
    galaxies = Collapsed(np.full((1, 1, 1), 0.02, np.float32), np.full((1, 1, 1), 0.01), 0.01)
    assert galaxies.neutral(10).item() == pytest.approx(0.9)
    assert galaxies.neutral(50).item() == 0
