"""The cosmology beside colossus (Diemer 2018, ApJS 239, 35), an independent implementation."""

import numpy as np
import pytest
from colossus.cosmology import cosmology as colossus

from firstlight.simulation.cosmology import Cosmology

OURS = Cosmology()


@pytest.fixture(scope="module")
def theirs():
    parameters = {
        "flat": True,
        "H0": 67.66,
        "Om0": 0.3096,
        "Ob0": 0.0490,
        "sigma8": 0.8102,
        "ns": 0.9665,
        "Tcmb0": 2.7255,
        "relspecies": False,
    }
    # Without persistence it writes nothing into the home folder.
    return colossus.setCosmology("as ours", persistence="", **parameters)


def test_power_spectrum(theirs):
    k = np.geomspace(1e-3, 100, 200)
    power = theirs.matterPowerSpectrum(k / theirs.h, 0.0, model="eisenstein98") / theirs.h**3
    np.testing.assert_allclose(OURS.power(k), power, rtol=5e-4)


@pytest.mark.parametrize("redshift", [0.0, 1.0, 7.0, 10.0])
def test_growth(theirs, redshift):
    assert OURS.growth(redshift) == pytest.approx(theirs.growthFactor(redshift), rel=5e-4)


@pytest.mark.parametrize("mass", [1e7, 1e9, 1e12, 1e15])
def test_spread_of_the_density_in_spheres(theirs, mass):
    radius = OURS.radius(mass)
    assert radius == pytest.approx(
        (3 * mass / (4 * np.pi * theirs.rho_m(0.0) * 1e9 * theirs.h**2)) ** (1 / 3), rel=1e-5
    )
    assert OURS.sigma(radius) == pytest.approx(theirs.sigma(radius * theirs.h, 0.0), rel=1e-3)


def test_share_of_matter(theirs):
    assert OURS.matter_at(9.0) == pytest.approx(theirs.Om(9.0), rel=1e-5)
    assert OURS.density == pytest.approx(theirs.rho_m(0.0) * 1e9 * theirs.h**2, rel=1e-5)
