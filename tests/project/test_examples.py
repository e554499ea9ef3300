"""The networks of the examples do what their pages say."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from firstlight.models import build_model, import_keras

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SKY = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def periodic():
    import_keras().utils.set_random_seed(1)
    module = runpy.run_path(str(EXAMPLES / "periodic-sky" / "periodic.py"))
    return module["make_model"]((32, 32, 1), 2)


def test_a_rolled_periodic_sky_gets_the_same_answer(periodic):
    answers = periodic.predict(SKY, verbose=0)
    rolled = periodic.predict(np.roll(SKY, (8, 16), (1, 2)), verbose=0)
    np.testing.assert_allclose(rolled, answers, atol=1e-6)
    assert np.abs(periodic.predict(np.roll(SKY, 3, 1), verbose=0) - answers).max() > 1e-4


def test_the_periodic_network_is_the_recipe_with_another_padding(periodic):
    recipe = build_model("maps", (32, 32, 1), 2, "measure")
    shapes = [weight.shape for weight in periodic.weights]
    assert shapes == [weight.shape for weight in recipe.weights]
