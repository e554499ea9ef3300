"""How alike two cubes are, scale by scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstlight.simulation.fields import Field, Grid


@dataclass(frozen=True)
class Band:
    """Two cubes at wave numbers from `low` to `high`, in 1/Mpc.

    Attributes:
        low, high: the ends of the band.
        correlation: of their Fourier coefficients: 1 where structures lie in the same places.
        power_ratio: the power of the first over that of the second.
    """

    low: float
    high: float
    correlation: float
    power_ratio: float


def compare_cubes(
    one: Field, other: Field, grid: Grid, edges: tuple[tuple[float, float], ...]
) -> tuple[Band, ...]:
    """Two cubes in bands of wave number.

    Args:
        one: a cube, `(n, n, n)`.
        other: the cube that its power is held against.
        grid: their cells.
        edges: the ends of each band in 1/Mpc.

    Example:
        >>> grid = Grid(8, 2.0)
        >>> cube = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
        >>> band, = compare_cubes(2 * cube, cube, grid, ((0.5, 1.0),))
        >>> round(band.correlation, 3), round(band.power_ratio, 3)
        (1.0, 4.0)
    """
    first, second = (grid.transform(cube - cube.mean()) for cube in (one, other))
    bands = []
    for low, high in edges:
        chosen = (grid.wave_number >= low) & (grid.wave_number < high)
        cross = float((first[chosen] * second[chosen].conj()).real.sum())
        powers = [float((np.abs(each[chosen]) ** 2).sum()) for each in (first, second)]
        correlation = cross / np.sqrt(powers[0] * powers[1])
        bands.append(Band(low, high, float(correlation), powers[0] / powers[1]))
    return tuple(bands)
