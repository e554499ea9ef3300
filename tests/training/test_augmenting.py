"""Changes to training images, against NumPy and SciPy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from firstlight.core.errors import SettingError
from firstlight.training.augmenting import Augmentation, noise_unit, warped
from firstlight.training.batches import Batches

CPU = torch.device("cpu")
GENERATOR = np.random.default_rng(5)


def noisy(count, size=(8, 8), channels=1, dtype="uint8"):
    """Images in which no two pixels of one image are equal."""
    pixels = size[0] * size[1] * channels
    stacked = np.stack([GENERATOR.permutation(pixels) for _ in range(count)])
    return stacked.reshape(count, *size, channels).astype(dtype)


def changed(images, text, seed=3, epoch=0):
    """One batch of all images in their own order: what it was made from, and what came out."""
    batches = Batches(
        images, np.zeros(len(images), np.int64), len(images), seed, Augmentation.parse(text), CPU
    )
    batches.start_epoch(epoch)
    return images[batches.rows(0).numpy()], batches.batch(epoch, 0)[0][0]


def shifted(image):
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    return {(y, x): padded[y : y + height, x : x + width] for y in range(5) for x in range(5)}


def rolled(image):
    return {
        (y, x): np.roll(image, (y, x), axis=(0, 1))
        for y in range(image.shape[0])
        for x in range(image.shape[1])
    }


def turned(image):
    angles = range(4) if image.shape[0] == image.shape[1] else (0, 2)
    return {quarters: np.rot90(image, quarters) for quarters in angles}


def flipped(image):
    return {"no": image, "across": image[:, ::-1]}


def flipped_both(image):
    return {(y, x): image[::y, ::x] for y in (1, -1) for x in (1, -1)}


def shifted_and_flipped(image):
    return {
        (place, name): each
        for place, moved in shifted(image).items()
        for name, each in flipped(moved).items()
    }


@pytest.mark.parametrize(
    ("size", "channels", "dtype"),
    [((8, 8), 1, "uint8"), ((5, 7), 3, "uint16"), ((6, 6), 2, "float32")],
)
@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("shift:2", shifted),
        ("roll", rolled),
        ("turn", turned),
        ("flip", flipped),
        ("flip:both", flipped_both),
        ("shift:2,flip", shifted_and_flipped),
    ],
)
def test_whole_pixels_are_moved_exactly_and_every_way_as_often(
    text, outcomes, size, channels, dtype
):
    before, after = changed(noisy(600, size, channels, dtype), text)
    assert after.numpy().dtype == np.dtype(dtype)
    ways = list(outcomes(before[0]))
    counts = dict.fromkeys(ways, 0)
    for image, result in zip(before, after.numpy(), strict=True):
        found = [key for key, each in outcomes(image).items() if np.array_equal(each, result)]
        assert len(found) == 1
        counts[found[0]] += 1
    expected = 600 / len(ways)
    # A count of chance has this standard deviation at most; six of them never happen.
    assert all(abs(count - expected) < 6 * expected**0.5 for count in counts.values())


def by_scipy(image, degrees, scale, down, right, mode):
    """The same from SciPy's spline of order 1, one channel after the other."""
    angle = np.deg2rad(degrees)
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / scale
    middle = (np.array(image.shape[:2]) - 1) / 2
    offset = middle - back @ (middle - np.array([down, right]))
    channels = [
        ndimage.affine_transform(plane, back, offset, order=1, mode=mode)
        for plane in np.moveaxis(image.astype(float), -1, 0)
    ]
    return np.stack(channels, axis=-1)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("size", [(9, 9), (7, 12)])
def test_rotation_zoom_and_shift_are_one_bilinear_interpolation(size, periodic):
    images = noisy(6, size, channels=2)
    degrees = torch.tensor([[0.0], [17.0], [-120.0], [5.0], [90.0], [33.0]])
    scales = torch.tensor([[1.0], [1.0], [1.0], [1.3], [0.6], [0.8]])
    down = torch.tensor([[0], [0], [2], [-1], [0], [3]])
    right = torch.tensor([[0], [0], [-3], [0], [1], [2]])
    got = warped(torch.from_numpy(images), degrees, scales, down, right, periodic)
    assert got.dtype == torch.float32
    for number, image in enumerate(images):
        drawn = [float(each[number]) for each in (degrees, scales, down, right)]
        expected = by_scipy(image, *drawn, "grid-wrap" if periodic else "nearest")
        np.testing.assert_allclose(got[number].numpy(), expected, atol=2e-3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_right_angles_come_out_as_numpy_has_them_and_scipy_too(quarters):
    image = noisy(1, (10, 10))[0]
    still, one = torch.zeros(1, 1), torch.ones(1, 1)
    got = warped(torch.from_numpy(image)[None], 90.0 * quarters * one, one, still, still)
    np.testing.assert_allclose(got[0].numpy(), np.rot90(image, quarters), atol=1e-3)
    theirs = ndimage.rotate(image.astype(float), 90 * quarters, order=1, reshape=False)
    np.testing.assert_allclose(got[0].numpy(), theirs, atol=1e-3)


def spot(y, x, spread=1.5, size=41):
    """A round spot, `(size, size)`."""
    rows, columns = np.mgrid[:size, :size]
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * spread**2))


def centres(images):
    """`(N, 2)`: where the light of each image is in the mean, row and column."""
    rows, columns = np.mgrid[: images.shape[1], : images.shape[2]]
    light = images[..., 0] / images[..., 0].sum(axis=(1, 2), keepdims=True)
    return np.stack([(light * rows).sum((1, 2)), (light * columns).sum((1, 2))], axis=1)


def assert_uniform(drawn, low, high):
    """Between low and high with the mean and the spread of a uniform distribution."""
    assert drawn.min() >= low - 0.01 * (high - low)
    assert drawn.max() <= high + 0.01 * (high - low)
    spread = (high - low) / 12**0.5
    assert drawn.mean() == pytest.approx((low + high) / 2, abs=5 * spread / len(drawn) ** 0.5)
    assert drawn.std() == pytest.approx(spread, rel=0.1)


def many(image, count=2000):
    return np.repeat(image[None, :, :, None].astype("float32"), count, axis=0)


def test_angles_are_drawn_evenly_to_both_sides():
    _, after = changed(many(spot(20, 30)), "rotate:25")
    found = centres(after.numpy()) - 20
    assert_uniform(np.rad2deg(np.arctan2(-found[:, 0], found[:, 1])), -25, 25)
    assert np.hypot(*found.T) == pytest.approx(10, abs=0.05)


def test_sizes_are_drawn_evenly_larger_and_smaller():
    _, after = changed(many(spot(20, 30)), "zoom:0.2")
    found = centres(after.numpy()) - 20
    assert_uniform(found[:, 1] / 10, 0.8, 1.2)
    assert found[:, 0] == pytest.approx(0, abs=0.02)


def test_a_shift_beside_a_rotation_is_by_whole_pixels_too():
    _, after = changed(many(spot(20, 20)), "shift:2,flip,rotate:5")
    found = centres(after.numpy()) - 20
    # Around the middle of the image the rotation comes first, so the spot stays at whole pixels.
    np.testing.assert_allclose(found, found.round(), atol=0.3)
    seen, counts = np.unique(found.round(), axis=0, return_counts=True)
    assert len(seen) == 25
    assert np.abs(seen).max() == 2
    assert counts.min() > 2000 / 25 - 6 * (2000 / 25) ** 0.5


def test_noise_is_a_share_of_the_range_of_whole_numbers():
    for dtype, largest in (("uint8", 255), ("uint16", 65535)):
        before, after = changed(noisy(500, dtype=dtype), "noise:0.05")
        drawn = after.numpy() - before
        assert after.dtype == torch.float32
        assert drawn.std() == pytest.approx(0.05 * largest, rel=0.02)
        assert abs(drawn.mean()) < 5 * 0.05 * largest / drawn.size**0.5
        # Neighbours know nothing of each other.
        assert abs(np.corrcoef(drawn[:, :, 1:].ravel(), drawn[:, :, :-1].ravel())[0, 1]) < 0.03


def test_noise_is_a_share_of_the_spread_of_each_channel_of_floats():
    images = GENERATOR.normal([3.0, -2e4], [0.1, 500.0], (400, 8, 8, 2)).astype("float32")
    spread = images.std(axis=(0, 1, 2), dtype=np.float64)
    np.testing.assert_allclose(noise_unit(images).numpy(), spread, rtol=1e-5)
    before, after = changed(images, "noise:0.2")
    np.testing.assert_allclose(
        (after.numpy() - before).std(axis=(0, 1, 2)), 0.2 * spread, rtol=0.03
    )


EVERYTHING = "shift:1,flip:both,turn,rotate:10,zoom:0.1,noise:0.05"


def test_each_word_alone_is_what_it_is_together():
    whole = Augmentation.parse(EVERYTHING + ",roll")
    assert whole == Augmentation(1, True, True, True, True, 10.0, 0.1, 0.05)
    assert Augmentation.parse(" flip , shift:3") == Augmentation(shift=3, flip=True)
    assert not Augmentation.parse("none")
    assert not Augmentation.parse(None)


@pytest.mark.parametrize("text", [EVERYTHING, "roll,zoom:0.5", "shift:1,flip"])
def test_a_batch_depends_on_seed_epoch_and_position_alone(text):
    images = np.repeat(noisy(1), 96, axis=0)  # only what is drawn can differ

    def batch(seed, epoch, position, first=()):
        made = Batches(images, np.arange(96), 32, seed, Augmentation.parse(text), CPU)
        made.start_epoch(epoch)
        for number in first:
            made.batch(epoch, number)
        return made.batch(epoch, position)[0][0]

    straight = batch(3, 1, 2, first=(0, 1))
    assert torch.equal(straight, batch(3, 1, 2))
    for other in (batch(4, 1, 2), batch(3, 0, 2), batch(3, 1, 1)):
        assert not torch.equal(straight, other)


@pytest.mark.parametrize("text", ["shift:2,flip", "rotate:20", "none"])
def test_what_take_gives_is_what_is_changed(text):
    class Negatives(Batches):
        def take(self, rows):
            return 255 - super().take(rows)

    images, change = noisy(40), Augmentation.parse(text)
    made = [kind(images, np.arange(40), 16, 0, change, CPU) for kind in (Batches, Negatives)]
    for batches in made:
        batches.start_epoch(0)
    one, other = (batches.batch(0, 1) for batches in made)
    np.testing.assert_allclose(255 - one[0][0].numpy(), other[0][0].numpy(), atol=1e-3)
    assert torch.equal(one[1], other[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shift", "--augment takes shift:PIXELS, rotate:DEGREES, .* but 'shift' came"),
        ("shift:-1", "'shift:-1' came: write for example shift:1,flip"),
        ("shift:1.5", "'shift:1.5' came"),
        ("shift:1;flip", "'shift:1;flip' came"),
        ("turn:3", "'turn:3' came"),
        ("flip:left", "'flip:left' came"),
        ("rotate:nan", "'rotate:nan' came"),
        ("rotate:200", "--augment rotate takes 180 or less, but 200 came"),
        ("zoom:1", r"--augment zoom takes 0\.9 or less, but 1 came"),
        ("", "'' came"),
    ],
)
def test_unknown_augmentations_are_refused(text, words):
    with pytest.raises(SettingError, match=words):
        Augmentation.parse(text + ",flip")
