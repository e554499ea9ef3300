"""Maps of the sky as a telescope sees them: blurred, with noise, without their mean.

One piece for training, where every epoch has new noise, and for validation and test, where a
seed fixes it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from firstlight.core.telescope import Telescope


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
