"""Every layer of the allowlist: saved, counted, loaded again; and those that stay off it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.models import load_model, save_model
from firstlight.models.allowlist import _LAYERS
from firstlight.models.arithmetic import weights_of

# What a constructor needs, by the beginning of the class's name.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "relu"},
    "ActivityRegularization": {"l2": 0.1},
    "Adaptive": {"output_size": 2},
    "AlphaDropout": {"rate": 0.1},
    "AveragePooling": {"pool_size": 2},
    "CenterCrop": {"height": 4, "width": 4},
    "Conv": {"filters": 3, "kernel_size": 2},
    "Dense": {"units": 3},
    "Depthwise": {"kernel_size": 2, "depth_multiplier": 2},
    "Dot": {"axes": 1},
    "Dropout": {"rate": 0.1},
    "Gaussian": {"rate": 0.1},
    "GaussianNoise": {"stddev": 0.1},
    "GroupNormalization": {"groups": 3},
    "Permute": {"dims": (2, 1, 3)},
    "RandomBrightness": {"factor": 0.1},
    "RandomColorDegeneration": {"factor": 0.1},
    "RandomContrast": {"factor": 0.1},
    "RandomCrop": {"height": 4, "width": 4},
    "RandomHue": {"factor": 0.1},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.1},
    "RandomSaturation": {"factor": 0.1},
    "RandomSharpness": {"factor": 0.1},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomZoom": {"height_factor": 0.1},
    "RepeatVector": {"n": 2},
    "Rescaling": {"scale": 0.1},
    "Reshape": {"target_shape": (-1,)},
    "Resizing": {"height": 4, "width": 4},
    "Separable": {"filters": 3, "kernel_size": 2, "depth_multiplier": 2},
    "Solarization": {"addition_factor": 0.1},
    "SpatialDropout": {"rate": 0.1},
}
SHAPES = {"1D": (8, 3), "3D": (4, 4, 4, 3), "RepeatVector": (3,)}
MERGING = "Add Average Concatenate Dot Maximum Minimum Multiply Subtract".split()


def made(keras: Any, kind: str) -> Any:
    fitting = [name for name in ARGUMENTS if kind.startswith(name)]
    return getattr(keras.layers, kind)(**ARGUMENTS[max(fitting, key=len)] if fitting else {})


@pytest.mark.parametrize("kind", sorted(_LAYERS - {"InputLayer"}))
def test_each_layer_comes_back(tmp_path: Path, keras: Any, kind: str) -> None:
    shape = next((SHAPES[name] for name in SHAPES if name in kind), (8, 8, 3))
    layer = made(keras, kind)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer([inputs, inputs] if kind in MERGING else inputs))
    # Counted before it is built, as a file's weights are.
    counted = weights_of(made(keras, kind), (shape, shape))
    assert counted[0] == layer.count_params()
    save_model(model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert type(loaded.layers[-1]) is type(layer)
    numpy = keras.ops.convert_to_numpy
    for before, after in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(numpy(before), numpy(after))


def test_slices_come_back(tmp_path: Path, keras: Any) -> None:
    image = keras.Input((8, 8, 3))
    save_model(keras.Model(image, image[:, 1:-2, ..., ::2]), tmp_path / "model.keras")
    images = np.arange(2 * 8 * 8 * 3, dtype="float32").reshape(2, 8, 8, 3)
    answers = load_model(tmp_path / "model.keras").predict(images, verbose=0)
    np.testing.assert_array_equal(answers, images[:, 1:-2, ..., ::2])


@pytest.mark.parametrize(
    "kind", "Lambda TFSMLayer TorchModuleWrapper JaxLayer StringLookup TextVectorization".split()
)
def test_layers_that_read_files_or_run_code_stay_off(kind: str) -> None:
    assert kind not in _LAYERS
