"""Simple numbers that describe an image: its mean, its spread and its power spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight.core.stored import ImageArray, StoredImages, blocks_of

BLOCK = 4 << 20  # bytes of images that are worked on at once
BINS = 10
LEAST_POWER = 1e-30  # an even image has none, and no logarithm


class PowerSpectrum(NamedTuple):
    """The power of images by scale.

    Attributes:
        wave_number: `(B,)` mean of each bin, in cycles a pixel.
        modes: `(B,)` how many Fourier modes lie in each bin.
        power: `(N, B, C)` their mean power: that of white noise is its variance, and power times
            modes adds up to the sum of squared deviations from the image's mean (Parseval).
    """

    wave_number: NDArray[np.float64]
    modes: NDArray[np.int64]
    power: NDArray[np.float64]


def power_spectrum(
    images: NDArray[np.floating] | NDArray[np.integer], size: tuple[int, int] | None = None
) -> PowerSpectrum:
    """Power spectra of images, averaged over all directions.

    |Fourier transform|^2 over the number of pixels, in ten bins of wave number that are even in
    its logarithm, from one cycle an image to the corner of the Fourier plane; bins without a mode
    are left out (Press et al. 2007, Numerical Recipes, section 13.4). No window is laid over the
    image.

    Args:
        images: `(N, H, W, C)`, of any type of number.
        size: `(H, W)` of images whose bins are used; None: of these. Scales that do not fit into
            an image of that size are left out, and the power of a bin is NaN where images smaller
            than that have no mode in it.

    Returns:
        The power of each image and channel.

    Example:
        >>> wave = np.cos(2 * np.pi * np.arange(32) / 8)  # 1 / 8 cycle a pixel
        >>> found = power_spectrum(np.tile(wave, (32, 1))[None, :, :, None])
        >>> strongest = found.power[0, :, 0].argmax()
        >>> f"{found.wave_number[strongest]:.2f}", (found.power > 1e-9).sum().item()
        ('0.13', 1)
    """
    count, height, width, channels = images.shape
    index, modes, wave_number = _rings((height, width), size or (height, width))
    # Taken away first: a large mean would drown small powers in rounding.
    values = images - images.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    # Not SciPy's, which is as exact: importing it takes longer than this.
    transform = np.fft.rfft2(values.transpose(0, 3, 1, 2).reshape(-1, height, width))
    squared = (np.abs(transform) ** 2 / (height * width)).reshape(count * channels, -1)
    # Half of the plane holds what the other half repeats.
    squared *= _times(height, width).ravel()
    # The bins of all images one behind the other.
    bins = len(modes) + 1
    places = np.arange(len(squared))[:, None] * bins + index
    sums = np.bincount(places.ravel(), squared.ravel(), minlength=len(squared) * bins)
    sums = sums.reshape(-1, bins)[:, 1:]
    with np.errstate(invalid="ignore"):
        power = np.reshape(sums, (count, channels, len(modes))) / modes
    return PowerSpectrum(wave_number, modes, power.transpose(0, 2, 1))


def simple_features(
    images: ImageArray,
    columns: Mapping[str, NDArray[np.floating]] | None = None,
    size: tuple[int, int] | None = None,
) -> NDArray[np.float64]:
    """Mean, standard deviation and logarithm of the power spectrum of each image and channel.

    Args:
        images: `(N, H, W, C)`, in memory or on disk; read a block at a time.
        columns: `(N,)` each, other numbers known of the images, put behind.
        size: `(H, W)` of the images that these are held against; None: their own. Only scales
            that both have count then: images of another size, but of the same kind, have features
            like theirs, and where they are smaller some are NaN.

    Returns:
        `(N, F)`: C means, C deviations, up to 10 C powers (base 10), then the columns.

    Example:
        >>> random = np.random.default_rng(0)
        >>> images = random.normal(5, 2, (3, 16, 16, 1))
        >>> simple_features(images, {"z": np.array([7.0, 8.0, 9.0])}).shape
        (3, 13)
    """
    order = images.disk_order() if isinstance(images, StoredImages) else np.arange(len(images))
    described = np.concatenate([_describe(block, size) for block in blocks_of(images, BLOCK)])
    features = np.empty_like(described)
    features[order] = described
    return np.column_stack([features, *(columns or {}).values()])


def _describe(
    images: NDArray[np.floating] | NDArray[np.integer], size: tuple[int, int] | None
) -> NDArray[np.float64]:
    """The features of one block, `(N, F)`."""
    own = images.shape[1:3]
    _, modes, power = power_spectrum(images, size)
    if size in (None, own):
        spread = images.std(axis=(1, 2), dtype=np.float64)
    else:
        # Without the scales that images of that size have no room for (Parseval).
        spread = np.sqrt(np.einsum("nbc,b->nc", power, modes) / np.prod(own))
    parts = (
        images.mean(axis=(1, 2), dtype=np.float64),
        spread,
        np.log10(np.maximum(power, LEAST_POWER)).reshape(len(images), -1),
    )
    return np.concatenate(parts, axis=1)


def _times(height: int, width: int) -> NDArray[np.int64]:
    """How often each mode of the half plane `(H, W // 2 + 1)` stands in the whole one."""
    times = np.full((height, width // 2 + 1), 2)
    times[:, 0] = 1
    if width % 2 == 0:
        times[:, -1] = 1
    return times


def _rings(
    shape: tuple[int, int], size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The bin of each mode of the half plane (0: it is in none), and each bin's modes.

    The bins are those of images of `size` that have a mode.
    """
    theirs, ours = _wave_numbers(*size), _wave_numbers(*shape)
    least = 1 / max(size)
    edges = np.geomspace(least, theirs.max() or 1, BINS + 1)

    def places(wave_number: NDArray[np.float64]) -> NDArray[np.int64]:
        # The ends belong to it, whatever rounding did to them.
        found = np.searchsorted(edges[1:-1] * (1 + 1e-9), wave_number) + 1
        return np.where(wave_number < least * (1 - 1e-9), 0, found)

    filled = np.unique(np.append(0, places(theirs)))
    index = places(ours)
    index = np.where(np.isin(index, filled), np.searchsorted(filled, index), 0)
    times = _times(*shape).ravel()
    modes = np.bincount(index, times, minlength=len(filled))[1:].astype(np.int64)
    with np.errstate(invalid="ignore"):
        means = np.bincount(index, times * ours, minlength=len(filled))[1:] / modes
    return index, modes, means


def _wave_numbers(height: int, width: int) -> NDArray[np.float64]:
    """Cycles a pixel of each mode of the half plane, laid out flat."""
    return np.hypot(np.fft.rfftfreq(width), np.fft.fftfreq(height)[:, None]).ravel()
