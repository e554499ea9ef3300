"""Changes to training images as Keras layers."""

from __future__ import annotations

import numpy as np

from firstlight.deliver.values import value_code
from firstlight.training.augmenting import Augmentation

ROLL = '''\
class RandomRoll(layers.Layer):
    """Moves each image by any number of pixels; what leaves on one side comes in on the other."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator()

    def call(self, images, training=False):
        if not training:
            return images
        count, height, width = keras.ops.shape(images)[:3]
        down = keras.random.randint((count, 1), 0, height, seed=self.seeds)
        right = keras.random.randint((count, 1), 0, width, seed=self.seeds)
        rows = (keras.ops.arange(height) + down) % height
        columns = (keras.ops.arange(width) + right) % width
        images = keras.ops.take_along_axis(images, rows[:, :, None, None], axis=1)
        return keras.ops.take_along_axis(images, columns[:, None, :, None], axis=2)
'''
TURN = '''\
class RandomTurn(layers.Layer):
    """Turns each image by {angles} degrees."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator()

    def call(self, images, training=False):
        if not training:
            return images
        count = keras.ops.shape(images)[0]
        drawn = keras.random.randint((count, 1, 1, 1), 0, {choices}, seed=self.seeds)
        turned = images
        for number in range(1, {choices}):
            other = keras.ops.rot90(images, number{half}, axes=(1, 2))
            turned = keras.ops.where(drawn == number, other, turned)
        return turned
'''
NOISE = '''\
class RandomNoise(layers.Layer):
    """Adds normal noise; its standard deviation is one number, or one for each channel."""

    def __init__(self, stddev):
        super().__init__()
        self.stddev = np.array(stddev, "float32")
        self.seeds = keras.random.SeedGenerator()

    def call(self, images, training=False):
        if not training:
            return images
        noise = keras.random.normal(keras.ops.shape(images), seed=self.seeds)
        return images + keras.ops.multiply(noise, self.stddev)
'''


def augmentation_code(
    change: Augmentation, image_shape: tuple[int, int, int], noise_unit: float | list[float]
) -> tuple[list[str], list[str], list[str]]:
    """The layers that change training images as `--augment` does.

    Args:
        change: what may be changed.
        image_shape: `(H, W, C)`.
        noise_unit: what the noise is a share of, in the unit of the pixels; a list where each
            channel has its own.

    Returns:
        Classes that the layers need, the layers, and what they do otherwise, a sentence each.

    Example:
        >>> augmentation_code(Augmentation(flip=True), (28, 28, 1), 255.0)
        ([], ['layers.RandomFlip("horizontal")'], [])
    """
    height, width, _ = image_shape
    classes, made, notes = [], [], []
    if change.turn:
        square = height == width
        words = {"angles": "0, 90, 180 or 270", "choices": "4", "half": ""}
        if not square:
            words = {"angles": "0 or 180", "choices": "2", "half": " * 2"}
        classes.append(TURN.format(**words))
        made.append("RandomTurn()")
    if change.flip:
        made.append('layers.RandomFlip("horizontal")')
    if change.upside_down:
        made.append('layers.RandomFlip("vertical")')
    if change.roll:
        classes.append(ROLL)
        made.append("RandomRoll()")
    elif change.shift:
        # Read at the nearest pixel, half a pixel more makes every whole shift equally likely.
        reach = f"{change.shift + 0.5}"
        made.append(
            f"layers.RandomTranslation({reach} / {height}, {reach} / {width}, "
            'fill_mode="nearest", interpolation="nearest")'
        )
    fill = '"wrap"' if change.roll else '"nearest"'
    if change.rotate:
        made.append(f"layers.RandomRotation({value_code(change.rotate)} / 360, fill_mode={fill})")
    if change.zoom:
        made.append(f"layers.RandomZoom({value_code(change.zoom)}, fill_mode={fill})")
        notes.append(
            "RandomZoom draws the size of what is seen; firstlight draws how large it is shown."
        )
    if (change.rotate or change.zoom) and len(made) > 1:
        notes.append("Each of these layers reads pixels anew; firstlight does it once for all.")
    if change.noise:
        # Keras's GaussianNoise takes at most 1, for pixels between 0 and 1.
        classes.append(NOISE)
        made.append(f"RandomNoise({value_code((change.noise * np.asarray(noise_unit)).tolist())})")
    return classes, made, notes
