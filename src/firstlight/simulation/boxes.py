"""One simulated universe after the other: its parameters, its cubes and the maps cut from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.simulation.bubbles import collapsed, efficiencies_for, smallest_mass
from firstlight.simulation.cosmology import Cosmology
from firstlight.simulation.fields import Field, Grid, gaussian, moved
from firstlight.simulation.sky import brightness_temperature

COLUMNS = (
    "xHI",
    "box_xHI",
    "log10_zeta",
    "log10_Tvir",
    "R_max",
    "z",
    "axis",
    "index",
    "simulation",
)


@dataclass(frozen=True)
class Universe:
    """What is drawn for a box.

    Attributes:
        boxes: how many boxes.
        cells: along a side.
        cell: length of a cell in Mpc.
        redshifts: at which each box is looked at.
        slices: maps cut along each of the three axes.
        seed: of all random numbers; box by box, so that more boxes change none of the others.
        virial_temperature: range of the smallest galaxies' temperature in kelvin (even in log),
            drawn for each box and redshift.
        largest_radius: range of the farthest that ionising photons come, in Mpc; the same.
        box_neutral: range of the mean neutral fraction of the box, drawn for each map.
    """

    boxes: int = 100
    cells: int = 64
    cell: float = 2.0
    redshifts: tuple[float, ...] = (7.0, 8.0, 9.0, 10.0)
    slices: int = 3
    seed: int = 0
    virial_temperature: tuple[float, float] = (1e4, 1e5)
    largest_radius: tuple[float, float] = (10.0, 40.0)
    box_neutral: tuple[float, float] = (0.01, 0.99)

    @property
    def maps(self) -> int:
        """How many maps are cut from a box."""
        return len(self.redshifts) * 3 * self.slices


@dataclass(frozen=True)
class BoxMaps:
    """The maps of one box.

    Attributes:
        maps: brightness temperature in mK, `(N, cells, cells)`.
        columns: numbers for each map, `(N,)` each, by the names of `COLUMNS`.
    """

    maps: Field
    columns: dict[str, NDArray[np.float64]]


def simulate_box(universe: Universe, number: int, cosmology: Cosmology | None = None) -> BoxMaps:
    """Simulate one box at all redshifts and cut its maps.

    Bubbles are a threshold on what has collapsed, so once that is known another efficiency of the
    galaxies costs nothing: each map has its own, such that the neutral fraction that the whole
    box then has is drawn evenly. A network so meets many stages of each box.

    Args:
        universe: what all boxes have in common.
        number: which box; with the seed it decides all random numbers.
        cosmology: Planck 2018 unless another is given.

    Example:
        >>> tiny = Universe(cells=8, redshifts=(8.0,), slices=1)
        >>> box = simulate_box(tiny, 0)
        >>> box.maps.shape, sorted(box.columns)[:3]
        ((3, 8, 8), ['R_max', 'axis', 'box_xHI'])
    """
    cosmology = cosmology or Cosmology()
    random = np.random.default_rng([universe.seed, number])
    grid = Grid(universe.cells, universe.cell)
    linear = gaussian(grid, cosmology, random)
    low, high = np.log10(universe.virial_temperature)
    maps, rows = [], []
    for redshift in universe.redshifts:
        temperature = 10 ** random.uniform(low, high)
        radius = random.uniform(*universe.largest_radius)
        density = moved(grid, linear, cosmology.growth(redshift))
        mass = smallest_mass(temperature, redshift, cosmology)
        galaxies = collapsed(density, grid, cosmology, redshift, mass, radius)
        # Evenly apart, so that slices of a box share as little as they can.
        steps = np.arange(universe.slices) * universe.cells // universe.slices
        first = random.integers(universe.cells, size=3)
        fractions = random.uniform(*universe.box_neutral, size=3 * universe.slices)
        efficiencies = efficiencies_for(galaxies, fractions).tolist()
        for place, (fraction, efficiency) in enumerate(zip(fractions, efficiencies, strict=True)):
            axis = place // universe.slices
            index = (first[axis] + steps[place % universe.slices]) % universe.cells
            neutral = galaxies.at(index, axis).neutral(efficiency)
            matter = density.take(index, axis)
            maps.append(brightness_temperature(matter, neutral, redshift, cosmology))
            galaxy = (np.log10(efficiency), np.log10(temperature), radius)
            rows.append((neutral.mean(), fraction, *galaxy, redshift, axis, index, number))
    columns = np.array(rows, np.float64).T
    return BoxMaps(np.stack(maps), dict(zip(COLUMNS, columns, strict=True)))
