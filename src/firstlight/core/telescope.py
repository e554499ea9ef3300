"""Telescopes: what stands between the sky and a map of it, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firstlight.core.errors import SettingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# White noise of one strength at every redshift, or a strength for each of several redshifts.
Noise = float | tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Telescope:
    """How a map of the sky is blurred and what noise is added to it.

    A radio interferometer does not see the mean of a map, so that is always taken away.

    Attributes:
        name: what it is called.
        beam: standard deviation of a Gaussian beam in Mpc; 0: none.
        disc: radius in Mpc of a disc over which the sky is averaged instead; 0: none.
        noise: spread of the noise in mK a pixel: a number, or `(redshift, spread)` pairs between
            which it is interpolated.
        blurred: whether the noise is as smooth as the beam, as it is where a map is made from
            what an interferometer measures; its spread is that after the blurring.
        pixel: length of a pixel in Mpc.
    """

    name: str
    beam: float = 0.0
    disc: float = 0.0
    noise: Noise = 0.0
    blurred: bool = False
    pixel: float = 2.0

    def spread(self, redshifts: NDArray[np.floating]) -> NDArray[np.float32]:
        """The spread of the noise in mK of maps at these redshifts."""
        import numpy as np

        if isinstance(self.noise, tuple):
            known = sorted(self.noise)
            spread = np.interp(redshifts, [z for z, _ in known], [value for _, value in known])
        else:
            spread = np.full(np.shape(redshifts), self.noise)
        return np.asarray(spread, np.float32)


# The noise of `hard` is about that of 1000 hours with SKA-Low, by redshift.
TELESCOPES = {
    telescope.name: telescope
    for telescope in (
        Telescope("clean"),
        Telescope("standard", beam=4.0, noise=3.0),
        Telescope(
            "hard",
            beam=8.0,
            noise=((7.0, 1.4), (8.0, 1.9), (9.0, 2.6), (10.0, 3.5)),
            blurred=True,
        ),
        Telescope("shift", disc=8.0, noise=3.0),
    )
}


REDSHIFT = "z"  # the column that tells it


def needs_redshift(name: str) -> bool:
    """Whether a telescope's noise depends on the redshift of what it looks at."""
    return isinstance(TELESCOPES[name].noise, tuple)


def telescope_of(name: str, pixel: float | None = None) -> Telescope:
    """A telescope by name, for maps with pixels of this length in Mpc (None: 2).

    Raises:
        SettingError: there is none of that name.

    Example:
        >>> telescope_of("standard").beam
        4.0
    """
    if name not in TELESCOPES:
        raise SettingError(
            f"--telescope takes one of {', '.join(TELESCOPES)}, but {name!r} came: choose one."
        )
    return replace(TELESCOPES[name], pixel=pixel or Telescope.pixel)
