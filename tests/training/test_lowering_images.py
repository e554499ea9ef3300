"""Resizing, cropping and the random image layers, against Keras's own.

Random layers are compared twice: with a range of one number, where nothing is left to chance
(pixel by pixel, while training), and with a range, by the mean and the spread of each image's
change over thousands of images.
"""

import numpy as np
import pytest
import torch

from firstlight.models.backend import import_keras
from firstlight.training.lowering import lower

keras = import_keras()
L = keras.layers
IMAGE = (14, 11, 3)

FIXED = {
    "center crop": lambda: L.CenterCrop(7, 6),
    "center crop, odd": lambda: L.CenterCrop(6, 5),
    "center crop of small images": lambda: L.CenterCrop(20, 9),
    "resizing up": lambda: L.Resizing(20, 30),
    "resizing down": lambda: L.Resizing(5, 7),
    "resizing nearest": lambda: L.Resizing(5, 20, interpolation="nearest"),
    "resizing antialias": lambda: L.Resizing(5, 4, antialias=True),
    "resizing cropped": lambda: L.Resizing(8, 8, crop_to_aspect_ratio=True),
}
# Each with a range of one number.
CERTAIN = {
    "rotation": lambda: L.RandomRotation((0.1, 0.1)),
    "rotation constant": lambda: L.RandomRotation(
        (-0.2, -0.2), fill_mode="constant", fill_value=0.7
    ),
    "rotation nearest": lambda: L.RandomRotation((0.07, 0.07), fill_mode="nearest"),
    "translation": lambda: L.RandomTranslation((0.21, 0.21), (-0.33, -0.33)),
    "translation constant": lambda: L.RandomTranslation(
        (-0.21, -0.21), (0.1, 0.1), fill_mode="constant", fill_value=-1.0
    ),
    "zoom": lambda: L.RandomZoom((0.3, 0.3), (-0.2, -0.2)),
    "zoom of both": lambda: L.RandomZoom((-0.3, -0.3), fill_mode="nearest"),
    "brightness": lambda: L.RandomBrightness((0.2, 0.2), value_range=(-1, 2)),
}
RANDOM = {
    "flip": L.RandomFlip,
    "flip horizontal": lambda: L.RandomFlip("horizontal"),
    "flip vertical": lambda: L.RandomFlip("vertical"),
    "rotation": lambda: L.RandomRotation((-0.1, 0.2)),
    "translation": lambda: L.RandomTranslation((-0.3, 0.1), (0.0, 0.4)),
    "zoom": lambda: L.RandomZoom((-0.3, 0.2), (0.0, 0.4)),
    "zoom of both": lambda: L.RandomZoom((-0.3, 0.2)),
    "contrast": lambda: L.RandomContrast((0.7, 0.3), value_range=(-1, 1)),
    "brightness": lambda: L.RandomBrightness((-0.1, 0.3), value_range=(-1, 1)),
}


def pictures(count=6):
    return np.random.default_rng(0).uniform(-1, 1, (count, *IMAGE)).astype("float32")


def both(layer, images, training):
    """What our network and Keras make of the images."""
    model = keras.Sequential([keras.Input(IMAGE), layer])
    network = lower(model).train(training)
    assert network.in_keras == []
    ours = network(torch.from_numpy(images)).numpy()
    return ours, keras.ops.convert_to_numpy(model(images, training=training))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", FIXED)
def test_images_are_resized_and_cut_as_keras_does(name, training):
    ours, theirs = both(FIXED[name](), pictures(), training)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", RANDOM)
def test_random_layers_do_outside_of_training_what_keras_does(name):
    ours, theirs = both(RANDOM[name](), pictures(), False)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CERTAIN)
def test_a_certain_change_is_keras_own_pixel_by_pixel(name):
    images = pictures()
    ours, theirs = both(CERTAIN[name](), images, True)
    assert not np.allclose(ours, images)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", RANDOM)
def test_random_changes_are_distributed_as_keras_own(name):
    """Each pixel's mean and spread over 1,000 copies of one image, within five standard errors."""
    torch.manual_seed(0)
    keras.utils.set_random_seed(1)
    images = np.repeat(pictures(1), 1000, axis=0)
    ours, theirs = both(RANDOM[name](), images, True)
    error = np.maximum(theirs.std(0), 0.02) * np.sqrt(2 / len(ours))
    assert theirs.std(0).max() > 0.05
    assert np.abs((ours.mean(0) - theirs.mean(0)) / error).max() < 5
    moments = [np.mean(x.std(0)) for x in (ours, theirs)]
    assert moments[0] == pytest.approx(moments[1], rel=0.05)


def test_each_image_is_changed_in_its_own_way():
    for name in ("rotation", "translation", "zoom", "contrast", "brightness"):
        ours, _ = both(RANDOM[name](), np.repeat(pictures(1), 5, axis=0), True)
        assert len(np.unique(ours.reshape(5, -1), axis=0)) == 5
