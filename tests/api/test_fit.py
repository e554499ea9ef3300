"""`firstlight.fit` beside Keras's own `fit`: the same model, the same data, the same history."""

import warnings

import numpy as np
import pytest
from fitted_both_ways import COUNT, assert_same, both_ways, images, network, plain

import firstlight as fl
from firstlight.core.errors import EngineWarning, SettingError
from firstlight.models.backend import import_keras

keras = import_keras()
layers = keras.layers


def one_hot(targets):
    return np.eye(4, dtype="float32")[targets]


def two_heads():
    """Two images in; a class and a number out."""
    keras.utils.set_random_seed(1)
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    shared = layers.Conv2D(4, 3, activation="relu")
    both = layers.Concatenate()([layers.Flatten()(shared(left)), layers.Flatten()(shared(right))])
    kind = layers.Dense(4, activation="softmax", name="kind")(both)
    size = layers.Dense(1, name="size")(both)
    return keras.Model([left, right], [kind, size])


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
