"""The loop against Keras's own, and what it does when something goes wrong."""

import os
import signal

import numpy as np
import pytest
import torch

from firstlight.core.errors import RunError, TrainingError
from firstlight.models.backend import import_keras
from firstlight.training import load_newest
from firstlight.training.augmenting import Augmentation
from firstlight.training.batches import Batches
from firstlight.training.checkpoints import checkpoints
from firstlight.training.schedules import learning_rate
from firstlight.training.stopping import InterruptedRunError

from .conftest import small_model, striped

keras = import_keras()


def weights(training):
    return {name: tensor.clone() for name, tensor in training.network.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def without_dropout():
    kept = [layer for layer in small_model().layers if "drop" not in layer.name]
    return keras.Sequential([keras.Input((8, 8, 1)), *kept])


def test_two_epochs_end_where_keras_ends(make_training):
    # Without Adam, which makes much of the last digits of gradients that are nearly zero.
    settings = {"learning_rate": 0.05, "optimizer": "sgd", "schedule": "constant"}
    made = make_training(without_dropout(), **settings)
    twin = keras.models.clone_model(made.model)
    twin.set_weights(made.model.get_weights())
    twin.compile(
        keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    images = striped()
    batches = Batches(images.images, images.targets, 32, 0, Augmentation(), torch.device("cpu"))
    means = []
    for epoch in range(2):
        batches.start_epoch(epoch)
        totals = np.zeros(2)
        for position in range(len(batches)):
            rows = batches.rows(position).numpy()
            twin.reset_metrics()
            ends = twin.train_on_batch(images.images[rows], images.targets[rows])
            totals += len(rows) * np.array([float(end) for end in ends])
        means.append(totals / len(images))
    made.training.run()
    made.training.network.write_back()
    for ours, theirs in zip(made.model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-5)
    for event, (loss, accuracy) in zip(made.folder.epochs(), means, strict=True):
        assert event["loss"] == pytest.approx(loss, rel=1e-4)
        assert event["accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_the_written_back_model_answers_as_the_trained_network(make_training):
    made = make_training()
    made.training.run()
    made.training.network.write_back()
    images = striped(seed=7).images
    theirs = keras.ops.convert_to_numpy(made.model(images.astype("float32"), training=False))
    np.testing.assert_allclose(made.training.predict(images), theirs, rtol=1e-4, atol=1e-6)


def test_it_learns(make_training):
    made = make_training(epochs=8, images=striped(400))
    made.training.run()
    unseen = striped(200, seed=9)
    right = made.training.predict(unseen.images).argmax(1) == unseen.targets
    assert right.mean() > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_does_not(make_training):
    ends = []
    for seed in (3, 3, 4):
        made = make_training(seed=seed, augment="shift:1,flip")
        made.training.run()
        ends.append(weights(made.training))
    assert_same(ends[0], ends[1])
    assert not torch.equal(ends[0]["parts.1.weight"], ends[2]["parts.1.weight"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [1, 4, 6, 8])
def test_a_stopped_run_goes_on_bit_for_bit(make_training, monkeypatch, step, number):
    monkeypatch.setattr("firstlight.core.events.STEPS_PER_SECOND", 1e9)
    whole = make_training(augment="shift:1,flip")
    whole.training.run()

    def stop(event):
        if event["kind"] == "step" and event["step"] == step:
            os.kill(os.getpid(), number)

    made = make_training(listener=stop, augment="shift:1,flip")
    with pytest.raises(
        InterruptedRunError, match=f"stopped at step {step} of 8 and saved"
    ) as stopped:
        made.training.run()
    assert stopped.value.exit_code == 128 + number
    again = make_training(folder=made.folder, augment="shift:1,flip")
    again.training.restore(load_newest(made.folder.checkpoints)[0])
    again.training.run()
    assert_same(weights(whole.training), weights(again.training))
    for one, other in zip(whole.folder.epochs(), made.folder.epochs(), strict=True):
        assert one["loss"] == other["loss"]
        assert one["accuracy"] == other["accuracy"]


def test_signals_are_as_before_after_training(make_training):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    make_training().training.run()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_loss_that_is_not_finite_stops_and_names_the_batch(make_training):
    made = make_training(learning_rate=1e6, optimizer="sgd", schedule="constant")
    words = r"the loss became (nan|inf) in epoch \d, batch \d \(images image \d+, .*--learning-rate"
    with pytest.raises(TrainingError, match=words):
        made.training.run()
    state, _ = load_newest(made.folder.checkpoints)
    assert all(tensor.isfinite().all() for tensor in state["network"])


def test_weights_that_are_not_finite_are_never_saved(make_training):
    made = make_training()
    made.training.save()
    with torch.no_grad():
        made.training.network.parts[1].weight[0] = float("nan")
    made.training.progress.step = 4
    with pytest.raises(TrainingError, match="no longer finite after step 4: train anew with a low"):
        made.training.save()
    assert load_newest(made.folder.checkpoints)[0]["progress"]["step"] == 0


def test_a_validation_loss_that_is_not_finite_stops_the_run(make_training):
    made = make_training()
    made.training.validate = lambda predict: {"loss": float("inf")}
    with pytest.raises(TrainingError, match="validation loss became inf in epoch 1"):
        made.training.run()
    assert load_newest(made.folder.checkpoints)[0]["progress"]["epoch"] == 0


def test_a_signal_during_the_last_validation_stops_the_run_too(make_training):
    made = make_training()

    def stopped(predict):
        if made.training.progress.epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"loss": 0.5}

    made.training.validate = stopped
    with pytest.raises(InterruptedRunError, match="stopped at step 8 of 8 and saved"):
        made.training.run()
    assert load_newest(made.folder.checkpoints)[0]["progress"]["epoch"] == 2


def test_missing_memory_suggests_a_smaller_batch(make_training, monkeypatch):
    made = make_training(batch_size=50)

    forward = made.training.network.forward

    def full_above_20(images):
        if len(images) > 20:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes.")
        return forward(images)

    monkeypatch.setattr(made.training.network, "forward", full_above_20)
    # 25 do not fit, and 12 do with a quarter to spare.
    with pytest.raises(TrainingError, match=r"batch of 50 images; 12 fit: .*--batch-size 12,"):
        made.training.run()


def test_a_changed_network_is_not_resumed(make_training):
    made = make_training()
    made.training.save()
    changed = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    again = make_training(changed, folder=made.folder)
    with pytest.raises(RunError, match="the network of run run has changed since"):
        again.training.restore(load_newest(made.folder.checkpoints)[0])


def test_two_checkpoints_are_left(make_training):
    made = make_training(epochs=4)
    made.training.run()
    assert [path.name for path in checkpoints(made.folder.checkpoints)] == [
        "step-000000012.ckpt",
        "step-000000016.ckpt",
    ]


def test_long_epochs_are_saved_in_between(make_training):
    made = make_training(epochs=1)
    made.training.checkpoint_seconds = 0.0
    steps = []
    made.training.save = lambda: steps.append(made.training.progress.step)
    made.training.run()
    assert steps == [0, 1, 2, 3, 4]


def test_regularisers_are_part_of_the_loss(make_training):
    def model(regularizer):
        keras.utils.set_random_seed(1)
        dense = keras.layers.Dense(4, activation="softmax", kernel_regularizer=regularizer)
        return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), dense])

    losses = []
    for regularizer in (None, keras.regularizers.L2(0.1)):
        made = make_training(model(regularizer), epochs=1, batch_size=100, learning_rate=1e-12)
        kernel = made.model.get_weights()[0]
        made.training.run()
        losses.append(made.folder.epochs()[0]["loss"])
    assert losses[1] - losses[0] == pytest.approx(0.1 * (kernel**2).sum(), rel=1e-4)


def test_batches_hold_every_image_once_an_epoch():
    images = striped(50)
    batches = Batches(images.images, images.targets, 16, 3, Augmentation(), torch.device("cpu"))
    orders = []
    for epoch in range(2):
        batches.start_epoch(epoch)
        rows = torch.cat([batches.rows(position) for position in range(len(batches))])
        assert sorted(rows.tolist()) == list(range(50))
        (got,), targets = batches.batch(epoch, 1)
        np.testing.assert_array_equal(got.numpy(), images.images[rows[16:32]])
        np.testing.assert_array_equal(targets.numpy(), images.targets[rows[16:32]])
        assert got.dtype == torch.uint8
        orders.append(rows.tolist())
    assert orders[0] != orders[1]


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_one_cycle_rises_to_its_peak_and_falls_to_nothing(steps):
    rates = [learning_rate("one-cycle", 0.1, step, steps) for step in range(steps)]
    assert max(rates) <= 0.1
    assert rates[0] == pytest.approx(0.004)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if steps == 100:
        assert rates[20] == pytest.approx(0.1)
        assert rates[-1] < 1e-4


def test_cosine_is_keras_own():
    theirs = keras.optimizers.schedules.CosineDecay(0.1, 50)
    for step in range(50):
        assert learning_rate("cosine", 0.1, step, 50) == pytest.approx(
            float(theirs(step)), rel=1e-5
        )
