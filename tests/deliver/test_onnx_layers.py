"""Each layer that training lowers, written as ONNX and asked by onnxruntime, against Keras."""

import numpy as np
import onnx
import pytest

from firstlight.core.errors import ModelError
from firstlight.deliver.onnx_file import ask_onnx, to_onnx
from firstlight.models import import_keras

from ..training import test_lowering as lowered  # noqa: TID252
from ..training.test_lowering import keras_answer, pictures, shaken  # noqa: TID252
from ..training.test_lowering_images import CERTAIN, FIXED  # noqa: TID252

keras = import_keras()
L, ops = keras.layers, keras.ops
IMAGE, ROWS = lowered.IMAGE, lowered.ROWS
# What Keras lowers for training and ONNX has no simple way of: see `test_what_is_not_written`.
LEFT_OUT = {
    *("center crop", "center crop, odd", "center crop of small images"),
    *("resizing cropped", "resizing antialias", "glu"),
}
KINDS = {**lowered.LAYERS, **FIXED, **CERTAIN}
LAYERS = [
    *((name, IMAGE, make) for name, make in KINDS.items()),
    *((name, ROWS, make) for name, make in lowered.LAYERS_OF_ROWS.items()),
    ("conv of volumes", (4, 5, 3, 2), lambda: L.Conv3D(3, 2, strides=2, padding="same")),
    ("max of volumes", (4, 5, 3, 2), lambda: L.MaxPooling3D(2, padding="same")),
    ("normalization by sizes", IMAGE, lambda: L.Normalization(axis=(1, 2), **STATISTICS)),
    ("dropout of numbers", (7,), lambda: L.Dropout(0.5)),
    ("repeated", (7,), lambda: L.RepeatVector(3)),
    ("batch norm of numbers", (7,), L.BatchNormalization),
    ("group norm bare", IMAGE, lambda: L.GroupNormalization(2, center=False, scale=False)),
]
LAYERS = [entry for entry in LAYERS if entry[0] not in LEFT_OUT]
STATISTICS = {
    "mean": np.arange(132.0).reshape(12, 11) / 99,
    "variance": np.ones((12, 11)) * 2,
}


def answers(model, arrays, place):
    """What the ONNX file of a model answers."""
    names = [f"input {number}" for number in range(len(arrays))]
    onnx.save(to_onnx(model, names, ["answer"]), place / "model.onnx")
    return ask_onnx(place / "model.onnx", dict(zip(names, arrays, strict=True)))["answer"]


def compare(model, images, place):
    arrays = images if isinstance(images, list) else [images]
    expected = keras_answer(model, images)
    # Sums of a few hundred float32 products, in another order: 1e-5 of the largest.
    size = np.abs(expected[np.isfinite(expected)]).max()
    np.testing.assert_allclose(answers(model, arrays, place), expected, rtol=0, atol=1e-5 * size)


@pytest.mark.parametrize(
    ("shape", "make"), [rest for _, *rest in LAYERS], ids=[f"{n} {len(s)}" for n, s, _ in LAYERS]
)
def test_a_layer_answers_as_keras(shape, make, tmp_path):
    compare(shaken(keras.Sequential([keras.Input(shape), make()])), pictures(shape), tmp_path)
    if len(shape) == 3:
        # Behind a convolution, whose answer lies with its channels first.
        around = [keras.Input(shape), L.Conv2D(6, 1), make(), L.Flatten(), L.Dense(3)]
        compare(shaken(keras.Sequential(around), 0.1), pictures(shape), tmp_path)


MERGES = {
    "add": lambda a, b: L.Add()([a, b]),
    "average of three": lambda a, b: L.Average()([a, b, a]),
    "maximum": lambda a, b: L.Maximum()([a, b]),
    "minimum": lambda a, b: L.Minimum()([a, b]),
    "multiply": lambda a, b: L.Multiply()([a, b]),
    "subtract": lambda a, b: L.Subtract()([a, b]),
    "concatenate": lambda a, b: L.Concatenate()([a, b]),
    "concatenate rows": lambda a, b: L.Concatenate(axis=1)([a, b]),
    "arithmetic": lambda a, b: (2.0 - a) * b / 3.0 + (-a),
    "power": lambda a, b: ops.abs(a) ** 1.5 - ops.square(b),
    "roots and logarithms": lambda a, b: ops.sqrt(ops.exp(a)) + ops.log(ops.absolute(b) + 1.0),
    "arcsinh": lambda a, b: ops.arcsinh(a) + ops.maximum(a, b) * ops.minimum(a, b),
    "curves": lambda a, b: ops.relu(a) + ops.relu6(b) + ops.sigmoid(a) * ops.tanh(b) + ops.silu(a),
    "hard curves": lambda a, b: ops.hard_sigmoid(a) + ops.hard_silu(b) + ops.leaky_relu(a, 0.3),
    "gelu": lambda a, b: ops.gelu(a) + ops.gelu(b, approximate=False) + ops.clip(a, -0.5, 0.7),
    "mean": lambda a, b: a - ops.mean(b, axis=(1, 2), keepdims=True),
    "sums": lambda a, b: ops.sum(a, axis=-1) + ops.max(b, axis=3) - ops.min(a, axis=3),
    "softmax of rows": lambda a, b: ops.softmax(a, axis=1),
    "reshape": lambda a, b: ops.reshape(ops.transpose(a, (0, 3, 1, 2)), (-1, 11, 36)),
    "squeeze": lambda a, b: ops.squeeze(ops.expand_dims(a, 1), 1) + b,
    "matmul": lambda a, b: ops.matmul(a, ops.transpose(b, (0, 1, 3, 2))),
    "slices": lambda a, b: a[:, 1:-1, ::2] + b[:, 2:, :6],
    "one channel": lambda a, b: a[:, :, :, 1] - b[:, -1:, :, 0],
    "joined": lambda a, b: ops.concatenate([a, b], axis=-1),
}


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("name", MERGES)
def test_what_joins_tensors_answers_as_keras(name, channels_first, tmp_path):
    one, other = keras.Input((12, 11, 3)), keras.Input((12, 11, 3))
    # Of two branches one ends with channels first, or both do.
    left = L.Conv2D(3, 1)(one)
    right = L.Conv2D(3, 3, padding="same")(other) if channels_first else other
    model = shaken(keras.Model([one, other], MERGES[name](left, right)))
    compare(model, [pictures((12, 11, 3), seed=k) for k in (1, 2)], tmp_path)


def test_models_in_models_and_shared_layers_answer_as_keras(tmp_path):
    shared = L.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    inner = keras.Sequential([keras.Input((6, 6, 4)), L.BatchNormalization(), L.MaxPooling2D()])
    image = keras.Input((6, 6, 4))
    twice = L.Concatenate()([inner(shared(image)), inner(shared(shared(image)))])
    model = shaken(keras.Model(image, L.Dense(3)(L.Flatten()(twice))))
    compare(model, pictures((6, 6, 4)), tmp_path)
    names = [one.name for one in onnx.load(tmp_path / "model.onnx").graph.initializer]
    assert sum("shared/kernel" in name for name in names) == 1


def test_images_of_any_size_keep_their_sizes_open(tmp_path):
    image = keras.Input((None, None, 2))
    steps = L.Conv2D(4, 3, strides=2, padding="same")(image)
    model = shaken(keras.Model(image, L.GlobalAveragePooling2D()(L.Resizing(8, 6)(steps))))
    compare(model, pictures((9, 14, 2)), tmp_path)
    compare(model, pictures((16, 7, 2)), tmp_path)


class Doubled(L.Layer):
    """A layer of the user's own."""

    def call(self, x):
        return 2 * x


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Doubled, "layer mine (Doubled) is of a kind that is not written as ONNX"),
        (L.CenterCrop, "layer mine (CenterCrop) is of a kind"),
        (L.Softmax, "layer mine (Softmax) is a softmax over an axis other than the last"),
        (L.Dense, "layer mine (Dense) has the activation sparsemax"),
        (L.Conv2D, "layer mine (Conv2D) has channels first"),
        (L.Activation, "layer mine (Activation) computes in float64"),
        (L.UpSampling2D, "layer mine (UpSampling2D) interpolates by bicubic"),
        (L.Resizing, "layer mine (Resizing) resizes with padding, cropping or antialiasing"),
    ],
)
def test_what_is_not_written_is_named(make, reason):
    arguments = {
        "Dense": {"units": 3, "activation": "sparsemax"},
        "Conv2D": {"filters": 3, "kernel_size": 1, "data_format": "channels_first"},
        "CenterCrop": {"height": 3, "width": 3},
        "Resizing": {"height": 3, "width": 3, "antialias": True},
        "Softmax": {"axis": 1},
        "Activation": {"activation": "relu", "dtype": "float64"},
        "UpSampling2D": {"interpolation": "bicubic"},
    }.get(make.__name__, {})
    model = keras.Sequential([keras.Input((4, 4, 2)), make(**arguments, name="mine")])
    with pytest.raises(ModelError) as caught:
        to_onnx(model, ["image"], ["answer"])
    assert str(caught.value).startswith(reason)
    assert "export it as .keras" in str(caught.value)


def test_operations_that_are_not_written_are_named():
    image = keras.Input((4, 4, 2), name="image")
    for answer, reason in (
        (ops.flip(image, 1), "is an operation that is not written as ONNX"),
        (image[..., 0], "picks by something other than numbers and slices"),
        (image[:, ::-1], "counts backwards"),
    ):
        with pytest.raises(ModelError, match=reason):
            to_onnx(keras.Model(image, answer), ["image"], ["answer"])
