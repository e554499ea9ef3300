"""A tiny data set and everything that a training needs."""

from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from firstlight.core.dataset import Images
from firstlight.core.run_folder import create_run
from firstlight.core.settings import TrainSettings
from firstlight.models.backend import import_keras
from firstlight.training import Machine, Training, lower

keras = import_keras()
MACHINE = Machine(torch.device("cpu"), "float32", 1)
SETTINGS = {
    "epochs": 2,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "schedule": "one-cycle",
    "loss": "categorical_crossentropy",
    "metric": "accuracy",
    "augment": "none",
}


def striped(count=100, size=8, seed=0):
    """Images whose class is the row, of four, that is bright."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 4, count)
    images = generator.integers(0, 100, (count, size, size, 1)).astype("uint8")
    images[np.arange(count), 2 * targets] += 150
    names = np.array([f"image {number}" for number in range(count)])
    return Images(images, targets, names)


def small_model():
    layers = keras.layers
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


@pytest.fixture
def make_training(tmp_path):
    """Makes trainings of `small_model` on `striped` images, each in a run folder of its own."""
    opened = ExitStack()

    def make(model=None, images=None, folder=None, listener=None, **settings):
        torch.set_num_threads(1)
        model = model or small_model()
        folder = folder or create_run(tmp_path, None, "run", {})
        training = Training(
            lower(model),
            images or striped(),
            TrainSettings(**(SETTINGS | settings)),
            folder,
            opened.enter_context(folder.log(listener)),
            lambda predict: {"loss": 0.5},
            MACHINE,
        )
        return SimpleNamespace(training=training, model=model, folder=folder)

    with opened:
        yield make
