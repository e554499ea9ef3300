"""How matter is distributed: power spectrum, growth and variance, in a flat universe.

Lengths are in Mpc and masses in solar masses, comoving and without factors of h.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad

Array = NDArray[np.float64]

CRITICAL_DENSITY = 2.775366e11  # solar masses in a cubic Mpc, for h = 1
TOP_HAT_TO_SHARP_K = (9 * np.pi / 2) ** (1 / 3)  # k R at which both enclose the same mass


@dataclass(frozen=True)
class Cosmology:
    """A flat universe of matter and a cosmological constant; Planck 2018 by default.

    Sources: Planck Collaboration 2020 (A&A 641, A6), last column of table 2; Eisenstein & Hu
    1998 (ApJ 496, 605) for the shape of the power spectrum, with its acoustic oscillations.

    Attributes:
        matter: share of matter in the critical density today.
        baryons: share of baryons.
        hubble: the Hubble constant in 100 km/s/Mpc.
        tilt: slope of the primordial spectrum.
        sigma8: spread of the density in spheres of 8/h Mpc today, by linear growth.
        microwave_background: its temperature in kelvin.

    Example:
        >>> planck = Cosmology()
        >>> round(planck.sigma(8 / planck.hubble), 4), round(planck.growth(9.0), 4)
        (0.8102, 0.1274)
    """

    matter: float = 0.3096
    baryons: float = 0.0490
    hubble: float = 0.6766
    tilt: float = 0.9665
    sigma8: float = 0.8102
    microwave_background: float = 2.7255
    _grid: Array = field(default_factory=lambda: np.geomspace(1e-5, 1e4, 4_000), repr=False)

    @property
    def density(self) -> float:
        """Mean density of matter, in solar masses in a cubic Mpc."""
        return CRITICAL_DENSITY * self.hubble**2 * self.matter

    def power(self, wave_number: Array) -> Array:
        """The linear power spectrum today in cubic Mpc, for wave numbers above 0 in 1/Mpc."""
        return self._amplitude * self._shape(wave_number)

    def growth(self, redshift: float) -> float:
        """How large a linear fluctuation was at a redshift, in units of its size today."""
        return self._growth_integral(1 / (1 + redshift)) / self._growth_integral(1.0)

    def hubble_ratio(self, scale: float) -> float:
        """The expansion rate at a scale factor, in units of today's."""
        return float(np.sqrt(self.matter / scale**3 + 1 - self.matter))

    def matter_at(self, redshift: float) -> float:
        """Share of matter in the critical density at a redshift."""
        past = self.matter * (1 + redshift) ** 3
        return past / (past + 1 - self.matter)

    def radius(self, mass: float) -> float:
        """Radius in Mpc of a sphere that holds this mass at the mean density."""
        return float((3 * mass / (4 * np.pi * self.density)) ** (1 / 3))

    def sigma(self, radius: float) -> float:
        """Spread of today's linear density in spheres of this radius."""
        return float(np.sqrt(self._amplitude * self._variance(radius)))

    @cached_property
    def _amplitude(self) -> float:
        return self.sigma8**2 / self._variance(8 / self.hubble)

    @cached_property
    def _spectrum(self) -> Array:
        return self._shape(self._grid)

    def _variance(self, radius: float) -> float:
        k = self._grid
        x = k * radius
        # The quotient loses all its digits for small x, where its series takes over.
        window = np.where(x < 1e-2, 1 - x**2 / 10, 3 * (np.sin(x) - x * np.cos(x)) / x**3)
        return float(np.trapezoid(self._spectrum * window**2 * k**3, np.log(k)) / (2 * np.pi**2))

    def _growth_integral(self, scale: float) -> float:
        integral = quad(lambda a: (a * self.hubble_ratio(a)) ** -3, 0.0, scale)[0]
        return float(self.hubble_ratio(scale) * integral)

    def _shape(self, k: Array) -> Array:
        return np.asarray(k**self.tilt * self._transfer(k) ** 2)

    def _transfer(self, k: Array) -> Array:
        """Eisenstein & Hu 1998, equations 2 to 24; names as there."""
        matter, baryons = self.matter * self.hubble**2, self.baryons * self.hubble**2
        share = self.baryons / self.matter
        theta = self.microwave_background / 2.7
        z_equal = 2.50e4 * matter * theta**-4
        k_equal = 7.46e-2 * matter * theta**-2
        b1 = 0.313 * matter**-0.419 * (1 + 0.607 * matter**0.674)
        b2 = 0.238 * matter**0.223
        z_drag = 1291 * matter**0.251 / (1 + 0.659 * matter**0.828) * (1 + b1 * baryons**b2)
        ratio_drag = 31.5 * baryons * theta**-4 * 1e3 / z_drag
        ratio_equal = 31.5 * baryons * theta**-4 * 1e3 / z_equal
        sound = (2 / (3 * k_equal)) * np.sqrt(6 / ratio_equal)
        sound *= np.log(
            (np.sqrt(1 + ratio_drag) + np.sqrt(ratio_drag + ratio_equal))
            / (1 + np.sqrt(ratio_equal))
        )
        silk = 1.6 * baryons**0.52 * matter**0.73 * (1 + (10.4 * matter) ** -0.95)

        a1 = (46.9 * matter) ** 0.670 * (1 + (32.1 * matter) ** -0.532)
        a2 = (12.0 * matter) ** 0.424 * (1 + (45.0 * matter) ** -0.582)
        alpha_c = a1**-share * a2 ** -(share**3)
        b1 = 0.944 / (1 + (458 * matter) ** -0.708)
        b2 = (0.395 * matter) ** -0.0266
        beta_c = 1 / (1 + b1 * ((1 - share) ** b2 - 1))
        q = k / (13.41 * k_equal)

        def pressureless(alpha: float, beta: float) -> Array:
            logarithm = np.log(np.e + 1.8 * beta * q)
            return np.asarray(
                logarithm / (logarithm + (14.2 / alpha + 386 / (1 + 69.9 * q**1.08)) * q**2)
            )

        part = 1 / (1 + (k * sound / 5.4) ** 4)
        cold = part * pressureless(1.0, beta_c) + (1 - part) * pressureless(alpha_c, beta_c)

        y = (1 + z_equal) / (1 + z_drag)
        root = np.sqrt(1 + y)
        g = y * (-6 * root + (2 + 3 * y) * np.log((root + 1) / (root - 1)))
        alpha_b = 2.07 * k_equal * sound * (1 + ratio_drag) ** -0.75 * g
        beta_b = 0.5 + share + (3 - 2 * share) * np.sqrt((17.2 * matter) ** 2 + 1)
        node = 8.41 * matter**0.435
        x = k * sound
        shifted = x / (1 + (node / x) ** 3) ** (1 / 3)
        baryonic = pressureless(1.0, 1.0) / (1 + (x / 5.2) ** 2)
        baryonic += alpha_b / (1 + (beta_b / x) ** 3) * np.exp(-((k / silk) ** 1.4))
        baryonic *= np.sinc(shifted / np.pi)
        return np.asarray(share * baryonic + (1 - share) * cold)
