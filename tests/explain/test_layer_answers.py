"""What layers answer is what Keras's own layers answer; oracle: Keras itself."""

import numpy as np
import pytest

from firstlight.core.errors import ModelError
from firstlight.explain import filters_of, layer_answers, open_model, open_parameters
from firstlight.models import build_model, import_keras

keras = import_keras()


def asked(model, inputs):
    answers = keras.ops.convert_to_numpy(model(inputs, training=False))
    return answers[0]


@pytest.mark.parametrize("name", ["plain_model", "odd_model"])
def test_every_layer_answers_as_in_keras(name, request, random):
    model = request.getfixturevalue(name)
    image = random.integers(0, 255, model.input_shape[1:]).astype("uint8")
    answers = layer_answers(open_model(model), image)
    assert [answer.name for answer in answers] == [layer.name for layer in model.layers]
    for layer, answer in zip(model.layers, answers, strict=True):
        expected = asked(keras.Model(model.inputs[0], layer.output), image[None].astype("float32"))
        assert answer.kind == type(layer).__name__
        assert answer.shape == expected.shape
        np.testing.assert_allclose(answer.values, expected, rtol=1e-5, atol=1e-5)


def test_models_inside_and_numbers_beside(branched_model, random):
    model = branched_model
    image = random.normal(size=(8, 8, 1)).astype("float32")
    side = np.array([0.5, -2.0], np.float32)
    opened = open_model(model, "measure")
    answers = {answer.name: answer.values for answer in layer_answers(opened, image, side)}
    assert list(answers) == [
        *("stem", "twice", "block/deep", "block/deep_statistics", "sum"),
        *("twice (2)", "means", "both", "value"),
    ]
    inputs = [image[None], side[None]]
    stem = keras.Model(model.inputs, model.get_layer("stem").output)(inputs)
    block = model.get_layer("block")
    deep = keras.Model(block.inputs, block.get_layer("deep").output)
    np.testing.assert_allclose(answers["block/deep"], asked(deep, stem), rtol=1e-5, atol=1e-5)
    total = keras.Model(model.inputs, model.get_layer("sum").output)
    np.testing.assert_allclose(answers["sum"], asked(total, inputs), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(answers["value"], asked(model, inputs), rtol=1e-5, atol=1e-5)


def test_relu_is_not_moved_behind_the_pooling(random):
    # The engine that trains does, where nobody looks.
    model = keras.Sequential(
        [
            keras.Input((9, 8, 2)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    image = random.normal(size=(9, 8, 2)).astype("float32")
    maps, pooled, *_ = layer_answers(open_model(model), image)
    assert maps.values.min() == 0
    expected = keras.Model(model.inputs[0], model.layers[0].output)(image[None])
    np.testing.assert_allclose(maps.values, keras.ops.convert_to_numpy(expected)[0], atol=1e-5)
    assert pooled.shape == (3, 3, 4)


def test_layers_that_keras_runs_answer_too(random):
    inputs = keras.Input((6, 6, 1))
    x = keras.layers.Reshape((6, 6))(inputs)
    x = keras.layers.GRU(3, name="memory")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    image = random.normal(size=(6, 6, 1)).astype("float32")
    answers = layer_answers(open_model(model), image)
    assert [answer.name for answer in answers][1] == "memory"
    expected = asked(keras.Model(inputs, model.get_layer("memory").output), image[None])
    np.testing.assert_allclose(answers[1].values, expected, rtol=1e-5, atol=1e-6)


def test_scores_are_logits_of_classes_and_measured_numbers(plain_model, random):
    image = random.integers(0, 255, (9, 8, 2))
    probabilities = asked(plain_model, image[None].astype("float32"))
    logits = open_model(plain_model).scores(image)
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), probabilities, rtol=1e-5)
    np.testing.assert_allclose(open_model(plain_model).answers(image), probabilities, rtol=1e-5)
    bounded = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    )
    one = random.normal(size=(2, 2, 1)).astype("float32")
    expected = asked(bounded, one[None])
    np.testing.assert_allclose(open_model(bounded, "measure").scores(one), expected, rtol=1e-6)
    logit = np.log(expected / (1 - expected))
    np.testing.assert_allclose(open_model(bounded).scores(one), logit, rtol=1e-4)


def test_an_image_that_does_not_fit_is_refused(plain_model, branched_model):
    with pytest.raises(ModelError, match="takes 9 x 8 x 2 for each image, but 8 x 8 x 2 came"):
        layer_answers(open_model(plain_model), np.zeros((8, 8, 2)))
    with pytest.raises(ModelError, match="takes 8 x 8 x 1 and 2 for each image, but 8 x 8 x 1"):
        layer_answers(open_model(branched_model), np.zeros((8, 8, 1)))


def test_answers_that_are_maps_cannot_be_explained():
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ModelError, match="the network answers with 2 x 2 x 2: end it with"):
        open_model(model).scores(np.zeros((4, 4, 1)))


def test_filters_are_the_kernels(plain_model, odd_model):
    filters = {one.layer: one for one in filters_of(open_model(plain_model))}
    assert list(filters) == ["first", "second"]
    first = plain_model.get_layer("first")
    np.testing.assert_array_equal(
        filters["first"].weights, keras.ops.convert_to_numpy(first.kernel)
    )
    np.testing.assert_array_equal(filters["first"].bias, keras.ops.convert_to_numpy(first.bias))
    assert not filters["second"].bias.any()
    shapes = [one.weights.shape for one in filters_of(open_model(odd_model))]
    assert shapes == [(3, 3, 2, 6), (3, 2, 1, 12), (3, 3, 12, 5)]


def test_parameters_are_counted_as_keras_counts_them(odd_model, branched_model):
    for model in (odd_model, branched_model):
        layers = open_parameters(open_model(model))
        assert sum(layer.count for layer in layers) == model.count_params()
        trained = sum(part.count for layer in layers for part in layer.parts if part.trained)
        assert trained == sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_parameters_of_a_shared_layer_are_counted_once():
    inputs = keras.Input((4, 4, 1))
    shared = keras.layers.Conv2D(1, 3, padding="same")
    model = keras.Model(inputs, keras.layers.Flatten()(shared(shared(inputs))))
    layers = open_parameters(open_model(model))
    assert [layer.count for layer in layers] == [10]


def test_parameters_in_words():
    compact = build_model("compact", (28, 28, 1), 10, "classify")
    words = [
        part.in_words() for layer in open_parameters(open_model(compact)) for part in layer.parts
    ]
    assert words[0] == "kernel: 5 high × 5 wide × 1 channel in × 16 filters = 400"
    assert "gamma: 16 channels = 16" in words
    assert "moving_mean: 16 channels = 16, not trained" in words
    assert words[-1] == "bias: 10 units = 10"
