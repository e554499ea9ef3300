"""Callbacks of `fit` do what they do in Keras."""

import csv

import numpy as np
import pytest
from fitted_both_ways import assert_same, both_ways, images, network, plain

import firstlight as fl
from firstlight.models.backend import import_keras

keras = import_keras()
layers = keras.layers


def test_early_stopping_brings_back_the_best_weights():
    stopping = lambda: [keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)]  # noqa: E731
    ends = both_ways(
        network,
        images(),
        lambda: plain(optimizer=keras.optimizers.SGD(0.8)),
        callbacks=stopping,
        epochs=12,
        # Nothing that can be learned: its loss soon rises.
        validation_data=(images(40, seed=2)[0], images(40, seed=3)[1]),
    )
    assert len(ends[0][0].epoch) < 12
    assert_same(ends, rtol=2e-2)


def test_the_learning_rate_follows_plateaus_and_schedulers():
    def callbacks():
        return [
            keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=0, min_delta=10.0),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ]

    ends = both_ways(network, images(), plain, callbacks=callbacks)
    assert ends[0][0].history["learning_rate"] == ends[1][0].history["learning_rate"]
    assert_same(ends)


@pytest.mark.parametrize("freq", ["epoch", 3])
def test_model_checkpoints_hold_the_weights_of_their_moment(tmp_path, freq):
    saved = []
    for ours in (True, False):
        place = tmp_path / str(ours)
        model = network()
        model.compile(**plain())
        name = "{epoch}.weights.h5" if freq == "epoch" else "{epoch}-{batch}.weights.h5"
        callback = keras.callbacks.ModelCheckpoint(
            place / name, save_weights_only=True, save_freq=freq
        )
        fitting = {"epochs": 2, "batch_size": 32, "shuffle": False, "verbose": 0}
        data = images()
        if ours:
            fl.fit(model, *data, callbacks=[callback], **fitting)
        else:
            model.fit(*data, callbacks=[callback], **fitting)
        files = sorted(place.iterdir())
        for file in files:
            model.load_weights(file)
            saved.append((file.name, model.get_weights()))
    half = len(saved) // 2
    assert half >= 2
    for (name, one), (other_name, other) in zip(saved[:half], saved[half:], strict=True):
        assert name == other_name
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_a_csv_log_holds_the_history(tmp_path):
    model = network()
    model.compile(**plain())
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fl.fit(model, *images(), epochs=2, callbacks=[log], verbose=0)
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == pytest.approx(history.history["loss"])
    assert [float(row["accuracy"]) for row in rows] == pytest.approx(history.history["accuracy"])


def test_what_a_callback_does_to_the_weights_counts():
    class Zero(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights([0 * weight for weight in self.model.get_weights()])

    class Halve(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.set_weights([weight / 2 for weight in self.model.get_weights()])

    class HalveBefore(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.set_weights([weight / 2 for weight in self.model.get_weights()])

    for own in (Zero, Halve, HalveBefore):
        assert_same(both_ways(network, images(), plain, callbacks=lambda own=own: [own()]))


def test_batch_callbacks_see_loss_and_metrics_of_every_batch():
    seen = {True: [], False: []}
    for ours in (True, False):
        model = network()
        model.compile(**plain())
        note = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, ours=ours: seen[ours].append((batch, dict(logs)))
        )
        asked = {"epochs": 2, "batch_size": 32, "shuffle": False, "verbose": 0, "callbacks": [note]}
        fl.fit(model, *images(), **asked) if ours else model.fit(*images(), **asked)
    assert len(seen[True]) == len(seen[False]) == 8
    for (batch, logs), (other_batch, other_logs) in zip(seen[True], seen[False], strict=True):
        assert batch == other_batch
        assert logs == pytest.approx({k: float(v) for k, v in other_logs.items()}, rel=2e-3)


def test_training_ends_on_nan_where_it_is_asked_to():
    model = network()
    model.compile(**plain(optimizer=keras.optimizers.SGD(1e30)))
    watch = keras.callbacks.TerminateOnNaN()
    history = fl.fit(model, *images(), epochs=5, callbacks=[watch], verbose=0)
    assert len(history.epoch) == 1


def test_an_interrupted_fit_leaves_the_model_as_far_as_it_came():
    def stop(batch, logs):
        if batch == 1:
            raise KeyboardInterrupt

    model = network()
    start = model.get_weights()
    model.compile(**plain())
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    with pytest.raises(KeyboardInterrupt):
        fl.fit(model, *images(), batch_size=32, callbacks=[callback], verbose=0)
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations.value)) == 2
    assert not np.array_equal(model.get_weights()[0], start[0])
