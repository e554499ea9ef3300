"""Training beyond plain steps: classes weighed, weights averaged, stopping early."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from firstlight.core.errors import SettingError
from firstlight.training import load_newest
from firstlight.training.averaging import Average
from firstlight.training.class_weights import class_weights

from .conftest import striped


def weights(training):
    return [tensor.clone() for tensor in training.network.state_dict().values()]


def assert_same(one, other):
    assert len(one) == len(other)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def scripted(training, losses):
    """Let the validation losses be these."""
    left = iter(losses)
    training.validate = lambda predict: {"loss": next(left)}


def test_balanced_class_weights_are_those_of_scikit_learn():
    targets = np.repeat([0, 1, 2], [50, 7, 3])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets)
    np.testing.assert_allclose(class_weights("balanced", targets), expected, rtol=1e-6)


def test_a_class_without_images_takes_nothing_from_the_others():
    targets = np.array([0, 0, 2])
    expected = compute_class_weight("balanced", classes=np.array([0, 2]), y=targets)
    np.testing.assert_allclose(class_weights("balanced", targets)[[0, 2]], expected, rtol=1e-6)


def test_measured_values_have_no_class_weights():
    with pytest.raises(SettingError, match="leave it out"):
        class_weights("balanced", np.zeros((3, 1), np.float32))
    assert class_weights("none", np.zeros((3, 1), np.float32)) is None


def test_the_average_is_the_one_calculated_by_hand():
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    average = Average(network, 0.25)
    by_hand = 1.0
    for number, value in enumerate((2.0, 5.0, -1.0), 1):
        network.weight.data.fill_(value)
        average.update()
        kept = min(0.25, (1 + number) / (10 + number))
        by_hand = kept * by_hand + (1 - kept) * value
    with average.in_place():
        assert network.weight.item() == pytest.approx(by_hand, rel=1e-6)
    assert network.weight.item() == -1.0


def test_averaged_weights_answer_while_the_others_go_on(make_training):
    plain = make_training(epochs=2)
    plain.training.run()
    averaged = make_training(epochs=2, average=0.9)
    live = []
    averaged.training.early.put_back = lambda learner: live.extend(weights(averaged.training))
    averaged.training.run()
    assert_same(live, weights(plain.training))
    images = striped(20, seed=3).images
    before = averaged.training.predict(images)
    averaged.training.learner.settle()
    np.testing.assert_array_equal(averaged.training.predict(images), before)
    assert not np.array_equal(before, plain.training.predict(images))


def test_training_stops_when_patience_ends_and_keeps_the_best_epoch(make_training):
    stopped = make_training(epochs=6, patience=2, schedule="constant")
    scripted(stopped.training, [0.9, 0.5, 0.7, 0.5, 0.1])
    stopped.training.run()
    assert [event["epoch"] for event in stopped.folder.epochs()] == [1, 2, 3, 4]
    best = make_training(epochs=2, schedule="constant")
    best.training.run()
    assert_same(weights(stopped.training), weights(best.training))
    said = [e["message"] for e in stopped.folder.events() if e["kind"] == "state"]
    assert "has not fallen for 2 epochs; the weights of epoch 2 are kept" in said[0]


def test_without_patience_the_last_epoch_is_kept(make_training):
    made = make_training(epochs=3)
    scripted(made.training, [0.1, 0.5, 0.9])
    made.training.run()
    last = make_training(epochs=3)
    last.training.run()
    assert_same(weights(made.training), weights(last.training))


def test_all_of_it_goes_on_bit_for_bit(make_training):
    settings = {"epochs": 5, "patience": 2, "average": 0.9, "class_weights": "balanced"}
    losses = [0.9, 0.5, 0.7, 0.6, 0.1]
    whole = make_training(**settings)
    scripted(whole.training, losses)
    whole.training.run()
    cut = make_training(**settings)
    scripted(cut.training, [*losses[:3]])
    with pytest.raises(StopIteration):
        cut.training.run()
    again = make_training(folder=cut.folder, **settings)
    again.training.restore(load_newest(cut.folder.checkpoints)[0])
    scripted(again.training, losses[3:])
    again.training.run()
    assert_same(weights(again.training), weights(whole.training))
