"""Presets: what they say, and what wins over them."""

import pytest

from firstlight.core import settings as choices
from firstlight.core.settings import TrainSettings
from firstlight.models import resolve_settings
from firstlight.models.presets import PRESETS


def test_there_is_a_preset_for_each_choice():
    assert tuple(PRESETS) == choices.PRESETS


def test_a_better_preset_trains_longer():
    resolved = [resolve_settings(TrainSettings(preset=name), "classify") for name in PRESETS]
    assert {one.model for one in resolved} == {"compact"}
    lengths = [one.epochs for one in resolved]
    assert lengths == sorted(set(lengths))


def test_options_win_over_the_preset_and_the_preset_over_the_recipe():
    asked = TrainSettings(preset="best", model="residual", augment="flip", label_smoothing=0.0)
    resolved = resolve_settings(asked, "classify")
    assert (resolved.augment, resolved.label_smoothing) == ("flip", 0.0)
    assert resolved.epochs == PRESETS["best"].training["epochs"] != 15
    # What the preset says nothing about stays as the recipe of the network says.
    assert (resolved.batch_size, resolved.learning_rate) == (64, 2e-3)


def test_a_network_of_ones_own_trains_with_a_preset():
    resolved = resolve_settings(TrainSettings(preset="good", model="net.py:make"), "classify")
    assert (resolved.model, resolved.augment) == ("net.py:make", "shift:1")
    assert (resolved.batch_size, resolved.schedule) == (128, "constant")


@pytest.mark.parametrize("name", PRESETS)
def test_images_with_measured_numbers_are_not_changed(name):
    resolved = resolve_settings(TrainSettings(preset=name), "measure")
    assert (resolved.augment, resolved.label_smoothing) == ("none", None)
    assert resolved.epochs == PRESETS[name].training["epochs"]


def test_few_images_get_more_epochs_than_the_preset_says():
    # By hand: 1,000 images are 16 batches of 64, and 400 steps are 25 epochs of them.
    resolved = resolve_settings(TrainSettings(preset="good"), "classify", 1_000)
    assert (resolved.batch_size, resolved.epochs) == (64, 25)
