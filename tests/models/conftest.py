"""Models that several tests of this room look at, each made once."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from made_archives import Members

from firstlight.models import build_model, import_keras, save_model

Shape = tuple[int, int, int]
MNIST: Shape = (28, 28, 1)

NOTEBOOK = """
class tf:
    import keras


def make_model_simple(num_classes, input_shape):
    model = tf.keras.Sequential()
    model.add(tf.keras.layers.Conv2D(8, kernel_size=(16, 16), activation="relu",
                                     input_shape=input_shape))
    model.add(tf.keras.layers.Flatten())
    model.add(tf.keras.layers.Dense(num_classes, activation="softmax"))
    return model


def make_model_intermediate(num_classes, input_shape):
    model = tf.keras.Sequential()
    model.add(tf.keras.layers.Conv2D(16, kernel_size=(5, 5), activation="relu",
                                     input_shape=input_shape))
    model.add(tf.keras.layers.MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))
    model.add(tf.keras.layers.Dense(num_classes, activation="softmax"))
    return model


def make_model_twins(output=1, l_rate=0.01):
    initializer = tf.keras.initializers.GlorotNormal()
    model = tf.keras.Sequential()
    model.add(tf.keras.layers.Flatten())
    for _ in range(3):
        model.add(tf.keras.layers.Dense(16, kernel_initializer=initializer, activation="relu"))
    model.add(tf.keras.layers.Dense(output, kernel_initializer=initializer))
    model.compile(loss="mean_squared_error",
                  optimizer=tf.keras.optimizers.Adam(learning_rate=l_rate))
    return model
"""


@pytest.fixture(scope="session")
def keras() -> Any:
    return import_keras()


@pytest.fixture(scope="session")
def simple() -> Any:
    return build_model("simple", MNIST, 10, "classify")


@pytest.fixture(scope="session")
def residual() -> Any:
    return build_model("residual", (32, 32, 3), 4, "classify")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A net.py with functions as the teaching notebook writes them."""
    path = tmp_path / "net.py"
    path.write_text(re.sub(r"\n\s{30,}", " ", NOTEBOOK))
    return path


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory, simple: Any) -> Members:
    """The files inside a sound archive."""
    path = tmp_path_factory.mktemp("archives") / "model.keras"
    save_model(simple, path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
