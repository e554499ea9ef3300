"""The networks of the examples do what their pages say."""

import itertools
import runpy
from pathlib import Path

import numpy as np
import pytest

from firstlight.models import build_model, import_keras

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SKY = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)


def network(monkeypatch, name):
    import_keras().utils.set_random_seed(1)
    monkeypatch.syspath_prepend(EXAMPLES / "periodic-sky")
    module = runpy.run_path(str(EXAMPLES / "periodic-sky" / name))
    return module["make_model"]((32, 32, 1), 2)


@pytest.fixture
def periodic(monkeypatch):
    return network(monkeypatch, "periodic.py")


@pytest.fixture
def brightness(monkeypatch):
    return network(monkeypatch, "brightness.py")


def test_a_rolled_periodic_sky_gets_the_same_answer(periodic):
    answers = periodic.predict(SKY, verbose=0)
    rolled = periodic.predict(np.roll(SKY, (8, 16), (1, 2)), verbose=0)
    np.testing.assert_allclose(rolled, answers, atol=1e-6)
    assert np.abs(periodic.predict(np.roll(SKY, 3, 1), verbose=0) - answers).max() > 1e-4


def test_the_periodic_network_is_the_recipe_with_another_padding(periodic):
    recipe = build_model("maps", (32, 32, 1), 2, "measure")
    shapes = [weight.shape for weight in periodic.weights]
    assert shapes == [weight.shape for weight in recipe.weights]


def test_brightness_counts_pixels_between_levels_above_the_darkest(brightness):
    keras = import_keras()
    levels = brightness.get_layer("levels")
    [relu] = [node.operation for node in levels._outbound_nodes]
    [pooled] = [node.operation for node in relu._outbound_nodes]
    shares = keras.Model(brightness.inputs, pooled.output).predict(5 * SKY, verbose=0)
    from_zero = 5 * (SKY - SKY.min((1, 2, 3), keepdims=True))
    steps = runpy.run_path(str(EXAMPLES / "periodic-sky" / "brightness.py"))["LEVELS"]
    expected = [
        np.clip((from_zero - low) / (high - low), 0, 1).mean((1, 2, 3))
        for low, high in itertools.pairwise(steps)
    ]
    np.testing.assert_allclose(shares, np.transpose(expected), atol=1e-4)


def test_brightness_does_not_ask_where_zero_is(brightness):
    levels = brightness.get_layer("levels")
    answers = import_keras().Model(brightness.inputs, levels.output)
    np.testing.assert_allclose(
        answers.predict(SKY + 100, verbose=0), answers.predict(SKY, verbose=0), atol=1e-2
    )
