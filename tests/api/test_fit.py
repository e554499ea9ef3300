"""`firstlight.fit` beside Keras's own `fit`: the same model, the same data, the same history."""

import csv
import warnings

import numpy as np
import pytest

import firstlight as fl
from firstlight.core.errors import EngineWarning, SettingError
from firstlight.models.backend import import_keras

keras = import_keras()
layers = keras.layers
COUNT = 120


def images(count=COUNT, seed=0):
    """Images whose class is the row, of four, that is bright, and the class numbers."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 4, count)
    pixels = generator.normal(0, 0.3, (count, 8, 8, 1))
    pixels[np.arange(count), 2 * targets] += 1.0
    return pixels.astype("float32"), targets


def one_hot(targets):
    return np.eye(4, dtype="float32")[targets]


def network(outputs=4, activation="softmax"):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
            layers.MaxPooling2D(2),
            layers.BatchNormalization(momentum=0.9),
            layers.Flatten(),
            layers.Dense(outputs, activation=activation),
        ]
    )


def two_heads():
    """Two images in; a class and a number out."""
    keras.utils.set_random_seed(1)
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    shared = layers.Conv2D(4, 3, activation="relu")
    both = layers.Concatenate()([layers.Flatten()(shared(left)), layers.Flatten()(shared(right))])
    kind = layers.Dense(4, activation="softmax", name="kind")(both)
    size = layers.Dense(1, name="size")(both)
    return keras.Model([left, right], [kind, size])


def both_ways(make, data, compiled, **options):
    """History and weights after `firstlight.fit` and after Keras's `fit`, from one start."""
    ends = []
    for ours in (True, False):
        model = make()
        model.compile(**compiled())
        asked = {"epochs": 3, "batch_size": 32, "shuffle": False, "verbose": 0}
        asked |= {key: value() if callable(value) else value for key, value in options.items()}
        history = fl.fit(model, *data, **asked) if ours else model.fit(*data, **asked)
        ends.append((history, model))
    return ends


def assert_same(ends, rtol=2e-3):
    (ours, our_model), (theirs, their_model) = ends
    assert list(ours.history) == list(theirs.history)
    assert ours.epoch == theirs.epoch
    assert ours.params == theirs.params
    for name, values in theirs.history.items():
        np.testing.assert_allclose(ours.history[name], values, rtol=rtol, atol=1e-5, err_msg=name)
    pairs = zip(our_model.get_weights(), their_model.get_weights(), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=rtol, atol=2e-4)


def plain(**more):
    return {
        "optimizer": keras.optimizers.SGD(0.05, momentum=0.9),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
    } | more


@pytest.mark.parametrize(
    "compiled",
    [
        plain,
        lambda: plain(optimizer=keras.optimizers.Adam(0.01)),
        lambda: plain(
            optimizer=keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9))
        ),
        lambda: plain(optimizer=keras.optimizers.SGD(0.05, clipnorm=0.1, weight_decay=0.01)),
        lambda: plain(metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]),
        lambda: plain(metrics=None, weighted_metrics=["accuracy"]),
    ],
    ids=["plain", "adam", "schedule", "clipped", "metrics", "weighted"],
)
def test_history_and_weights_are_those_of_keras(compiled):
    assert_same(both_ways(network, images(), compiled, validation_split=0.25))


def test_one_hot_targets_and_label_smoothing():
    pixels, targets = images()

    def compiled():
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
        return plain(loss=loss, metrics=["accuracy", keras.metrics.AUC(name="auc")])

    assert_same(both_ways(network, (pixels, one_hot(targets)), compiled))


def test_values_are_measured_too():
    pixels, targets = images()
    data = pixels, targets.astype("float64")

    def compiled():
        metrics = ["mae", keras.metrics.RootMeanSquaredError()]
        return plain(loss="mse", metrics=metrics, optimizer=keras.optimizers.SGD(0.01))

    assert_same(both_ways(lambda: network(1, None), data, compiled))


def test_images_may_lack_the_axis_of_one_channel_and_hold_doubles():
    pixels, targets = images()
    assert_same(both_ways(network, (pixels[..., 0].astype("float64"), targets), plain))


def test_an_image_of_another_size_is_refused_in_words():
    model = network()
    model.compile(**plain())
    pixels, targets = images()
    fl.fit(model, pixels, targets, verbose=0)
    with pytest.raises(ValueError, match=r"takes inputs of shape \(8, 8, 1\)"):
        fl.fit(model, pixels[:, :7], targets, verbose=0)


@pytest.mark.parametrize(
    "options",
    [
        {"class_weight": {0: 3.0, 2: 0.5}},
        {"sample_weight": np.linspace(0, 2, COUNT)},
        {"validation_data": (*images(40, seed=2), np.linspace(0, 2, 40))},
        {"validation_data": images(40, seed=2), "validation_freq": 2},
        {"validation_data": images(40, seed=2), "validation_batch_size": 7, "validation_steps": 2},
        {"initial_epoch": 1, "validation_split": 0.5},
        {"steps_per_epoch": 2},
    ],
    ids=" ".join,
)
def test_every_option_of_fit_does_what_it_does_in_keras(options):
    compiled = lambda: plain(weighted_metrics=["accuracy"])  # noqa: E731
    assert_same(both_ways(network, images(), compiled, **options))


@pytest.mark.parametrize("by_name", [True, False])
def test_several_inputs_and_outputs(by_name):
    # Batches of one size: on TensorFlow, Keras's mean of an output's loss does not weigh them.
    pixels, targets = images(128)
    sizes = np.linspace(-1, 1, 128)
    if by_name:
        data = {"left": pixels, "right": pixels[::-1]}, {"kind": targets, "size": sizes}
        loss = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
        weights, metrics = {"kind": 1.0, "size": 0.5}, {"kind": ["accuracy"], "size": ["mae"]}
    else:
        data = [pixels, pixels[::-1]], [targets, sizes]
        loss = ["sparse_categorical_crossentropy", "mse"]
        weights, metrics = [1.0, 0.5], [["accuracy"], ["mae"]]

    def compiled():
        return plain(loss=loss, loss_weights=weights, metrics=metrics)

    assert_same(both_ways(two_heads, data, compiled, validation_split=0.25))


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_an_output_without_a_loss_is_left_alone():
    pixels, targets = images()
    data = [pixels, pixels[::-1]], [targets]

    def compiled():
        return plain(loss=["sparse_categorical_crossentropy", None], metrics=None)

    assert_same(both_ways(two_heads, data, compiled))


def test_keras_goes_on_where_it_stopped_and_the_other_way_round():
    pixels, targets = images()
    kept = {"batch_size": 32, "shuffle": False, "verbose": 0, "epochs": 2}
    ends = []
    for first, second in (("ours", "theirs"), ("theirs", "ours"), ("theirs", "theirs")):
        model = network()
        model.compile(**plain(optimizer=keras.optimizers.Adam(0.01)))
        for way in (first, second):
            history = (
                fl.fit(model, pixels, targets, **kept)
                if way == "ours"
                else model.fit(pixels, targets, **kept)
            )
        assert int(keras.ops.convert_to_numpy(model.optimizer.iterations.value)) == 16
        ends.append((history, model))
    assert_same((ends[0], ends[2]))
    assert_same((ends[1], ends[2]))


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


def batches(data, size=32):
    for start in range(0, COUNT, size):
        yield tuple(array[start : start + size] for array in data)


def test_generators_and_data_loaders_are_data_too():
    import torch

    data = images()
    model = network()
    model.compile(**plain())
    from_arrays = fl.fit(model, *data, batch_size=32, shuffle=False, verbose=0).history
    tensors = torch.utils.data.TensorDataset(*map(torch.from_numpy, data))
    for source in (batches(data), torch.utils.data.DataLoader(tensors, batch_size=32)):
        model = network()
        model.compile(**plain())
        history = fl.fit(model, source, shuffle=False, steps_per_epoch=4, verbose=0).history
        assert history["loss"] == pytest.approx(from_arrays["loss"], rel=1e-5)


def test_a_model_without_an_input_layer_is_built_for_the_data():
    model = keras.Sequential([layers.Flatten(), layers.Dense(4, activation="softmax")])
    model.compile(**plain())
    history = fl.fit(model, *images(), epochs=5, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_shuffling_follows_the_seed_of_keras():
    losses = []
    for seed in (3, 3, 4):
        model = network()
        model.compile(**plain())
        keras.utils.set_random_seed(seed)
        losses.append(fl.fit(model, *images(), epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_the_progress_bar_is_keras_own(capsys):
    model = network()
    model.compile(**plain())
    fl.fit(model, *images(), epochs=2, verbose=2, validation_split=0.5)
    out = capsys.readouterr().out
    assert "Epoch 2/2" in out
    assert "val_accuracy" in out


class OwnStep(keras.Model):
    def train_step(self, *arguments):
        return super().train_step(*arguments)


class OwnAdam(keras.optimizers.Adam):
    pass


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", keras.losses.sparse_categorical_crossentropy]
)
def test_nothing_common_is_left_to_keras(loss, monkeypatch):
    """Else each comparison above would be one of Keras with Keras."""
    model = network()
    model.compile(**plain(loss=loss))
    in_keras = []
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **options: in_keras.append(options))
    history = fl.fit(model, *images(), verbose=0)
    assert in_keras == []
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("case", ["train_step", "OwnAdam"])
def test_what_has_no_equal_is_named_and_left_to_keras(case):
    base = network()
    model = OwnStep(base.inputs, base.outputs) if case == "train_step" else base
    model.compile(**plain(optimizer=OwnAdam(0.01) if case == "OwnAdam" else "sgd"))
    start = model.get_weights()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EngineWarning)
        history = fl.fit(model, *images(), epochs=2, validation_split=0.25, verbose=0)
    said = [str(one.message) for one in caught if one.category is EngineWarning]
    assert len(said) == 1
    assert case in said[0]
    assert "Keras's own fit trains the model" in said[0]
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert not np.array_equal(model.get_weights()[0], start[0])


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(SettingError, match=r"call model\.compile"):
        fl.fit(network(), *images())
