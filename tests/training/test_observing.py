"""Telescopes beside SciPy's filters and the numbers that they promise."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from firstlight.core.dataset import Images
from firstlight.core.errors import SettingError
from firstlight.core.telescope import TELESCOPES, Telescope, telescope_of
from firstlight.training.augmenting import Augmentation
from firstlight.training.batches import Batches
from firstlight.training.observing import Observer, as_seen, view_of

SKY = np.random.default_rng(0).normal(10, 5, (6, 64, 64, 1)).astype("float32")


def seen(telescope, spread=None, seed=0, sky=SKY):
    observer = Observer(telescope, *sky.shape[1:3])
    spread = torch.zeros(len(sky)) if spread is None else torch.as_tensor(spread)
    generator = torch.Generator().manual_seed(seed)
    return observer.observe(torch.from_numpy(sky), spread.float(), generator).numpy()


def test_a_clean_telescope_takes_the_mean_away():
    expected = SKY - SKY.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(seen(TELESCOPES["clean"]), expected, atol=1e-5)


@pytest.mark.parametrize("pixel", [1.0, 2.0])
def test_the_beam_is_scipys_gaussian(pixel):
    ours = seen(Telescope("beam", beam=4.0, pixel=pixel))[..., 0]
    theirs = [
        ndimage.gaussian_filter(one[..., 0], 4.0 / pixel, mode="wrap", truncate=8) for one in SKY
    ]
    theirs = np.array(theirs) - np.mean(theirs, (1, 2), keepdims=True)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_the_disc_averages_over_its_area():
    sky = np.zeros((1, 256, 256, 1), "float32")
    sky[0, 128, 128] = 1
    ours = seen(Telescope("disc", disc=20.0, pixel=1.0), sky=sky)[0, :, :, 0] + 1 / 256**2
    distance = np.hypot(*(np.indices((256, 256)) - 128))
    assert ours[distance < 15].mean() == pytest.approx(1 / (np.pi * 20**2), rel=0.03)
    assert np.abs(ours[distance > 26].mean()) < 0.02 / (np.pi * 20**2)


def test_shift_averages_over_a_disc_of_8_mpc_and_adds_white_noise_of_3_mk():
    """Held against the mean of a wave over points of such a disc, two cells of 2 Mpc at a time."""
    shift = telescope_of("shift")
    x, y = np.mgrid[-8:8:2001j, -8:8:2001j]
    inside = x**2 + y**2 <= 8**2
    for cycles in (3, 8, 13):  # on 64 cells of 2 Mpc
        k = 2 * np.pi * cycles / (64 * 2)
        wave = np.cos(k * 2 * np.arange(64)) * np.ones((64, 1))
        ours = seen(shift, sky=wave[None, :, :, None].astype("float32"))[0, :, :, 0]
        np.testing.assert_allclose(ours, np.cos(k * x[inside]).mean() * wave, atol=1e-3)
    redshifts = np.array([7.0, 8.0, 10.0])
    assert shift.spread(redshifts).tolist() == [3, 3, 3]
    noise = seen(shift, shift.spread(np.full(6, 8.0)), sky=0 * SKY)
    assert noise.std() == pytest.approx(3, rel=0.02)
    assert abs(np.corrcoef(noise[:, :, :-1].ravel(), noise[:, :, 1:].ravel())[0, 1]) < 0.02


def test_noise_has_the_spread_of_each_map():
    spread = np.array([0.0, 1, 2, 3, 4, 5])
    white = seen(Telescope("noise", noise=1.0), spread, sky=0 * SKY)
    np.testing.assert_allclose(white.std((1, 2, 3)), spread, rtol=0.05)
    neighbours = np.corrcoef(white[3, :, :-1].ravel(), white[3, :, 1:].ravel())[0, 1]
    assert abs(neighbours) < 0.05


def test_blurred_noise_keeps_its_spread_and_is_as_smooth_as_the_beam():
    telescope = Telescope("hard", beam=8.0, blurred=True)
    noise = seen(telescope, np.full(200, 2.0), sky=np.zeros((200, 64, 64, 1), "float32"))
    assert noise.std() == pytest.approx(2.0, rel=0.02)
    # The autocorrelation of noise blurred by a Gaussian is a Gaussian, wider by sqrt(2).
    for pixels in (1, 3, 5):
        measured = (noise[:, :, :-pixels] * noise[:, :, pixels:]).mean() / noise.var()
        assert measured == pytest.approx(np.exp(-((2 * pixels) ** 2) / (4 * 8**2)), abs=0.02)


def test_a_seed_fixes_the_noise():
    telescope, spread = TELESCOPES["standard"], np.full(6, 3.0)
    np.testing.assert_array_equal(seen(telescope, spread), seen(telescope, spread))
    assert not np.array_equal(seen(telescope, spread), seen(telescope, spread, seed=1))


def test_noise_by_redshift():
    hard = TELESCOPES["hard"]
    np.testing.assert_allclose(
        hard.spread(np.array([7.0, 8.5, 10.0, 12.0])), [1.4, 2.25, 3.5, 3.5], rtol=1e-6
    )
    assert TELESCOPES["standard"].spread(np.array([7.0, 9.0])).tolist() == [3, 3]


def test_an_unknown_telescope_is_refused():
    with pytest.raises(SettingError, match="--telescope takes one of clean, standard, hard, shift"):
        telescope_of("hubble", 2.0)


CPU = torch.device("cpu")
NAMES = np.array([str(number) for number in range(6)])
MAPS = Images(
    SKY, np.zeros((6, 1), "float32"), NAMES, columns={"z": np.array([7.0] * 3 + [10] * 3)}
)


def observed(augment="none", telescope=TELESCOPES["standard"], seed=5):
    view = view_of(MAPS, telescope, CPU)
    change = Augmentation.parse(augment)
    return Batches(SKY, MAPS.targets, 4, seed, change, CPU, view, np.arange(6.0)[:, None])


def batch(batches, epoch, position=0):
    batches.start_epoch(epoch)
    (images, side), _ = batches.batch(epoch, position)
    return side[:, 0].long().numpy(), images.numpy()


def test_every_epoch_has_noise_of_its_own_and_a_resumed_one_the_same():
    batches = observed()
    noise = []
    for epoch in (0, 1):
        rows, images = batch(batches, epoch)
        by_row = dict(zip(rows, images - seen(Telescope("beam", beam=4.0))[rows], strict=True))
        noise.append(by_row)
        _, again = batch(observed(), epoch)
        np.testing.assert_array_equal(images, again)
    (common, *_) = set(noise[0]) & set(noise[1])
    first, second = noise[0][common], noise[1][common]
    assert first.std() == pytest.approx(3.0, rel=0.05)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


def test_each_map_of_a_batch_has_the_noise_of_its_redshift():
    batches = observed(telescope=TELESCOPES["hard"])
    rows, images = batch(batches, 0)
    noise = images - seen(Telescope("beam", beam=8.0))[rows]
    for row, one in zip(rows, noise, strict=True):
        assert one.std() == pytest.approx(1.4 if row < 3 else 3.5, rel=0.35)


def test_maps_roll_before_the_telescope_sees_them():
    rows, images = batch(observed("roll", Telescope("beam", beam=4.0)), 0)
    blurred = seen(Telescope("beam", beam=4.0))[rows]
    for one, still in zip(images, blurred, strict=True):
        # A rolled map of a periodic sky has the same power at every scale.
        powers = [np.abs(np.fft.fft2(each[..., 0])) for each in (one, still)]
        np.testing.assert_allclose(*powers, atol=1e-2)
        assert np.abs(one - still).max() > 1


def test_maps_for_tests_have_one_noise_that_the_seed_fixes():
    once, again, other = (as_seen(MAPS, TELESCOPES["standard"], seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once.images, again.images)
    assert np.abs(once.images - other.images).max() > 3
    assert as_seen(MAPS, None, 1) is MAPS
    assert MAPS.images is SKY


def test_pictures_of_whole_numbers_are_no_maps():
    photos = Images(SKY.astype("uint8"), MAPS.targets, NAMES)
    with pytest.raises(SettingError, match="maps of floating-point numbers"):
        view_of(photos, TELESCOPES["clean"], CPU)
