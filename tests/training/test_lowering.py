"""Parity with Keras: outputs and moving statistics, for every lowered layer."""

import numpy as np
import pytest
import torch
from parity import IMAGE, ROWS, answer, branched, keras_answer, pictures, shaken

from firstlight.models.backend import import_keras
from firstlight.training.lowering import lower
from firstlight.training.lowerings import images as image_layers
from firstlight.training.lowerings.registry import LOWERINGS

keras = import_keras()
L = keras.layers

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
