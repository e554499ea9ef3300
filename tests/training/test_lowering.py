"""Parity with Keras: outputs, gradients' effect and moving statistics, for every lowered layer."""

import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from firstlight.core.errors import ModelError
from firstlight.models.backend import import_keras
from firstlight.training.lowering import lower, not_lowered
from firstlight.training.lowerings import images as image_layers
from firstlight.training.lowerings.registry import LOWERINGS

keras = import_keras()
L = keras.layers
IMAGE = (12, 11, 6)
ROWS = (13, 6)

LAYERS = {
    "conv": lambda: L.Conv2D(5, 3),
    "conv activation": lambda: L.Conv2D(5, 3, activation="relu"),
    "conv same": lambda: L.Conv2D(5, 3, padding="same"),
    "conv same even kernel": lambda: L.Conv2D(5, (4, 2), padding="same"),
    "conv same stride": lambda: L.Conv2D(5, 3, strides=2, padding="same"),
    "conv same stride, other kernel": lambda: L.Conv2D(5, (5, 2), strides=(2, 3), padding="same"),
    "conv stride": lambda: L.Conv2D(5, 3, strides=(3, 2)),
    "conv dilation": lambda: L.Conv2D(5, 3, dilation_rate=(2, 3), padding="same"),
    "conv groups": lambda: L.Conv2D(6, 3, groups=3),
    "conv no bias": lambda: L.Conv2D(5, 3, use_bias=False),
    "separable": lambda: L.SeparableConv2D(5, 3, strides=2, padding="same", activation="relu"),
    "depthwise": lambda: L.DepthwiseConv2D(3, padding="same", strides=2),
    "transposed": lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same"),
    "transposed valid": lambda: L.Conv2DTranspose(4, (3, 5), strides=(2, 3)),
    "transposed small kernel": lambda: L.Conv2DTranspose(4, 2, strides=3, padding="same"),
    "transposed small kernel valid": lambda: L.Conv2DTranspose(4, 2, strides=3),
    "transposed even": lambda: L.Conv2DTranspose(4, 4, strides=2, padding="same"),
    "transposed dilation": lambda: L.Conv2DTranspose(4, 3, dilation_rate=2, padding="same"),
    "transposed dilation valid": lambda: L.Conv2DTranspose(4, (3, 2), dilation_rate=(2, 3)),
    "transposed output padding": lambda: L.Conv2DTranspose(
        4, 3, strides=2, padding="same", output_padding=1
    ),
    "transposed output padding valid": lambda: L.Conv2DTranspose(
        4, 3, strides=3, output_padding=(1, 2)
    ),
    "depthwise multiplier": lambda: L.DepthwiseConv2D((3, 2), depth_multiplier=3),
    "separable multiplier": lambda: L.SeparableConv2D(5, 3, depth_multiplier=2, padding="same"),
    "max pooling": lambda: L.MaxPooling2D(2),
    "max pooling same": lambda: L.MaxPooling2D(3, strides=2, padding="same"),
    "max pooling overlap": lambda: L.MaxPooling2D((3, 2), strides=(2, 1)),
    "average pooling": lambda: L.AveragePooling2D(2),
    "average pooling same": lambda: L.AveragePooling2D(3, strides=1, padding="same"),
    "global average": L.GlobalAveragePooling2D,
    "global average kept": lambda: L.GlobalAveragePooling2D(keepdims=True),
    "global max": L.GlobalMaxPooling2D,
    "batch norm": lambda: L.BatchNormalization(momentum=0.9),
    "batch norm bare": lambda: L.BatchNormalization(center=False, scale=False),
    "batch norm of rows": lambda: L.BatchNormalization(axis=1),
    "layer norm": L.LayerNormalization,
    "layer norm of images": lambda: L.LayerNormalization(axis=[1, 2, 3]),
    "group norm": lambda: L.GroupNormalization(3),
    "group norm of columns": lambda: L.GroupNormalization(-1, axis=2),
    "unit norm": L.UnitNormalization,
    "unit norm of pixels": lambda: L.UnitNormalization(axis=[1, 2]),
    "dense on pixels": lambda: L.Dense(4, activation="tanh"),
    "flatten": L.Flatten,
    "reshape": lambda: L.Reshape((11, 24, 3)),
    "reshape to rows": lambda: L.Reshape((12, 66)),
    "permute": lambda: L.Permute((3, 1, 2)),
    "zero padding": lambda: L.ZeroPadding2D(((1, 2), (3, 0))),
    "cropping": lambda: L.Cropping2D(((1, 2), (3, 0))),
    "up-sampling": lambda: L.UpSampling2D((2, 3)),
    "up-sampling bilinear": lambda: L.UpSampling2D(2, interpolation="bilinear"),
    "relu layer": L.ReLU,
    "relu capped": lambda: L.ReLU(max_value=1.5),
    "relu sloped": lambda: L.ReLU(negative_slope=0.1),
    "relu bent": lambda: L.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2),
    "leaky relu": lambda: L.LeakyReLU(0.3),
    "elu layer": lambda: L.ELU(0.7),
    "prelu": lambda: L.PReLU(alpha_initializer="glorot_uniform"),
    "prelu shared": lambda: L.PReLU(alpha_initializer="random_normal", shared_axes=[1, 2]),
    "softmax layer": L.Softmax,
    "normalization by axis 3": lambda: L.Normalization(axis=3, mean=[0.5] * 6, variance=[2] * 6),
    "rescaling": lambda: L.Rescaling(1 / 255, offset=-0.5),
    "normalization": lambda: L.Normalization(
        mean=[0.1, 0.2, 0.3, 0, 0, 1], variance=[1.0, 2.0, 3.0, 1, 1, 0]
    ),
    "normalization of rows": lambda: L.Normalization(
        axis=(1, 3), mean=np.arange(72.0).reshape(12, 6) / 9, variance=np.ones((12, 6)) * 3
    ),
    "normalization inverted": lambda: L.Normalization(
        mean=0.3, variance=4.0, invert=True, axis=None
    ),
    "rescaling of rows": lambda: L.Rescaling(np.arange(1.0, 12.0).reshape(11, 1)),
    "gaussian noise": lambda: L.GaussianNoise(0.5),
    "gaussian dropout": lambda: L.GaussianDropout(0.5),
    "alpha dropout": lambda: L.AlphaDropout(0.5),
    "dropout": lambda: L.Dropout(0.5),
    "spatial dropout": lambda: L.SpatialDropout2D(0.5),
    **{
        name: (lambda name=name: L.Activation(name))
        for name in (
            "relu relu6 leaky_relu elu selu celu gelu silu mish tanh sigmoid hard_sigmoid "
            "hard_silu hard_tanh softplus softsign exponential softmax log_softmax linear glu "
            "hard_shrink log_sigmoid soft_shrink sparse_plus sparse_sigmoid squareplus "
            "tanh_shrink"
        ).split()
    },
}

# On rows of numbers.
LAYERS_OF_ROWS = {
    "conv": lambda: L.Conv1D(5, 3, activation="relu"),
    "conv same stride": lambda: L.Conv1D(5, 4, strides=3, padding="same"),
    "conv causal": lambda: L.Conv1D(5, 3, dilation_rate=2, padding="causal", activation="softmax"),
    "conv groups": lambda: L.Conv1D(6, 3, groups=3, use_bias=False),
    "depthwise": lambda: L.DepthwiseConv1D(3, strides=2, padding="same", depth_multiplier=2),
    "separable": lambda: L.SeparableConv1D(5, 3, depth_multiplier=2, activation="tanh"),
    "transposed": lambda: L.Conv1DTranspose(4, 3, strides=2, padding="same"),
    "transposed output padding": lambda: L.Conv1DTranspose(4, 3, strides=2, output_padding=1),
    "max pooling": lambda: L.MaxPooling1D(3, strides=2, padding="same"),
    "average pooling": lambda: L.AveragePooling1D(2),
    "global average": L.GlobalAveragePooling1D,
    "global average kept": lambda: L.GlobalAveragePooling1D(keepdims=True),
    "global max": L.GlobalMaxPooling1D,
    "zero padding": lambda: L.ZeroPadding1D((1, 2)),
    "cropping": lambda: L.Cropping1D((1, 2)),
    "up-sampling": lambda: L.UpSampling1D(3),
    "spatial dropout": lambda: L.SpatialDropout1D(0.5),
    "group norm": lambda: L.GroupNormalization(2),
    "layer norm of rows": lambda: L.LayerNormalization(axis=[1, 2]),
    "batch norm of positions": lambda: L.BatchNormalization(axis=1),
    "glu": lambda: L.Activation("glu"),
}


def pictures(shape, count=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype("float32")


def shaken(model, size=0.3):
    """The model with weights that are nobody's default: zeros and ones hide mistakes."""
    generator = np.random.default_rng(1)
    for weight in model.weights:
        values = generator.normal(size, size, weight.shape)
        if "variance" in weight.path:
            values = np.abs(values) + 0.5
        weight.assign(values)
    return model


def answer(network, images):
    network.eval()
    with torch.no_grad():
        return network.answers(network(torch.from_numpy(images))).numpy()


def keras_answer(model, images, training=False):
    return keras.ops.convert_to_numpy(model(images, training=training))


@pytest.mark.parametrize("name", LAYERS)
def test_layer_answers_as_keras(name):
    model = shaken(keras.Sequential([keras.Input(IMAGE), LAYERS[name]()]))
    network = lower(model)
    assert network.in_keras == []
    images = pictures(IMAGE)
    np.testing.assert_allclose(
        answer(network, images), keras_answer(model, images), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", LAYERS_OF_ROWS)
def test_layer_of_rows_answers_as_keras(name):
    model = shaken(keras.Sequential([keras.Input(ROWS), LAYERS_OF_ROWS[name]()]))
    network = lower(model)
    assert network.in_keras == []
    rows = pictures(ROWS)
    np.testing.assert_allclose(
        answer(network, rows), keras_answer(model, rows), rtol=1e-4, atol=1e-5
    )


def test_repeat_vector_answers_as_keras():
    model = keras.Sequential([keras.Input((5,)), L.RepeatVector(3)])
    rows = pictures((5,))
    np.testing.assert_array_equal(answer(lower(model), rows), keras_answer(model, rows))


@pytest.mark.parametrize("kind", ["Conv1D", "DepthwiseConv2D", "SeparableConv1D"])
def test_weights_go_back_and_name_their_variables(kind):
    image = kind.endswith("2D")
    options = {"kernel_size": 3} | ({} if kind == "Conv1D" else {"depth_multiplier": 2})
    options |= {} if kind == "DepthwiseConv2D" else {"filters": 5}
    shape = IMAGE if image else ROWS
    model = shaken(keras.Sequential([keras.Input(shape), getattr(L, kind)(**options)]))
    network = lower(model)
    for weight in network.weights():
        array = keras.ops.convert_to_numpy(weight.variable.value)
        array = array.transpose(weight.axes or range(array.ndim))
        np.testing.assert_array_equal(weight.tensor.detach().numpy(), array)
        weight.tensor.data.mul_(1.5)
    network.write_back()
    rows = pictures(shape)
    np.testing.assert_allclose(
        answer(network, rows), keras_answer(model, rows), rtol=1e-4, atol=1e-5
    )


def test_constraints_are_left_to_the_optimizer():
    layer = L.Conv2D(3, 3, kernel_constraint="max_norm", bias_constraint="non_neg")
    network = lower(keras.Sequential([keras.Input(IMAGE), layer]))
    assert network.in_keras == []
    kernel, bias = network.weights()
    assert kernel.variable.constraint is layer.kernel_constraint
    assert bias.variable.constraint is layer.bias_constraint


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.GaussianNoise(0.5),
        lambda: L.GaussianDropout(0.3),
        lambda: L.AlphaDropout(0.3),
        lambda: L.AlphaDropout(0.3, noise_shape=(None, 1)),
    ],
)
def test_noise_is_distributed_as_keras(layer):
    # 160,000 draws or more: a mean is off by 0.003 (one sigma).
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layer()])
    rows = np.full((160_000, 4), 1.5, dtype="float32")
    network = lower(model).train()
    assert network.in_keras == []
    torch.manual_seed(0)
    ours, theirs = network(torch.from_numpy(rows)).numpy(), keras_answer(model, rows, True)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.02)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    assert ours.mean(1).std() == pytest.approx(theirs.mean(1).std(), rel=0.08)
    shares = [[np.mean(x < level) for level in (0.0, 1.0, 1.4, 2.0)] for x in (ours, theirs)]
    np.testing.assert_allclose(*shares, atol=0.02)


@pytest.mark.parametrize(("size", "stride"), [((3, 3), 2), ((2, 4), 1), ((3, 2), 3)])
def test_average_pooling_counts_only_real_pixels_where_padding_is_uneven(size, stride):
    # By hand: Keras on torch repeats the edge here, on TensorFlow and JAX it leaves padding out.
    layer = L.AveragePooling2D(size, strides=stride, padding="same")
    network = lower(keras.Sequential([keras.Input(IMAGE), layer]))
    images = pictures(IMAGE)
    spans = []
    for length, window in zip(IMAGE[:2], size, strict=True):
        outputs = -(-length // stride)
        before = max((outputs - 1) * stride + window - length, 0) // 2
        starts = [number * stride - before for number in range(outputs)]
        spans.append([slice(max(start, 0), start + window) for start in starts])
    by_hand = [[images[:, rows, columns].mean((1, 2)) for columns in spans[1]] for rows in spans[0]]
    np.testing.assert_allclose(
        answer(network, images), np.transpose(by_hand, (2, 0, 1, 3)), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    "name", ["batch norm", "batch norm bare", "layer norm", "batch norm of rows"]
)
@pytest.mark.parametrize("shape", [(12, 11, 6), (9,)], ids=["image", "row"])
def test_training_statistics_are_keras_own(name, shape):
    model = shaken(keras.Sequential([keras.Input(shape), LAYERS[name]()]))
    network = lower(model).train()
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    for seed in range(3):
        images = pictures(shape, seed=seed)
        ours = network(torch.from_numpy(images)).detach().numpy()
        np.testing.assert_allclose(ours, keras_answer(twin, images, True), rtol=1e-4, atol=1e-5)
    network.write_back()
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_batch_norm_of_a_single_row_is_keras_own():
    model = shaken(keras.Sequential([keras.Input((9,)), L.BatchNormalization()]))
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    network = lower(model).train()
    images = pictures((9,), count=1)
    ours = network(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(ours, keras_answer(twin, images, True), atol=1e-6)
    network.write_back()
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "constant_over"),
    [
        (lambda: L.SpatialDropout2D(0.5), (1, 2)),
        (lambda: L.Dropout(0.5, noise_shape=(None, 1, 1, 1)), (1, 2, 3)),
        (lambda: L.Dropout(0.5, noise_shape=(None, None, 1, None)), (2,)),
        (lambda: L.Dropout(0.5), ()),
    ],
)
def test_dropout_drops_what_belongs_together(layer, constant_over):
    network = lower(keras.Sequential([keras.Input(IMAGE), layer()])).train()
    out = network(torch.ones(40, *IMAGE)).numpy()
    assert set(np.unique(out)) == {0.0, 2.0}
    for axis in range(1, 4):
        spread = np.ptp(out, axis=axis).max()
        assert spread == (0 if axis in constant_over else 2)


@pytest.mark.parametrize("shape", [(6,), (5, 6), (4, 5, 6)], ids=["row", "rows", "image"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.Rescaling([1.0, 2, 3, 4, 5, 6], offset=[6.0, 5, 4, 3, 2, 1]),
        lambda: L.Normalization(mean=[1.0, 2, 3, 4, 5, 6], variance=[6.0, 5, 4, 3, 2, 1]),
    ],
    ids=["rescaling", "normalization"],
)
def test_constants_of_the_last_axis_on_any_rank(layer, shape):
    model = keras.Sequential([keras.Input(shape), layer()])
    network = lower(model)
    assert network.in_keras == []
    images = pictures(shape)
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), rtol=1e-4)


def test_an_own_function_with_a_known_name_is_not_mistaken():
    def relu(x):
        return x + 7.0

    model = keras.Sequential([keras.Input((4,)), L.Dense(3, activation=relu)])
    network = lower(model)
    assert network.in_keras[0].endswith("has the activation relu")
    images = pictures((4,))
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), rtol=1e-5)


def test_every_lowering_stands_in_a_parity_test():
    tested = {type(make()).__name__ for make in [*LAYERS.values(), *LAYERS_OF_ROWS.values()]}
    branches = {type(layer).__name__ for layer in branched().layers}
    # Keras's own, inside its applications: see test_applications. A vector: see above.
    elsewhere = {"CustomScaleLayer", "LayerScale", "StochasticDepth", "RepeatVector"}
    # See test_lowering_images.
    of_images = {
        name
        for name, made in LOWERINGS.functions.items()
        if made.__module__ == image_layers.__name__
    }
    assert set(LOWERINGS.functions) <= tested | branches | elsewhere | of_images


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


def test_an_operation_without_lowering_runs_as_keras_own():
    image = keras.Input(IMAGE)
    model = keras.Model(image, keras.ops.cumsum(image, axis=1) + 1.0)
    network = lower(model)
    assert [line.split(") ")[1] for line in network.in_keras] == [
        "is an operation that has no lowering"
    ]
    images = pictures(IMAGE)
    np.testing.assert_allclose(
        answer(network, images), keras_answer(model, images), rtol=1e-4, atol=1e-5
    )


def test_frozen_batch_norm_keeps_its_statistics():
    model = shaken(keras.Sequential([keras.Input(IMAGE), L.BatchNormalization()]))
    model.layers[0].trainable = False
    before = model.get_weights()
    network = lower(model).train()
    images = pictures(IMAGE)
    ours = network(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(ours, keras_answer(model, images, True), rtol=1e-4, atol=1e-5)
    network.write_back()
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("kernel", "padding"), [((16, 16), "valid"), ((3, 9), "same")])
def test_wide_kernel_on_one_channel_is_unfolded_and_right(kernel, padding):
    layers = [keras.Input((28, 28, 1)), L.Conv2D(8, kernel, padding=padding, strides=(1, 2))]
    model = shaken(keras.Sequential(layers))
    network = lower(model)
    assert type(network.parts[0]).__name__ == "UnfoldedConvolution"
    images = pictures((28, 28, 1))
    np.testing.assert_allclose(
        answer(network, images), keras_answer(model, images), rtol=1e-4, atol=1e-4
    )


def branched():
    """Branches, a layer used twice, every merge, a nested model used twice, a broadcast."""
    image = keras.Input((8, 8, 3))
    shared = L.Conv2D(4, 3, padding="same", activation="relu")
    left = shared(image)
    right = shared(L.Conv2D(3, 1)(image))
    pooled = L.MaxPooling2D(2)(left)
    seen_twice = L.UpSampling2D(2)(pooled)
    inner_in = keras.Input((8, 8, 4))
    inner = keras.Model(inner_in, L.BatchNormalization()(L.Conv2D(4, 1)(inner_in)))
    merged = [
        L.Add()([left, right, seen_twice]),
        L.Average()([left, right]),
        L.Maximum()([left, right]),
        L.Minimum()([left, right]),
        L.Multiply()([left, right]),
        L.Subtract()([left, right]),
        inner(left),
        inner(right),
    ]
    joined = L.Concatenate()(merged)
    gate = L.GlobalAveragePooling2D(keepdims=True)(joined)
    gated = L.Multiply()([joined, L.Dense(32, activation="sigmoid")(gate)])
    return keras.Model(image, L.Dense(3, activation="softmax")(L.Flatten()(gated)))


def test_functional_graph_answers_as_keras():
    model = shaken(branched(), 0.05)
    network = lower(model)
    assert network.in_keras == []
    assert network.head == "softmax"
    images = pictures((8, 8, 3))
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), rtol=1e-4)


def test_a_training_step_moves_the_weights_as_keras_does():
    # Small weights, since Keras clips probabilities below 1e-7 where we have logits.
    model = shaken(branched(), 0.05)
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    images, targets = pictures((8, 8, 3), 16), np.arange(16) % 3
    network = lower(model).train()
    loss = F.cross_entropy(network(torch.from_numpy(images)), torch.from_numpy(targets))
    loss.backward()
    torch.optim.SGD(network.parameters(), 0.01).step()
    network.write_back()
    twin.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    keras_loss = twin.train_on_batch(images, targets)
    assert loss.item() == pytest.approx(float(keras_loss), rel=1e-5)
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_regularisers_are_in_the_penalty():
    layer = L.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.1), bias_regularizer="l2")
    model = shaken(keras.Sequential([keras.Input((4,)), layer]))
    kernel, bias = model.get_weights()
    by_hand = 0.01 * np.abs(kernel).sum() + 0.1 * (kernel**2).sum() + 0.01 * (bias**2).sum()
    assert lower(model).penalty().item() == pytest.approx(by_hand, rel=1e-5)


def test_what_keras_own_layers_add_to_the_loss_is_that_of_the_last_batch():
    model = keras.Sequential([keras.Input((4,)), L.ActivityRegularization(l1=0.1, l2=0.2)])
    network = lower(model).train()
    for seed in range(2):
        rows = pictures((4,), count=5, seed=seed)
        network(torch.from_numpy(rows))
        by_hand = (0.1 * np.abs(rows).sum() + 0.2 * (rows**2).sum()) / 5
        assert network.penalty().item() == pytest.approx(by_hand, rel=1e-5)


def test_frozen_layers_do_not_train():
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(2)])
    model.layers[0].trainable = False
    trained = [weight for weight in lower(model).parameters() if weight.requires_grad]
    assert [tuple(weight.shape) for weight in trained] == [(2, 3), (2,)]


def test_pooling_goes_before_relu_only_where_nothing_else_reads_it():
    chain = [keras.Input(IMAGE), L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D()]
    network = lower(keras.Sequential(chain))
    names = [type(network.parts[step.part]).__name__ for step in network._steps]
    assert names == ["Convolution", "MaxPooling", "Activation"]
    image = keras.Input(IMAGE)
    relu = L.ReLU()(image)
    both = L.Concatenate()([L.UpSampling2D(1)(relu), relu])
    pooled = L.MaxPooling2D()(relu)
    model = keras.Model(image, L.Concatenate()([L.MaxPooling2D()(both), pooled]))
    images = pictures(IMAGE)
    np.testing.assert_allclose(answer(lower(model), images), keras_answer(model, images))


class Doubled(keras.layers.Layer):
    """A layer that firstlight has never heard of."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return 2 * x * self.factor


def test_an_unknown_layer_runs_as_keras_own_and_trains():
    model = keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(3, 3), Doubled(), L.Flatten()])
    network = lower(model).train()
    assert [re.sub(r"_\d+", "", line) for line in network.in_keras] == [
        "layer doubled (Doubled) is of a kind that has no lowering"
    ]
    images = pictures((6, 6, 2))
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), atol=1e-5)
    network.train()(torch.from_numpy(images)).sum().backward()
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    before = model.layers[1].get_weights()[0].copy()
    optimizer.step()
    network.write_back()
    assert not np.allclose(before, model.layers[1].get_weights()[0])
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (
            lambda: L.Conv2D(3, 3, kernel_regularizer=keras.regularizers.OrthogonalRegularizer()),
            "has the regulariser OrthogonalRegularizer",
        ),
        (lambda: L.Dense(3, activity_regularizer="l2"), "has an activity regulariser"),
        (lambda: L.Dense(3, activation="sparsemax"), "has the activation sparsemax"),
        (lambda: L.Softmax(axis=1), "is a softmax over an axis other than the last"),
        (lambda: L.UpSampling2D(2, interpolation="bicubic"), "interpolates by bicubic"),
        (lambda: L.Conv2D(3, 3, dtype="mixed_bfloat16"), "computes in mixed_bfloat16"),
    ],
)
def test_an_option_without_lowering_is_named_and_still_right(layer, reason):
    model = shaken(keras.Sequential([keras.Input(IMAGE), layer()]))
    network = lower(model)
    assert network.in_keras[0].endswith(reason)
    images = pictures(IMAGE)
    np.testing.assert_allclose(
        answer(network, images), keras_answer(model, images), rtol=1e-4, atol=1e-4
    )


class Paired(keras.Model):
    """A model with code of its own: two inputs, two answers."""

    def __init__(self):
        super().__init__(name="paired")
        self.left, self.right = L.Dense(3, name="left"), L.Dense(2)
        self.left.trainable = False

    def call(self, inputs, training=False):
        one, two = inputs
        return self.left(one), self.right(two) + (5.0 if training else 0.0)


def test_a_model_with_code_of_its_own_runs_whole_and_trains():
    model = Paired()
    with pytest.raises(ModelError, match=r"keras\.Input"):
        lower(model)
    inputs = [pictures((4,)), pictures((5,))]
    theirs = [keras.ops.convert_to_numpy(x) for x in model(inputs)]
    network = lower(model).eval()
    assert network.in_keras == ["model paired (Paired) is a model with code of its own"]
    assert network.in_keras == not_lowered(model)
    assert network.heads == ("linear", "linear")
    tensors = [torch.from_numpy(x) for x in inputs]
    for one, other in zip(network(*tensors), theirs, strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other, rtol=1e-6)
    np.testing.assert_allclose(
        network.train()(*tensors)[1].detach().numpy(), theirs[1] + 5.0, rtol=1e-5
    )
    assert {weight.variable.path for weight in network.weights()} == {
        variable.path for variable in model.right.trainable_variables
    }


def test_an_unbuilt_model_is_refused():
    with pytest.raises(ModelError, match=r"keras\.Input"):
        lower(keras.Sequential([L.Dense(3)]))


def test_a_model_that_masks_runs_whole():
    steps = [keras.Input((7, 3)), L.Masking(), L.Dropout(0.1), L.GlobalAveragePooling1D()]
    model = keras.Sequential(steps, name="masked")
    network = lower(model)
    assert network.in_keras == ["model masked (Sequential) masks time steps"]
    rows = pictures((7, 3))
    rows[:, 4:] = 0.0
    by_hand = rows[:, :4].mean(1)
    np.testing.assert_allclose(answer(network, rows), by_hand, rtol=1e-5)


def test_a_layer_of_keras_own_knows_whether_it_trains():
    class Noisy(keras.layers.Layer):
        def call(self, x, training=False):
            return x + 1.0 if training else x

    class Holding(keras.layers.Layer):
        """Says nothing about training itself, but holds a layer that wants to know."""

        def __init__(self):
            super().__init__()
            self.inner = Noisy()

        def call(self, x):
            return self.inner(x)

    network = lower(keras.Sequential([keras.Input((2,)), Noisy(), Holding()]))
    assert network.eval()(torch.zeros(1, 2)).tolist() == [[0.0, 0.0]]
    assert network.train()(torch.zeros(1, 2)).tolist() == [[2.0, 2.0]]


def several():
    """Two inputs of different rank; a softmax, a sigmoid that is used again, a picture."""
    image, row = keras.Input((8, 8, 3)), keras.Input((5,))
    trunk = L.Conv2D(4, 3, activation="relu")(image)
    flat = L.Concatenate()([L.Flatten()(L.MaxPooling2D()(trunk)), row])
    gate = L.Dense(4, activation="sigmoid")(flat)
    answer = L.Dense(3, activation="softmax")(L.Multiply()([gate, gate]))
    return keras.Model([row, image], [answer, gate, trunk])


def test_several_inputs_and_outputs_answer_as_keras():
    model = shaken(several(), 0.1)
    network = lower(model).eval()
    assert network.in_keras == []
    assert network.heads == ("softmax", "sigmoid", "linear")
    inputs = [pictures((5,)), pictures((8, 8, 3))]
    with torch.no_grad():
        logits = network(*[torch.from_numpy(x) for x in inputs])
        ours = network.answers(logits)
    theirs = model(inputs, training=False)
    assert [x.shape for x in ours] == [x.shape for x in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other.detach(), rtol=1e-4, atol=1e-6)
    # The heads are cut off, so that losses see logits.
    np.testing.assert_allclose(torch.softmax(logits[0], -1), theirs[0].detach(), rtol=1e-4)
    np.testing.assert_allclose(torch.sigmoid(logits[1]), theirs[1].detach(), rtol=1e-4)


def test_training_takes_one_input_and_one_output():
    with pytest.raises(ModelError, match="2 inputs and 3 outputs"):
        lower(several()).require_single()
    lower(branched()).require_single()


def test_inputs_and_outputs_by_name_come_in_the_order_of_keras():
    one, two = keras.Input((3,), name="b"), keras.Input((3,), name="a")
    model = keras.Model({"b": one, "a": two}, {"y": one - two, "x": one * 2.0})
    rows = {"b": pictures((3,)), "a": pictures((3,), seed=1)}
    ours = lower(model)(*[torch.from_numpy(rows[place.name]) for place in model.inputs])
    theirs = model(rows)
    np.testing.assert_allclose(ours[0], theirs["x"].detach())
    np.testing.assert_allclose(ours[1], theirs["y"].detach())


def test_an_output_of_a_nested_model_that_is_not_its_last_layer():
    image = keras.Input((4,))
    inner_in = keras.Input((4,))
    early = L.Dense(3)(inner_in)
    inner = keras.Model(inner_in, [early, L.Dense(2)(early)])
    model = shaken(keras.Model(image, inner(image)[0]))
    rows = pictures((4,))
    np.testing.assert_allclose(answer(lower(model), rows), keras_answer(model, rows), rtol=1e-5)


def test_a_nested_model_with_a_call_of_its_own_is_not_taken_apart():
    class Twice(keras.Model):
        def call(self, x):
            return 2.0 * super().call(x)

    inner_in = keras.Input((4,))
    inner = Twice(inner_in, L.Dense(3)(inner_in), name="twice")
    row = keras.Input((4,))
    model = shaken(keras.Model(row, L.Dense(2)(inner(row))))
    network = lower(model)
    assert network.in_keras == ["model twice (Twice) is a model with code of its own"]
    rows = pictures((4,))
    np.testing.assert_allclose(answer(network, rows), keras_answer(model, rows), rtol=1e-5)


def test_weights_stand_in_the_order_of_parameters_and_name_their_variables():
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), L.Conv2D(3, 3), Doubled(), L.Flatten(), L.Dense(2)]
    )
    model.layers[0].trainable = False
    network = lower(model)
    trained = [tensor for tensor in network.parameters() if tensor.requires_grad]
    weights = network.weights()
    assert all(one is weight.tensor for one, weight in zip(trained, weights, strict=True))
    assert [weight.variable.path for weight in weights] == [
        variable.path for variable in model.trainable_variables
    ]
    for weight in weights:
        array = keras.ops.convert_to_numpy(weight.variable.value)
        array = array.transpose(weight.axes or range(array.ndim))
        np.testing.assert_array_equal(weight.tensor.detach().numpy(), array)


def test_read_takes_what_keras_has_learned_meanwhile():
    model = shaken(keras.Sequential([keras.Input(IMAGE), L.Conv2D(3, 3), L.BatchNormalization()]))
    network = lower(model)
    parameters = list(network.parameters())
    shaken(model, 0.7)
    images = pictures(IMAGE)
    before = answer(network, images)
    network.read()
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), rtol=1e-4)
    assert not np.allclose(before, answer(network, images))
    assert all(one is other for one, other in zip(parameters, network.parameters(), strict=True))


def test_what_is_not_lowered_is_said_without_lowering():
    image = keras.Input(IMAGE)
    layer = L.Conv2D(6, 3, padding="same", activation="sparsemax", name="own")
    model = keras.Model(image, keras.ops.cumsum(layer(layer(image)), axis=1))
    assert [re.sub(r"_\d+", "", line) for line in not_lowered(model)] == [
        "layer own (Conv2D) has the activation sparsemax",
        "layer cumsum (Cumsum) is an operation that has no lowering",
    ]
    assert not_lowered(branched()) == []


def test_a_network_in_float64_answers_exactly():
    model = keras.Sequential([keras.Input((9,)), L.Dense(40, "tanh"), L.Dense(3, "softmax")])
    images = np.random.default_rng(0).normal(size=(20, 9))
    (first, shift, second, end) = (array.astype(np.float64) for array in model.get_weights())
    powers = np.exp(np.tanh(images @ first + shift) @ second + end)
    network = lower(model).double()
    answers = network.answers(network(torch.from_numpy(images))).detach().numpy()
    np.testing.assert_allclose(answers, powers / powers.sum(1, keepdims=True), rtol=1e-12)


def test_images_of_any_type_enter_a_network_in_float32():
    model = keras.Sequential([keras.Input((4, 4, 1)), L.Flatten(), L.Dense(2)])
    network = lower(model)
    images = np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1)
    for kind in (np.uint8, np.int16, np.float64):
        answers = network(torch.from_numpy(images.astype(kind)))
        assert answers.dtype == torch.float32
        np.testing.assert_allclose(
            answers.detach(), model.predict(images, verbose=0), rtol=1e-5, atol=1e-5
        )
