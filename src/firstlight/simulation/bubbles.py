"""Where hydrogen is ionised: bubbles around the first galaxies, by the excursion-set method.

Sources: Furlanetto, Zaldarriaga & Hernquist 2004 (ApJ 613, 1); Mesinger & Furlanetto 2007 (ApJ
669, 663); Barkana & Loeb 2001 (Physics Reports 349, 125).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from firstlight.simulation.cosmology import TOP_HAT_TO_SHARP_K, Cosmology
from firstlight.simulation.fields import Field, Grid

COLLAPSE = 1.686  # linear density contrast at which a sphere collapses
RADIUS_STEP = 1.1


def smallest_mass(virial_temperature: float, redshift: float, cosmology: Cosmology) -> float:
    """Mass in solar masses of a halo whose gas has this temperature in kelvin.

    Source: Barkana & Loeb 2001, equation 26, with a mean molecular weight of 0.59 for ionised
    gas (above 10,000 K) and 1.22 for neutral gas.
    """
    weight = 0.59 if virial_temperature >= 1e4 else 1.22
    matter = cosmology.matter_at(redshift)
    # Bryan & Norman 1998: the density of a virialised halo in units of the critical one.
    overdensity = 18 * np.pi**2 + 82 * (matter - 1) - 39 * (matter - 1) ** 2
    ratio = cosmology.matter / matter * overdensity / (18 * np.pi**2)
    unit = 1.98e4 * (weight / 0.6) * ratio ** (1 / 3) * (1 + redshift) / 10
    return float(1e8 / cosmology.hubble * (virial_temperature / unit) ** 1.5)


@dataclass(frozen=True)
class Collapsed:
    """How much matter has collapsed into galaxies around each cell.

    Attributes:
        most: the largest collapsed share of any sphere around a cell, `(n, n, n)`, or `(n, n)` of
            a slice. A cell is ionised where `efficiency * most` is 1 or more.
        own: the collapsed share of the cell itself, which is never more than `most`.
        mean: of the whole box.
    """

    most: Field
    own: Field
    mean: float

    def neutral(self, efficiency: float) -> Field:
        """The neutral fraction of each cell, 0 to 1, if each galaxy's atom ionises so many."""
        partly = np.clip(1 - efficiency * self.own, 0, 1)
        return np.where(efficiency * self.most >= 1, np.float32(0), partly)

    def at(self, index: int, axis: int) -> Collapsed:
        """One slice of the box."""
        most, own = (np.asarray(share.take(index, axis)) for share in (self.most, self.own))
        return Collapsed(most, own, self.mean)


def collapsed(
    density: Field,
    grid: Grid,
    cosmology: Cosmology,
    redshift: float,
    mass: float,
    largest_radius: float,
) -> Collapsed:
    """The collapsed share of matter around each cell, in spheres from large to small.

    Conditional extended Press-Schechter theory gives the share in a sphere from its density; at
    each radius it is scaled so that the mean over the box is the share of the whole universe.

    Args:
        density: the density contrast at that redshift.
        grid: its cells.
        cosmology: how matter is distributed and grows.
        redshift: of the box.
        mass: of the smallest halo that makes stars, in solar masses.
        largest_radius: how far a photon comes, in Mpc.
    """
    growth = cosmology.growth(redshift)
    smallest = cosmology.sigma(cosmology.radius(mass)) ** 2
    mean = float(erfc(COLLAPSE / (growth * np.sqrt(2 * smallest))))
    spectrum = grid.transform(density)
    most = np.zeros_like(density)
    share = most
    for radius in _radii(grid.cell, largest_radius):
        kept = spectrum * (grid.wave_number * radius < TOP_HAT_TO_SHARP_K)
        around = grid.back(kept)
        rest = smallest - cosmology.sigma(radius) ** 2
        share = erfc(np.clip(COLLAPSE - around, 0, None) / (growth * np.sqrt(2 * rest)))
        share = (share * (mean / share.mean())).astype(np.float32)
        np.maximum(most, share, out=most)
    return Collapsed(most, share, mean)


def _radii(cell: float, largest: float) -> NDArray[np.float64]:
    """From the largest radius down to that of a sphere with a cell's volume."""
    smallest = cell * (3 / (4 * np.pi)) ** (1 / 3)
    steps = int(np.ceil(np.log(largest / smallest) / np.log(RADIUS_STEP)))
    return np.append(largest * RADIUS_STEP ** -np.arange(steps, dtype=float), smallest)


def efficiencies_for(galaxies: Collapsed, fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many atoms a collapsed one has to ionise, so that these shares of the box are neutral.

    With the cells in the order in which they are ionised, a running sum tells how much is neutral
    at any efficiency, so that the box is gone through once for all of them.

    Args:
        galaxies: of a whole box.
        fractions: `(N,)` mean neutral fractions, between 0 and 1.

    Returns:
        `(N,)` efficiencies between 0.01 and 1e8.

    Example:
        >>> shares = np.array([0.01, 0.02, 0.03, 0.04], np.float32)
        >>> galaxies = Collapsed(shares, shares, 0.025)
        >>> half = efficiencies_for(galaxies, np.array([0.5]))
        >>> round(float(galaxies.neutral(half[0]).mean()), 4)
        0.5
    """
    order = np.argsort(galaxies.most, axis=None)
    most = galaxies.most.ravel()[order]
    ionised = np.append(0.0, np.cumsum(galaxies.own.ravel()[order], dtype=np.float64))
    low, high = np.full(len(fractions), -2.0), np.full(len(fractions), 8.0)
    for _ in range(40):
        middle = (low + high) / 2
        efficiency = 10**middle
        still = np.searchsorted(most, 1 / efficiency)
        more = still - efficiency * ionised[still] > fractions * len(most)
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.asarray(10**high)
