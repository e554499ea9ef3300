"""Dead units, held against what Keras itself answers."""

import numpy as np

from firstlight.core.diagnosis import LayerUnits
from firstlight.models.backend import import_keras
from firstlight.training import constant_score, relu_units

keras = import_keras()
layers = keras.layers


def test_units_are_dead_where_keras_answers_zero_everywhere():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, activation="relu", name="first"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(5, 3, name="plain"),
            layers.ReLU(name="second"),
            layers.Flatten(),
            layers.Dense(7, name="linear"),
            layers.LeakyReLU(name="leaky"),
            layers.Dense(7, activation="relu", name="third"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    # Some of the units far below zero, and one only just.
    for name, dead in (("first", [0, 4]), ("plain", [1, 2, 3]), ("third", [6])):
        layer = model.get_layer(name)
        bias = np.zeros(layer.bias.shape, "float32")
        bias[dead] = -50
        layer.bias.assign(bias)
    # More than are asked about at once.
    images = np.random.default_rng(0).integers(0, 255, (4000, 8, 8, 1)).astype("uint8")
    found = {one.layer: one for one in relu_units(model, images)}
    assert list(found) == ["first", "second", "third"]
    for name, one in found.items():
        part = keras.Model(model.inputs, model.get_layer(name).output)
        answers = part.predict(images.astype("float32"), verbose=0)
        dead = ~(answers > 0).reshape(-1, answers.shape[-1]).any(axis=0)
        assert one == LayerUnits(name, answers.shape[-1], int(dead.sum()))
        assert one.dead > 0


def test_a_network_without_relu_has_none():
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2, activation="tanh")]
    )
    assert relu_units(model, np.zeros((3, 4, 4, 1), np.uint8)) == ()


def test_the_same_answer_for_all_scores_as_scikit_learn_says():
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error

    random = np.random.default_rng(1)
    classes, others = random.integers(0, 3, 90) // 2, random.integers(0, 3, 40) // 2
    most = DummyClassifier().fit(np.zeros((90, 1)), classes).predict(np.zeros((40, 1)))
    assert np.isclose(constant_score("accuracy", classes, others, 2), accuracy_score(others, most))
    values, new = (random.normal(3, 2, (count, 2)).astype("float32") for count in (90, 40))
    mean = DummyRegressor().fit(np.zeros((90, 1)), values).predict(np.zeros((40, 1)))
    pooled = root_mean_squared_error(new.ravel(), mean.ravel())
    assert np.isclose(constant_score("rmse", values, new, 0), pooled, rtol=1e-5)
    assert np.isclose(constant_score("r2", values, new, 0), r2_score(new, mean), atol=1e-5)
    # Without validation images there is none.
    assert constant_score("accuracy", classes, others[:0], 2) is None
