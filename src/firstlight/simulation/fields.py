"""Density fields in a periodic box: Gaussian at first, then moved by gravity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from firstlight.simulation.cosmology import Cosmology

Field = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Grid:
    """A periodic cube.

    Attributes:
        cells: along one side.
        cell: length of a cell in Mpc.
    """

    cells: int
    cell: float

    @property
    def side(self) -> float:
        """Length of the cube in Mpc."""
        return self.cells * self.cell

    @cached_property
    def axis(self) -> Field:
        """Wave numbers along an axis in 1/Mpc, in the order of the transform."""
        return np.asarray(2 * np.pi * fft.fftfreq(self.cells, self.cell), np.float32)

    @cached_property
    def half_axis(self) -> Field:
        """The same along the last axis, of which the transform of real numbers keeps a half."""
        return np.asarray(2 * np.pi * fft.rfftfreq(self.cells, self.cell), np.float32)

    @cached_property
    def wave_number(self) -> Field:
        """The length of the wave vector of each coefficient, `(n, n, n // 2 + 1)`, in 1/Mpc."""
        x, y, z = self.axis[:, None, None], self.axis[:, None], self.half_axis
        return np.asarray(np.sqrt(x**2 + y**2 + z**2), np.float32)

    @cached_property
    def cell_window(self) -> Field:
        """What the mean over a cell leaves of each coefficient, 0 to 1."""
        whole, half = (np.sinc(k * self.cell / (2 * np.pi)) for k in (self.axis, self.half_axis))
        return np.asarray(whole[:, None, None] * whole[:, None] * half, np.float32)

    def transform(self, values: Field) -> Spectrum:
        """The Fourier coefficients of a field."""
        return np.asarray(fft.rfftn(values), np.complex64)

    def back(self, coefficients: Spectrum) -> Field:
        """The field of Fourier coefficients."""
        return np.asarray(fft.irfftn(coefficients, s=(self.cells,) * 3), np.float32)


def gaussian(grid: Grid, cosmology: Cosmology, random: np.random.Generator) -> Spectrum:
    """Fourier coefficients of a Gaussian density contrast with today's linear power spectrum.

    White noise is coloured, so the field is real by construction, and its mean is zero. Each
    number is the mean over its cell, so what is smaller than a cell does not come in.
    """
    noise = random.standard_normal((grid.cells,) * 3, dtype=np.float32)
    k = grid.wave_number
    spectrum = cosmology.power(np.maximum(k, grid.half_axis[1]).astype(np.float64))
    amplitude = np.sqrt(spectrum / grid.cell**3).astype(np.float32)
    amplitude[0, 0, 0] = 0
    return np.asarray(grid.transform(noise) * amplitude * grid.cell_window, np.complex64)


def moved(grid: Grid, linear: Spectrum, growth: float) -> Field:
    """The density contrast after matter has moved from an even grid (Zel'dovich 1970).

    Each cell's matter moves by `growth` times the displacement whose divergence is minus the
    linear density contrast, and is shared among the eight cells around the place where it ends.

    Source: Santos et al. 2010 (MNRAS 406, 2421), section 2.

    Args:
        grid: the cells.
        linear: from `gaussian`.
        growth: of linear fluctuations, 1 today.
    """
    n = grid.cells
    squared = grid.wave_number**2
    squared[0, 0, 0] = 1
    potential = linear * (1j * growth / grid.cell / squared)
    vectors = (grid.axis[:, None, None], grid.axis[:, None], grid.half_axis)
    steps = np.arange(n, dtype=np.float32)
    # In cells; indices wrap around, since the box is periodic.
    lower, share = [], []
    for axis, vector in enumerate(vectors):
        along = steps.reshape([-1 if other == axis else 1 for other in range(3)])
        place = grid.back((potential * vector).astype(np.complex64)) + along
        floor = np.floor(place)
        share.append((place - floor).ravel())
        lower.append(floor.astype(np.int64).ravel() % n)
    mass = np.zeros(n**3)
    for corner in np.ndindex(2, 2, 2):
        index = np.zeros(n**3, np.int64)
        weight = np.ones(n**3, np.float32)
        for axis, up in enumerate(corner):
            index = index * n + (lower[axis] + up) % n
            weight *= share[axis] if up else 1 - share[axis]
        mass += np.bincount(index, weight, n**3)
    return (mass.reshape((n,) * 3) - 1).astype(np.float32)
