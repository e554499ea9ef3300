"""Grad-CAM by hand in NumPy, integrated gradients by their own axioms, and the sanity check."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from firstlight.core.errors import ModelError, SettingError
from firstlight.core.insight import SanityCheck
from firstlight.explain import (
    checked,
    grad_cam,
    integrated_gradients,
    layer_answers,
    open_model,
)
from firstlight.explain.sanity import rank_correlation
from firstlight.models import import_keras

keras = import_keras()


@pytest.fixture
def flat_headed():
    """Feature maps, then one dense layer: the gradient is that layer's weights."""
    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(3, 3, activation="relu", name="maps"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax", name="head"),
        ]
    )


def enlarged(coarse, size):
    """Linear interpolation between the middles of the pixels, by hand."""
    places = np.clip((np.arange(size) + 0.5) * len(coarse) / size - 0.5, 0, len(coarse) - 1)
    inside = np.arange(len(coarse))
    rows = np.array([np.interp(places, inside, row) for row in coarse])
    return np.array([np.interp(places, inside, column) for column in rows.T]).T


@pytest.mark.parametrize("output", [0, 1])
def test_grad_cam_by_hand(flat_headed, random, output):
    image = random.normal(size=(6, 6, 1)).astype("float32")
    opened = open_model(flat_headed)
    maps = layer_answers(opened, image)[0].values
    head = keras.ops.convert_to_numpy(flat_headed.get_layer("head").kernel)
    weights = head[:, output].reshape(4, 4, 3).mean(axis=(0, 1))
    expected = (maps * weights).sum(axis=2)
    signed = grad_cam(opened, image, output, signed=True)
    assert signed.layer == "maps"
    np.testing.assert_allclose(signed.values, enlarged(expected, 6), atol=1e-6)
    # What speaks against the class is cut off before the map is enlarged.
    cut = enlarged(np.maximum(expected, 0), 6)
    np.testing.assert_allclose(grad_cam(opened, image, output).values, cut, atol=1e-6)


def test_grad_cam_takes_the_last_maps_behind_an_activation(plain_model, branched_model, random):
    image = random.integers(0, 255, (9, 8, 2))
    found = grad_cam(open_model(plain_model), image, 0)
    assert type(plain_model.get_layer(found.layer)).__name__ == "ReLU"
    side = np.zeros(2)
    beside = grad_cam(open_model(branched_model, "measure"), image[:8, :8, :1], 0, side=side)
    assert beside.layer == "twice (2)"
    other = grad_cam(open_model(plain_model), image, 0, layer="first")
    assert other.layer == "first"


def test_grad_cam_needs_maps(flat_headed):
    opened, image = open_model(flat_headed), np.zeros((6, 6, 1))
    with pytest.raises(SettingError, match="head answers with a row of numbers"):
        grad_cam(opened, image, 0, layer="head")
    with pytest.raises(ModelError, match="no layer called tail"):
        grad_cam(opened, image, 0, layer="tail")
    with pytest.raises(ModelError, match="outputs 0 to 1, but 2 came"):
        grad_cam(opened, image, 2)
    flat = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ModelError, match="has no feature maps"):
        grad_cam(open_model(flat, "measure"), np.zeros((2, 2, 1)), 0)


def test_gradients_of_a_linear_model_are_its_weights(random):
    model = keras.Sequential(
        [keras.Input((3, 4, 2)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    image, start = random.normal(size=(2, 3, 4, 2)).astype("float32")
    weights = keras.ops.convert_to_numpy(model.layers[-1].kernel)[:, 1].reshape(3, 4, 2)
    found = integrated_gradients(open_model(model, "measure"), image, 1, start)
    exact = (weights * (image - start)).sum(axis=2)
    np.testing.assert_allclose(found.values, exact, rtol=1e-4, atol=1e-6)
    assert found.difference == pytest.approx(exact.sum(), rel=1e-4)
    assert found.steps == 32


@pytest.mark.parametrize("output", [0, 1, 2])
def test_shares_add_up_to_the_difference_of_the_answers(plain_model, random, output):
    image = random.integers(0, 255, (9, 8, 2)).astype("uint8")
    opened = open_model(plain_model)
    found = integrated_gradients(opened, image, output)
    black = np.zeros_like(image)
    difference = opened.scores(image)[output] - opened.scores(black)[output]
    assert found.difference == pytest.approx(difference, rel=1e-4)
    assert abs(found.values.sum() - difference) <= 0.005 * np.abs(found.values).sum() + 1e-5


def test_a_steep_answer_takes_more_steps():
    model = keras.Sequential(
        [keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    )
    # It rises from 0 to 1 within a hundredth of the way from 0 to 1.
    model.layers[-1].set_weights([np.array([[1000.0]]), np.array([-503.0])])
    found = integrated_gradients(open_model(model, "measure"), np.ones((1, 1, 1), np.uint8), 0)
    assert found.difference == pytest.approx(1.0)
    assert found.values.sum() == pytest.approx(1.0, abs=0.005)
    assert 32 < found.steps <= 1024


def test_measured_numbers_in_their_own_unit(branched_model, random):
    image = random.normal(5.0, 1.0, size=(8, 8, 1)).astype("float32")
    side = np.array([1.0, 3.0], np.float32)
    found = integrated_gradients(open_model(branched_model, "measure"), image, 0, side=side)
    even = np.full_like(image, image.mean())

    def answer(pixels):
        answers = branched_model([pixels[None], side[None]], training=False)
        return float(keras.ops.convert_to_numpy(answers)[0, 0])

    difference = answer(image) - answer(even)
    assert found.difference == pytest.approx(difference, rel=1e-3, abs=1e-5)
    assert found.values.sum() == pytest.approx(difference, rel=0.05, abs=0.01)


def test_one_sigmoid_speaks_for_the_second_class_and_against_the_first(random):
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((5, 5, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    opened, image = open_model(model), random.normal(size=(5, 5, 1)).astype("float32")
    first, second = (integrated_gradients(opened, image, k).values for k in (0, 1))
    assert np.abs(second).max() > 0
    np.testing.assert_allclose(first, -second, atol=1e-6)


def test_shuffled_weights_come_back(plain_model, random):
    opened = open_model(plain_model)
    image = random.integers(0, 255, (9, 8, 2))
    before = opened.scores(image)
    kept = [tensor.clone() for tensor in opened.network.parameters()]
    with opened.shuffled(0):
        assert not np.allclose(opened.scores(image), before)
        for tensor, old in zip(opened.network.parameters(), kept, strict=True):
            assert sorted(tensor.flatten().tolist()) == sorted(old.flatten().tolist())
    np.testing.assert_array_equal(opened.scores(image), before)
    with pytest.raises(KeyError), opened.shuffled(0):
        raise KeyError
    np.testing.assert_array_equal(opened.scores(image), before)


def test_frozen_kernels_are_shuffled_too(random):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(4, 3, trainable=False),
            keras.layers.Flatten(),
            keras.layers.Dense(2, trainable=False),
        ]
    )
    opened, image = open_model(model), random.normal(size=(6, 6, 1))
    before = opened.scores(image)
    with opened.shuffled(1):
        assert not np.allclose(opened.scores(image), before)


def trained_stripes(random):
    """A network that has learned whether the upper or the lower half is bright."""
    keras.utils.set_random_seed(6)
    targets = random.integers(0, 2, 400)
    images = random.integers(0, 60, (400, 12, 12, 1)).astype("float32")
    rows = np.where(targets == 0, 2, 8)
    for image, row in zip(images, rows, strict=True):
        image[row : row + 2] += 190
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, targets, epochs=4, batch_size=32, verbose=0)
    return model, images[targets == 0][0]


def test_the_check_tells_learned_maps_from_maps_of_the_image(random):
    model, image = trained_stripes(random)
    opened = open_model(model)
    found = checked(opened, lambda: integrated_gradients(opened, image, 0))
    # What it has learned: the bright rows above speak for the first class.
    assert found.values[2:4].sum() > 3 * np.abs(found.values[6:]).sum()
    assert found.check.passed
    assert len(found.check.correlations) == 5
    assert "another picture" in found.sentence()

    def mere_edges():
        return replace(found, values=image[..., 0], check=None)

    edges = checked(opened, mere_edges, shuffles=2)
    assert edges.check.correlations == pytest.approx((1.0, 1.0))
    assert not edges.check.passed
    assert "much the same picture" in edges.sentence()


def test_correlations_are_those_of_scipy(random):
    one, other = random.normal(size=(2, 5, 7))
    expected = spearmanr(one.ravel(), other.ravel()).statistic
    assert rank_correlation(one, other) == pytest.approx(expected)
    assert rank_correlation(one, np.zeros((5, 7))) == 0.0
    assert SanityCheck((0.5, -0.1), one).correlation == pytest.approx(0.2)


def test_an_empty_map_says_so(flat_headed):
    opened = open_model(flat_headed)
    found = grad_cam(opened, np.zeros((6, 6, 1)), 0)
    assert not found.values.any()
    assert found.sentence().startswith("The map is empty")
