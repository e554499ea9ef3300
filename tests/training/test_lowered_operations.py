"""Parity with Keras for operations on tensors: slices, splits, sums, products."""

import numpy as np
import pytest
import torch
from parity import IMAGE, answer, keras_answer, pictures

from firstlight.models.backend import import_keras
from firstlight.training.lowering import lower

keras = import_keras()
L = keras.layers


def test_operations_on_tensors_and_numbers():
    image = keras.Input(IMAGE)
    row = L.GlobalAveragePooling2D()(image)
    gate = keras.ops.relu(image * 0.5 + 1.0) / 3.0 - row
    model = keras.Model(image, keras.ops.maximum(2.0 - gate, image) * keras.ops.sigmoid(image))
    network = lower(model)
    assert network.in_keras == []
    images = pictures(IMAGE, count=1)
    np.testing.assert_allclose(
        answer(network, images), keras_answer(model, images), rtol=1e-4, atol=1e-5
    )


O = keras.ops  # noqa: E741


OPERATIONS_ON_IMAGES = {
    "slice": lambda x: x[:, 1:-1, ::2, 1:3],
    "slice with ellipsis": lambda x: x[..., 0],
    "slice with new axis": lambda x: x[:, 0, None],
    "split": lambda x: O.split(x, 3, axis=-1),
    "one of a split": lambda x: O.split(x, 3, axis=-1)[0] * 2.0,
    "uneven split": lambda x: O.split(x, (2, 5), axis=1)[2],
    "unstack": lambda x: O.unstack(x, axis=3)[1:3],
    "stack": lambda x: O.stack([x[:, 0], x[:, 1]], axis=-1),
    "reshape": lambda x: O.reshape(x, (-1, 6, 132)),
    "transpose": lambda x: O.transpose(x, (0, 3, 1, 2)),
    "swap axes": lambda x: O.swapaxes(x, 1, -1),
    "move axis": lambda x: O.moveaxis(x, 3, 1),
    "expand": lambda x: O.expand_dims(O.mean(x, axis=1), 1),
    "squeeze": lambda x: O.squeeze(x[:, :1], 1),
    "flip": lambda x: O.flip(x, axis=2),
    "mean": lambda x: O.mean(x, axis=(1, 2)),
    "mean of all": lambda x: O.mean(x, axis=None, keepdims=True) + x,
    "sum": lambda x: O.sum(x, axis=-1, keepdims=True),
    "max": lambda x: O.max(x, axis=1),
    "min": lambda x: O.min(x, axis=(1, 3)),
    "variance": lambda x: O.var(x, axis=(1, 2)),
    "standard deviation": lambda x: O.std(x, axis=3, keepdims=True),
    "concatenate": lambda x: O.concatenate([x, x * 2.0], axis=2),
    "pad": lambda x: O.pad(x, ((0, 0), (1, 2), (0, 3), (1, 0))),
    "pad with a number": lambda x: O.pad(x, ((0, 0), (1, 2), (0, 0), (0, 0)), constant_values=2.0),
    "matrix product": lambda x: O.matmul(x, O.transpose(x, (0, 1, 3, 2))),
    "clip": lambda x: O.clip(x, -0.5, 1.0),
    "leaky": lambda x: O.leaky_relu(x, 0.3),
    "softmax": lambda x: O.softmax(x, axis=1),
    "gelu": O.gelu,
    "log": lambda x: O.log(O.abs(x) + 1.0),
}


@pytest.mark.parametrize("name", OPERATIONS_ON_IMAGES)
def test_operation_answers_as_keras(name):
    image = keras.Input(IMAGE)
    model = keras.Model(image, OPERATIONS_ON_IMAGES[name](image))
    network = lower(model).eval()
    assert network.in_keras == []
    images = pictures(IMAGE)
    ours, theirs = network(torch.from_numpy(images)), model(images)
    ours, theirs = ([x] if isinstance(x, torch.Tensor) else list(x) for x in (ours, theirs))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x: O.cumsum(x, axis=1) + 1.0, "is an operation that has no lowering"),
        (
            lambda x: x * np.arange(6, dtype="float32"),
            "takes something other than tensors and numbers",
        ),
    ],
)
def test_an_operation_without_lowering_runs_as_keras_own(change, reason):
    image = keras.Input(IMAGE)
    model = keras.Model(image, change(image))
    network = lower(model)
    assert [line.split(") ")[1] for line in network.in_keras] == [reason]
    images = pictures(IMAGE)
    np.testing.assert_allclose(
        answer(network, images), keras_answer(model, images), rtol=1e-4, atol=1e-5
    )
