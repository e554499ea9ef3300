"""Which changes make another network of a network, and which do not."""

from typing import Any

import numpy as np
import pytest

from firstlight.models.identity import architecture_digest


def digest(keras: Any, change: Any, **options: Any) -> str:
    image = keras.Input((6, 6, 2))
    features = keras.layers.Conv2D(4, 3, **options)(change(image))
    return architecture_digest(keras.Model(image, features))


def test_names_weights_and_ways_to_write_do_not_count(keras: Any) -> None:
    one = digest(keras, lambda x: x[:, 1:])
    assert one == digest(
        keras, lambda x: x[:, 1:], name="other", kernel_initializer="glorot_uniform"
    )


@pytest.mark.parametrize(
    ("change", "other"),
    [
        (lambda x: x[:, 1:], lambda x: x[:, 2:]),
        (lambda x: x[:, ::2], lambda x: x[:, ::-2]),
        (lambda x: 2.0 - x, lambda x: x - 2.0),
        (lambda x: x * 2.0, lambda x: x * 3.0),
        (lambda x: x * np.float32([1, 2]), lambda x: x * np.float32([1, 3])),
    ],
)
def test_what_an_operation_gets_counts(keras: Any, change: Any, other: Any) -> None:
    assert digest(keras, change) != digest(keras, other)


def test_settings_count(keras: Any) -> None:
    assert digest(keras, lambda x: x) != digest(keras, lambda x: x, use_bias=False)
