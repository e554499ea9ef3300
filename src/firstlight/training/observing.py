"""Maps of the sky as a telescope sees them: blurred, with noise, without their mean.

One piece for training, where every epoch has new noise, and for validation and test, where a
seed fixes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from firstlight.core.dataset import Images
from firstlight.core.errors import SettingError
from firstlight.core.stored import StoredImages
from firstlight.core.telescope import REDSHIFT, Telescope

AT_ONCE = 256  # maps that are observed together


class Observer:
    """A telescope made ready for maps of one size; the sky is periodic.

    Args:
        telescope: beam and noise.
        height: of the maps in pixels.
        width: the same.
        device: where the maps are.
    """

    def __init__(
        self, telescope: Telescope, height: int, width: int, device: torch.device | str = "cpu"
    ) -> None:
        self.telescope = telescope
        self.size = (height, width)
        rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
        k = 2 * math.pi / telescope.pixel * torch.hypot(rows[:, None], columns[None])
        blur = torch.ones_like(k)
        if telescope.beam:
            blur = blur * torch.exp(-((k * telescope.beam) ** 2) / 2)
        if telescope.disc:
            x = k * telescope.disc
            disc = 2 * torch.special.bessel_j1(x) / x
            blur = blur * torch.where(x > 0, disc, torch.ones_like(x))
        self._blur = blur.to(device)
        self._without_mean = blur.clone().to(device)
        self._without_mean[0, 0] = 0
        # What the blur leaves of the variance of white noise; a coefficient of the half spectrum
        # stands for two, but for those of the first and, if there is one, the middle column.
        twice = torch.full((blur.shape[1],), 2.0)
        twice[0] = 1
        if width % 2 == 0:
            twice[-1] = 1
        kept = (blur**2 * twice).sum() / (height * width)
        self._noise_scale = float(1 / kept.sqrt()) if telescope.blurred else 1.0

    def observe(self, maps: Tensor, spread: Tensor, generator: torch.Generator) -> Tensor:
        """What the telescope sees.

        Args:
            maps: `(B, H, W, C)` the sky in mK.
            spread: `(B,)` of the noise in mK.
            generator: of the noise, on the maps' device.

        Returns:
            Maps of the same shape, in mK.
        """
        sky = maps.permute(0, 3, 1, 2).float()
        seen = torch.fft.rfft2(sky) * self._without_mean
        noise = torch.randn(sky.shape, generator=generator, device=sky.device)
        noise = noise * spread[:, None, None, None]
        if self.telescope.blurred:
            seen = seen + torch.fft.rfft2(noise) * (self._blur * self._noise_scale)
            return torch.fft.irfft2(seen, s=self.size).permute(0, 2, 3, 1)
        return (torch.fft.irfft2(seen, s=self.size) + noise).permute(0, 2, 3, 1)


@dataclass(frozen=True)
class View:
    """A telescope over a set of maps.

    Attributes:
        observer: made ready for their size.
        spread: `(N,)` of the noise on each map in mK.
    """

    observer: Observer
    spread: Tensor

    def see(self, maps: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Some of the maps `(B, H, W, C)` as they are seen; `rows` says which they are."""
        spread = self.spread.index_select(0, rows.to(self.spread.device))
        return self.observer.observe(maps, spread, generator)


def view_of(images: Images, telescope: Telescope | None, device: torch.device) -> View | None:
    """The telescope over these maps, or None where there is none.

    Raises:
        SettingError: the images are no maps of floating-point numbers, or kept on disk.
    """
    if telescope is None:
        return None
    if isinstance(images.images, StoredImages):
        raise SettingError(
            "--telescope takes maps in memory, but --memory keeps them on disk: leave one out."
        )
    if images.images.dtype != np.float32:
        raise SettingError(
            "--telescope takes maps of floating-point numbers (in mK), but these images are "
            f"{images.images.dtype}: leave it out."
        )
    height, width = images.images.shape[1:3]
    redshifts = images.columns.get(REDSHIFT, np.zeros(len(images)))
    spread = torch.from_numpy(telescope.spread(redshifts)).to(device)
    return View(Observer(telescope, height, width, device), spread)


def as_seen(images: Images, telescope: Telescope | None, seed: int) -> Images:
    """Maps with one noise each that the seed fixes: for validation, test and pictures.

    Args:
        images: maps of the sky.
        telescope: through which they are seen; None: they are returned as they are.
        seed: of the noise.

    Example:
        >>> names = np.array(["a", "b"])
        >>> maps = Images(np.zeros((2, 4, 4, 1), np.float32), np.zeros((2, 1), np.float32), names)
        >>> seen = as_seen(maps, Telescope("noisy", noise=5.0), seed=0).images
        >>> seen.shape, bool((seen == as_seen(maps, Telescope("noisy", noise=5.0), 0).images).all())
        ((2, 4, 4, 1), True)
        >>> as_seen(maps, None, seed=0) is maps
        True
    """
    view = view_of(images, telescope, torch.device("cpu"))
    if view is None:
        return images
    generator = torch.Generator().manual_seed(seed)
    seen = np.empty_like(images.images)
    for rows in torch.arange(len(images)).split(AT_ONCE):
        maps = torch.from_numpy(images.images[rows.numpy()])
        seen[rows.numpy()] = view.see(maps, rows, generator).numpy()
    return replace(images, images=seen)
