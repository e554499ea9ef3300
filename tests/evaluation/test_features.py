"""Power spectra of waves and noise, Parseval's theorem, and images that are read from disk."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from firstlight.core.stored import StoredImages, shard_name
from firstlight.evaluation import features
from firstlight.evaluation.features import power_spectrum, simple_features


@pytest.fixture
def stored(tmp_path):
    """Seven images on disk in three shards, asked for in another order."""
    images = np.random.default_rng(0).integers(0, 256, (7, 6, 5, 2), dtype=np.uint8)
    for shard in range(3):
        np.save(tmp_path / shard_name(shard), images[3 * shard : 3 * shard + 3])
    rows = np.array([5, 0, 6, 2, 1, 3])
    kept = StoredImages(
        tmp_path, (6, 5, 2), images.dtype, 3, rows, rows.astype(np.uint64), budget=1 << 20
    )
    return kept, images[rows]


@pytest.mark.parametrize("shape", [(32, 32), (24, 31), (31, 24), (7, 64), (1, 9)])
def test_a_pure_wave_has_power_at_its_own_scale_alone(shape):
    height, width = shape
    down, across = np.mgrid[:height, :width]
    turns = (height // 5, 2)  # cycles down and across
    wave = 3 * np.sin(2 * np.pi * (turns[0] * down / height + turns[1] * across / width) + 0.3)
    found = power_spectrum(wave[None, :, :, None])
    power = found.power[0, :, 0]
    own = power > 1e-9
    assert own.sum() == 1
    # Half the squared amplitude in each pixel.
    assert (power * found.modes)[own].item() == pytest.approx(9 / 2 * height * width)
    k = np.hypot(turns[0] / height, turns[1] / width)
    bin_ends = np.geomspace(1 / max(shape), np.hypot(0.5, 0.5) + 1e-9, 11)
    assert abs(np.log(found.wave_number[own].item() / k)) < np.log(bin_ends[1] / bin_ends[0])


def test_white_noise_is_flat_at_its_variance():
    noise = np.random.default_rng(1).normal(100, 3, (200, 32, 32, 1))
    found = power_spectrum(noise)
    error = 9 / np.sqrt(200 * found.modes / 2)  # two modes of a real image are one number
    assert found.power.mean(axis=0)[:, 0] == pytest.approx(np.full(10, 9.0), abs=4 * error.max())
    assert (np.abs(found.power.mean(axis=0)[:, 0] - 9) < 4 * error).all()


@pytest.mark.parametrize(
    "shape", [(8, 8, 1), (9, 8, 3), (8, 9, 2), (9, 9, 1), (1, 1, 1), (200, 3, 1)]
)
def test_power_adds_up_to_the_squared_deviations(shape):
    images = np.random.default_rng(2).gamma(2, 50, (4, *shape))
    found = power_spectrum(images)
    assert found.modes.sum() == shape[0] * shape[1] - 1
    total = np.einsum("nbc,b->nc", found.power, found.modes)
    deviations = images - images.mean(axis=(1, 2), keepdims=True)
    assert total == pytest.approx((deviations**2).sum(axis=(1, 2)))


def test_bins_are_those_of_the_whole_fourier_plane():
    """Held against the full transform, ring by ring; bins without a mode are left out."""
    image = np.random.default_rng(3).normal(size=(10, 14))
    found = power_spectrum(image[None, :, :, None])
    squared = np.abs(np.fft.fft2(image)) ** 2 / 140
    k = np.hypot(np.fft.fftfreq(10)[:, None], np.fft.fftfreq(14))
    edges = np.geomspace(1 / 14, k.max(), 11)
    edges[0], edges[-1] = 1e-6, 1
    rings = [(k > low + 1e-12) & (k <= high + 1e-12) for low, high in pairwise(edges)]
    rings = [ring for ring in rings if ring.any()]
    assert found.modes.tolist() == [ring.sum() for ring in rings]
    assert found.power[0, :, 0] == pytest.approx([squared[ring].mean() for ring in rings])
    assert found.wave_number == pytest.approx([k[ring].mean() for ring in rings])


def test_a_large_mean_does_not_drown_the_power():
    noise = np.random.default_rng(4).integers(0, 3, (1, 16, 16, 1)).astype(np.float64)
    assert power_spectrum(noise + 1e9).power == pytest.approx(power_spectrum(noise).power)
    as_stored = (noise + 60_000).astype(np.uint16)
    assert power_spectrum(as_stored).power == pytest.approx(power_spectrum(noise).power)


def test_features_are_mean_spread_power_and_columns():
    images = np.random.default_rng(5).normal(3, 2, (6, 20, 20, 2)).astype(np.float32)
    z = np.arange(6.0)
    found = simple_features(images, {"z": z, "w": -z})
    power = power_spectrum(images).power
    assert found.shape == (6, 2 + 2 + 20 + 2)
    assert found[:, :2] == pytest.approx(images.mean(axis=(1, 2), dtype=float))
    assert found[:, 2:4] == pytest.approx(images.std(axis=(1, 2), dtype=float))
    assert 10 ** found[:, 4:24] == pytest.approx(power.reshape(6, 20))
    assert np.array_equal(found[:, 24:], np.stack([z, -z], axis=1))


def test_an_even_image_has_finite_features():
    assert np.isfinite(simple_features(np.full((2, 8, 8, 1), 7, np.uint8))).all()


def test_images_on_disk_are_described_in_their_own_order(stored, monkeypatch):
    kept, images = stored
    whole = simple_features(images)
    monkeypatch.setattr(features, "BLOCK", 2 * images[0].nbytes)
    assert np.array_equal(simple_features(kept), whole)
    assert np.array_equal(simple_features(images), whole)


def test_features_in_the_bins_of_another_size():
    """Images of one kind have the same features at every size: here, noise of a known variance."""
    random = np.random.default_rng(4)
    large, small = random.normal(5, 3, (60, 96, 80, 1)), random.normal(5, 3, (400, 32, 32, 1))
    found = power_spectrum(large, size=(32, 32))
    own = power_spectrum(small)
    assert found.power.shape[1:] == own.power.shape[1:]
    wave_number = np.hypot(np.fft.fftfreq(96)[:, None], np.fft.fftfreq(80))
    assert found.modes.sum() == (wave_number > 1 / 32 - 1e-9).sum()
    assert found.power.mean(axis=0) == pytest.approx(np.full((10, 1), 9.0), rel=0.06)
    level, spread = simple_features(large, size=(32, 32))[:, :2].mean(axis=0)
    assert (level, spread) == pytest.approx((5, 3), rel=0.01)


def test_bins_that_images_of_that_size_leave_empty_take_nothing():
    """Counted by hand over whole Fourier planes: 8 x 8 pixels have no mode in some of ten bins."""
    noise = np.random.default_rng(6).normal(size=(1, 40, 40, 1))
    theirs, ours = (np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(size)])) for size in (8, 40))
    edges = np.geomspace(1 / 8, theirs.max(), 11)[1:-1] * (1 + 1e-9)
    bins = [np.digitize(k[k > 1 / 8 - 1e-9], edges) for k in (theirs, ours)]
    assert len(set(bins[0])) < len(set(bins[1])) == 10
    expected = [(bins[1] == number).sum() for number in sorted(set(bins[0]))]
    assert power_spectrum(noise, size=(8, 8)).modes.tolist() == expected


def test_large_scales_count_only_where_both_sizes_have_them():
    """A wave longer than the smaller images is in none of the features of the larger."""
    ramp = np.sin(2 * np.pi * np.arange(96) / 96) * np.ones((96, 1))
    ripple = np.sin(2 * np.pi * np.arange(96) / 8) * np.ones((96, 1))
    both, alone = simple_features(np.stack([5 * ramp + ripple, ripple])[..., None], size=(32, 32))
    assert np.maximum(both, -9) == pytest.approx(np.maximum(alone, -9), abs=1e-6)
    assert alone[1] == pytest.approx(np.sqrt(0.5))


def test_scales_that_a_smaller_image_lacks_are_not_numbers():
    noise = np.random.default_rng(5).normal(size=(2, 16, 16, 1))
    found = simple_features(noise, size=(64, 64))
    assert np.isnan(found).any(axis=1).all()
    assert found.shape == simple_features(np.zeros((2, 64, 64, 1))).shape
    np.testing.assert_array_equal(simple_features(noise, size=(16, 16)), simple_features(noise))
