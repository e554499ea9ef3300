"""What a radio telescope would see of neutral hydrogen, before any telescope."""

from __future__ import annotations

import numpy as np

from firstlight.simulation.cosmology import Cosmology
from firstlight.simulation.fields import Field


def brightness_temperature(
    density: Field, neutral: Field, redshift: float, cosmology: Cosmology
) -> Field:
    """The brightness of the 21 cm line against the microwave background, in mK.

    The spin temperature is taken to be far above that of the background, and velocities are left
    out. Source: Furlanetto, Oh & Briggs 2006 (Physics Reports 433, 181), equation 21.

    Args:
        density: density contrast of each cell.
        neutral: neutral fraction of each cell, 0 to 1.
        redshift: of the box.
        cosmology: shares of matter and baryons.

    Example:
        >>> even = np.zeros((1, 1, 1), np.float32)
        >>> round(float(brightness_temperature(even, even + 1, 9.0, Cosmology()).mean()), 1)
        27.1
    """
    matter, baryons = (
        share * cosmology.hubble**2 for share in (cosmology.matter, cosmology.baryons)
    )
    scale = 27 * baryons / 0.023 * np.sqrt(0.15 / matter * (1 + redshift) / 10)
    return np.asarray(scale * neutral * (1 + density), np.float32)
