"""The learning-rate range test, on losses that can be worked out by hand."""

import itertools

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from firstlight.core.errors import TrainingError
from firstlight.core.settings import TrainSettings
from firstlight.models.backend import import_keras
from firstlight.training import lower
from firstlight.training.augmenting import Augmentation
from firstlight.training.batches import Batches
from firstlight.training.range_testing import range_test, smooth, training_step

from .conftest import MACHINE, SETTINGS, striped

keras = import_keras()


def parabola(curvature):
    """Descent on curvature / 2 times error squared, where a rate of 2 / curvature is too much."""
    error = [1.0]

    def step(rate):
        loss = curvature / 2 * error[0] ** 2
        error[0] -= rate * curvature * error[0]
        return loss

    return step


def smoothed_by_scipy(losses):
    """A bell curve that ends with the data: divided by what of it lies inside."""
    whole = gaussian_filter1d(np.asarray(losses), 5, mode="constant", truncate=60)
    return whole / gaussian_filter1d(np.ones(len(losses)), 5, mode="constant", truncate=60)


def test_losses_are_smoothed_as_scipy_smooths_them():
    losses = np.random.default_rng(0).normal(size=90)
    np.testing.assert_allclose(smooth(losses.tolist()), smoothed_by_scipy(losses), rtol=1e-6)


@pytest.mark.parametrize("curvature", [2.0, 200.0])
def test_a_parabola_gives_what_follows_from_its_curvature(curvature):
    found = range_test(parabola(curvature))
    rates = np.asarray(found.rates)
    np.testing.assert_allclose(rates, 1e-6 * 1e7 ** (np.arange(len(rates)) / 209), rtol=1e-9)
    shrinking = np.cumprod(1 - curvature * rates)[:-1]
    np.testing.assert_allclose(found.losses, curvature / 2 * np.append(1, shrinking) ** 2)
    # Beyond 2 / curvature every step leads further away.
    assert 0.2 * 2 / curvature < found.lowest < 2 / curvature
    smoothed = smoothed_by_scipy(found.losses)
    np.testing.assert_allclose(found.smoothed, smoothed, rtol=1e-6)
    assert found.lowest == rates[smoothed.argmin()]
    left = (smoothed - smoothed.min()) / (np.mean(found.losses[:20]) - smoothed.min())
    assert found.suggestion == pytest.approx(rates[left <= 0.03].min(), rel=0.05)
    assert found.steepest < found.suggestion < found.lowest
    assert float(f"{found.suggestion:.1e}") == found.suggestion
    falling = np.diff(smoothed)
    assert abs(rates[falling.argmin()] / found.steepest - 1) < 0.1
    assert found.end.startswith("the loss was twice that of the beginning at a learning rate of")


def given(losses):
    """A step that gives these losses, whatever the rate."""
    waiting = iter(losses)
    return lambda rate: next(waiting)


def test_it_ends_where_the_loss_is_no_number():
    watched = []
    falling = np.linspace(2, 1, 100).tolist()
    found = range_test(given([*falling, float("nan")]), lambda *seen: watched.append(seen))
    assert found.losses == tuple(falling)
    assert found.end == "the loss became nan at a learning rate of 0.0022"
    assert [seen[0] for seen in watched] == list(range(1, 101))
    assert watched[-1] == (100, 210, found.rates[-1], 1.0)


def test_it_ends_where_five_losses_are_twice_those_of_the_beginning():
    found = range_test(given([*[2.0] * 20, *np.linspace(2, 1, 40), 9.0, 1.0, 1.0, *[4.1] * 5]))
    # One extreme batch is not the end: 9, 1, 1, 4.1 and 4.1 have a mean of 3.84, and so it takes
    # all five of 4.1 until the mean is above 4.
    assert len(found.losses) == 68
    assert "twice" in found.end


def test_without_an_end_all_rates_are_tried():
    found = range_test(given(np.linspace(2, 1, 210)))
    assert len(found.rates) == 210
    assert found.rates[-1] == pytest.approx(10)
    assert found.end == "the largest learning rate, 10, was reached"


def test_images_learned_by_heart_do_not_move_the_suggestion_up():
    # Once there is nothing left to learn no rate does harm: the lowest loss is anywhere.
    falling = np.linspace(2, 0, 100).tolist()
    found = range_test(given([*falling, *np.geomspace(1e-3, 1e-9, 110)]))
    assert found.lowest > 1
    assert found.rates[90] < found.suggestion < found.rates[105]


@pytest.mark.parametrize(
    "losses",
    [[1.0] * 210, np.linspace(1, 0.96, 210), np.linspace(1, 3, 210), [float("nan")]],
    ids=["flat", "hardly", "rising", "no number"],
)
def test_a_loss_that_does_not_fall_suggests_nothing(losses):
    with pytest.raises(TrainingError, match="the loss fell at no learning rate from 1e-06 on"):
        range_test(given(losses))


@pytest.mark.parametrize("rule", [None, "balanced"])
def test_few_batches_go_round_again_in_a_new_order(rule):
    images = striped(70)
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(4)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Softmax()])
    probabilities = keras.ops.convert_to_numpy(model(images.images.astype("float32")))
    each = -np.log(probabilities[np.arange(70), images.targets])
    if rule is not None:
        each = each * (70 / 4 / np.bincount(images.targets))[images.targets]
    batches = Batches(images.images, images.targets, 32, 0, Augmentation(), torch.device("cpu"))
    expected = []
    for epoch, position in itertools.product(range(2), range(3)):
        batches.start_epoch(epoch)
        expected.append(each[batches.rows(position).numpy()].mean())
    settings = TrainSettings(**SETTINGS, class_weights=rule)
    step = training_step(lower(model), images, settings, MACHINE)
    # With no step at all nothing moves.
    np.testing.assert_allclose([step(0.0) for _ in range(6)], expected, rtol=1e-5)
    assert step(0.1) != pytest.approx(expected[0])


def test_steps_move_the_weights_by_the_rate():
    images = striped(64)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")]
    )
    before = model.get_weights()[1]
    moved = []
    for rate in (1e-4, 2e-4):
        network = lower(model)
        settings = TrainSettings(**(SETTINGS | {"optimizer": "sgd"}))
        training_step(network, images, settings, MACHINE)(rate)
        bias = next(weight for weight in network.parameters() if weight.ndim == 1)
        moved.append(bias.detach().numpy() - before)
    np.testing.assert_allclose(2 * moved[0], moved[1], rtol=1e-4)
    assert np.abs(moved[0]).max() > 0
