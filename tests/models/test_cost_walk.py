"""The walk's numbers against published ones, against Keras's own counts, and against hand sums."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.models import build_layers, walk, walk_layers
from firstlight.models.layers import LAYERS

NEEDED: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "tanh"},
    "AveragePooling2D": {"pool_size": [3, 2]},
    "Conv2D": {"filters": 6, "kernel_size": [3, 2], "strides": 2, "groups": 2, "use_bias": False},
    "Conv2DTranspose": {"filters": 6, "kernel_size": 3, "strides": 2},
    "Dense": {"units": 5},
    "DepthwiseConv2D": {"kernel_size": 3, "depth_multiplier": 2},
    "Dropout": {"rate": 0.5},
    "GaussianDropout": {"rate": 0.5},
    "GaussianNoise": {"stddev": 0.5},
    "GroupNormalization": {"groups": 2},
    "Normalization": {"mean": [1.0, 2.0, 3.0, 4.0], "variance": [1.0, 1.0, 1.0, 1.0]},
    "PReLU": {"shared_axes": [1, 2]},
    "Rescaling": {"scale": 0.5},
    "Reshape": {"target_shape": [9, 12, 4]},
    "SeparableConv2D": {"filters": 6, "kernel_size": 3, "depth_multiplier": 2},
    "SpatialDropout2D": {"rate": 0.5},
}


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_every_layer_is_counted_as_keras_builds_it(kind: str) -> None:
    layers = [Layer(kind, NEEDED.get(kind, {}))]
    model = build_layers(layers, (12, 9, 4), 10)
    (row,) = walk_layers(layers, (12, 9, 4), 10)
    assert row.makes == model.output_shape[1:]
    assert row.parameters == model.count_params()
    assert row.trainable_parameters == sum(w.numpy().size for w in model.trainable_weights)
    assert walk(model, (12, 9, 4))[0].parameters == row.parameters


@pytest.mark.parametrize(
    ("layer", "flops"),
    [
        # A multiply and an add for each weight that meets a pixel; a bias; an activation.
        (Layer("Conv2D", {"filters": 6, "kernel_size": 3}), 10 * 7 * 6 * (2 * 9 * 4 + 1)),
        (
            Layer("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2, "activation": "relu"}),
            10 * 7 * 6 * (2 * 9 * 2 + 1 + 1),
        ),
        (Layer("DepthwiseConv2D", {"kernel_size": 3}), 10 * 7 * 4 * (2 * 9 + 1)),
        (
            Layer("SeparableConv2D", {"filters": 6, "kernel_size": 3}),
            10 * 7 * (4 * 2 * 9 + 6 * (2 * 4 + 1)),
        ),
        # Every input value is spread over nine output values of each filter.
        (
            Layer("Conv2DTranspose", {"filters": 6, "kernel_size": 3, "use_bias": False}),
            12 * 9 * 4 * 9 * 6 * 2,
        ),
        (Layer("Dense", {"units": 5, "activation": "softmax"}), 12 * 9 * 5 * (2 * 4 + 1 + 3)),
        (Layer("MaxPooling2D", {"pool_size": 2}), 6 * 4 * 4 * 4),
        (Layer("GlobalAveragePooling2D"), 12 * 9 * 4),
        (Layer("BatchNormalization"), 12 * 9 * 4 * 2),
        (Layer("ReLU"), 12 * 9 * 4),
        (Layer("Flatten"), 0),
    ],
)
def test_operations_by_hand(layer: Layer, flops: int) -> None:
    (row,) = walk_layers([layer], (12, 9, 4), 10)
    assert row.flops == flops


def test_vgg16_as_published(keras: Any) -> None:
    """Simonyan and Zisserman 2015: 138 million weights; 15.5 billion multiply-adds."""
    with keras.device("meta"):
        model = keras.applications.VGG16(weights=None)
    rows = walk(model, (224, 224, 3))
    assert sum(row.parameters for row in rows) == 138_357_544
    # 15,346,630,656 in the convolutions and 123,633,664 in the dense layers, counted as two each;
    # biases, ReLUs and pooling are the rest.
    multiply_adds = 15_346_630_656 + 123_633_664
    assert sum(row.flops for row in rows) == pytest.approx(2 * multiply_adds, rel=2e-3)
    places = [row.receptive_field for row in rows if row.receptive_field]
    # Araujo, Norris and Sim 2019, table 1.
    assert places[-1] == (212, 212)
    assert rows[-1].receptive_field is None


def test_resnet50_as_published(keras: Any) -> None:
    """He et al. 2016: 3.8 billion multiply-adds; Araujo et al. 2019: 483 pixels."""
    with keras.device("meta"):
        model = keras.applications.ResNet50(weights=None)
    rows = walk(model, (224, 224, 3))
    assert sum(row.parameters for row in rows) == 25_636_712
    assert 2 * 3.8e9 < sum(row.flops for row in rows) < 2 * 4.1e9
    assert max(row.receptive_field for row in rows if row.receptive_field) == (483, 483)


def test_receptive_fields_by_hand() -> None:
    layers = [
        Layer("Conv2D", {"filters": 1, "kernel_size": [3, 5], "dilation_rate": [2, 1]}),
        Layer("MaxPooling2D", {"pool_size": 2}),
        Layer("Conv2D", {"filters": 1, "kernel_size": 3}),
        Layer("UpSampling2D", {"size": 2}),
        Layer("Conv2D", {"filters": 1, "kernel_size": 3}),
        Layer("Flatten"),
    ]
    seen = [row.receptive_field for row in walk_layers(layers, (30, 30, 1), 10)]
    # 1+2*2, +1, +2*2 (every other pixel), the same, +2*1; Flatten loses the place.
    assert seen == [(5, 5), (6, 6), (10, 10), (10, 10), (12, 12), None]


def test_branches_shared_layers_nested_models_and_operations(keras: Any) -> None:
    layers = keras.layers
    inputs = keras.Input((16, 16, 1))
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    inner_input = keras.Input((16, 16, 4))
    inner_output = layers.Conv2D(4, 5, padding="same", name="wide")(inner_input)
    inner = keras.Model(inner_input, inner_output, name="inner")
    chain = keras.Sequential([layers.Conv2D(4, 1, name="narrow")], name="chain")
    x = shared(layers.Conv2D(1, 1, name="first")(inputs))
    y = shared(inputs)
    joined = layers.Concatenate(name="joined")([inner(x), chain(y)])
    model = keras.Model(inputs, layers.Flatten(name="flat")(joined * 2.0))
    rows = {row.name: row for row in walk(model, (16, 16, 1))}
    named = ("first", "shared", "inner/wide", "chain/narrow", "joined", "flat")
    assert {name: rows[name].kind for name in rows if name not in named}.popitem()[1] == "Multiply"
    assert len(rows) == len(named) + 1
    # 3x3 then 5x5 on the longer branch.
    assert rows["joined"].receptive_field == (7, 7)
    assert rows["joined"].makes == (16, 16, 8)
    assert sum(row.parameters for row in walk(model, (16, 16, 1))) == model.count_params()


OPERATIONS: dict[str, Callable[..., Any]] = {
    "slices": lambda ops, x: x[:, 1:, ::2] + x[:, :-1, :6],
    "a slice that counts backwards": lambda ops, x: x[:, ::-1],
    "one channel": lambda ops, x: x[..., 0],
    "a new axis": lambda ops, x: x[:, None],
    "numbers": lambda ops, x: (2.0 - x) ** 2 / 3.0,
    "an array of numbers": lambda ops, x: x * np.ones((11, 6), "float32"),
    "a kernel of numbers": lambda ops, x: ops.conv(x, np.ones((3, 2, 6, 4), "float32")),
    "the last of a split": lambda ops, x: ops.split(x, [1, 3], axis=-1)[2],
    "a mean": lambda ops, x: x - ops.mean(x, axis=(1, 2), keepdims=True),
    "joined": lambda ops, x: ops.concatenate([x, x[:, 2:]], axis=1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_walked_as_keras_walks_them(keras: Any, name: str) -> None:
    layers, flatten = keras.layers, keras.tree.flatten
    image = keras.Input((12, 11, 3))
    changed = OPERATIONS[name](keras.ops, layers.Conv2D(6, 3, padding="same")(image))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(changed)))
    rows = {row.name: row for row in walk(model, (12, 11, 3))}
    assert len(rows) == len(model.operations) - 1
    for operation in model.operations[1:]:
        row = rows[operation.name]
        assert row.received == flatten(operation.input)[0].shape[1:]
        assert row.makes == flatten(operation.output)[0].shape[1:]
    assert sum(row.parameters for row in rows.values()) == model.count_params()


@pytest.mark.parametrize("elsewhere", [0, 2])
@pytest.mark.parametrize("kind", ["layer", "functional", "sequential"])
def test_layers_that_are_called_twice_or_also_elsewhere(
    keras: Any, kind: str, elsewhere: int
) -> None:
    """Keras numbers the calls of a model inside a model otherwise than those of a layer."""
    part = keras.layers.Conv2D(4, 5, padding="same")
    inputs = keras.Input((16, 16, 4))
    if kind == "functional":
        part = keras.Model(inputs, part(inputs))
    elif kind == "sequential":
        part = keras.Sequential([inputs, part])
    for _ in range(elsewhere):
        part(keras.Input((16, 16, 4)))
    for outputs, field in (
        (part(inputs), 5),
        (part(part(inputs)), 9),
        (keras.layers.ReLU()(part(part(inputs))), 9),
    ):
        rows = walk(keras.Model(inputs, outputs), (16, 16, 4))
        assert rows[-1].receptive_field == (field, field)
        assert sum(row.parameters for row in rows) == (5 * 5 * 4 + 1) * 4


def test_a_network_written_as_a_class_is_one_row(keras: Any) -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.flat, self.last = keras.layers.Flatten(), keras.layers.Dense(3)

        def call(self, images: Any) -> Any:
            return self.last(self.flat(images))

    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, Own()(inputs))
    (row,) = walk(model, (4, 4, 1))
    assert (row.makes, row.parameters) == ((3,), 51)


def test_a_layer_of_ones_own_without_config(keras: Any) -> None:
    class Own(keras.layers.Layer):
        def __init__(self, change: Any) -> None:
            super().__init__()
            self.change = change

        def call(self, images: Any) -> Any:
            return self.change(images)

    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, Own(lambda x: x)(inputs))
    with pytest.raises(ModelError, match="needs a get_config method, or the network cannot be"):
        walk(model, (4, 4, 1))


def test_a_shape_that_does_not_fit() -> None:
    with pytest.raises(ModelError, match="conv2d takes arrays with 3 axes for each image, but 16"):
        walk_layers(
            [Layer("Flatten"), Layer("Conv2D", {"filters": 1, "kernel_size": 3})], (4, 4, 1), 10
        )


def test_dense_on_a_feature_map_sees_what_its_pixel_sees() -> None:
    layers = [
        Layer("Conv2D", {"filters": 4, "kernel_size": 5}),
        Layer("Dense", {"units": 3}),
        Layer("Flatten"),
        Layer("Dense", {"units": 3}),
    ]
    rows = walk_layers(layers, (12, 12, 1), 3)
    assert [row.receptive_field for row in rows] == [(5, 5), (5, 5), None, None]
