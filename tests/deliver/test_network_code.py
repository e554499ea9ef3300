"""Networks as code: what it builds is the network, configured alike, with the same answers."""

import numpy as np
import pytest

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.deliver import calls_in_order, in_form, write_network
from firstlight.models import (
    RECIPES,
    answer_in_units,
    build_layers,
    build_model,
    import_keras,
    prepare_model,
    walk,
)
from firstlight.models.graph import graph_of

keras = import_keras()
L, ops = keras.layers, keras.ops
GENERATOR = np.random.default_rng(0)


def pictures(shape=(28, 28, 1), count=5, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape)).astype("uint8")


def code_of(model, image_shape):
    return write_network(model, [row.makes for row in walk(model, image_shape)])


def built_from(code):
    namespace = {"keras": keras, "layers": L}
    exec(code, namespace)
    return namespace["network"]


def in_order(model):
    """The layers and operations of a model, each once, one branch after the other."""
    graph = graph_of(model)
    every = [graph.calls[number].layer for number in calls_in_order(graph)]
    return list({id(layer): layer for layer in every if layer is not None}.values())


def configured(layer):
    """A layer's class and configuration without the names that Keras gives by itself."""
    config = layer.get_config()
    for part in ("name", "build_config"):
        config.pop(part, None)
    return type(layer).__name__, config


def check(model, image_shape, inputs, code=None):
    """Hold what the code builds against the model: configurations, weights, answers."""
    made = built_from(code or code_of(model, image_shape))
    ours, theirs = in_order(model), in_order(made)
    assert [configured(one) for one in ours] == [configured(one) for one in theirs]
    for weight in model.weights:
        weight.assign(np.abs(GENERATOR.normal(0.1, 0.1, weight.shape)))
    for one, other in zip(ours, theirs, strict=True):
        if hasattr(one, "weights"):
            other.set_weights(one.get_weights())
    inputs = inputs if isinstance(inputs, list) else [inputs]
    expected = ops.convert_to_numpy(model(in_form(model, inputs)))
    # The very same sums in the very same order.
    np.testing.assert_array_equal(ops.convert_to_numpy(made(in_form(made, inputs))), expected)
    return made


@pytest.mark.parametrize("preparation", ["rescale", "standardise", "asinh"])
@pytest.mark.parametrize("name", ["compact", "intermediate", "residual"])
def test_recipes_with_each_preparation(name, preparation):
    images = pictures()
    model = prepare_model(build_model(name, (28, 28, 1), 10, "classify"), preparation, images)
    made = check(model, (28, 28, 1), images.astype("float32"))
    assert isinstance(made, keras.Sequential) == (name != "residual" and preparation != "asinh")


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_that_measure_in_units(name):
    images = pictures((40, 32, 3), 2)
    model = prepare_model(build_model(name, (40, 32, 3), 2, "measure"), "standardise", images)
    model = answer_in_units(model, np.array([[4000.0, 1.5], [6000.0, 0.5]]))
    code = code_of(model, (40, 32, 3))
    assert 'layers.Rescaling([1000.0, 0.5], offset=[5000.0, 1.0], name="units")' in code
    check(model, (40, 32, 3), images.astype("float32"))


@pytest.mark.parametrize("preparation", ["rescale", "asinh"])
def test_numbers_beside_the_image(preparation):
    images, side = pictures((28, 28, 2)), np.arange(10, dtype="float32").reshape(5, 2)
    model = build_model("simple", (28, 28, 4), 3, "classify")
    model = prepare_model(model, preparation, images, side)
    made = check(model, (28, 28, 2), [images.astype("float32"), side])
    assert [tensor.name for tensor in made.inputs] == ["image", "side"]


def test_shared_layers_and_models_in_models_are_written_once():
    shared = L.Conv2D(4, 3, padding="same", kernel_regularizer=keras.regularizers.L2(0.01))
    inner = keras.Sequential([keras.Input((6, 6, 4)), L.BatchNormalization(), L.ReLU(6.0)])
    inner.trainable = False
    image = keras.Input((6, 6, 4))
    joined = L.Concatenate()([inner(shared(image)), inner(shared(shared(image)))])
    last = L.Dense(3, "sigmoid", kernel_initializer=keras.initializers.HeNormal(seed=4))
    model = keras.Model(image, last(L.Flatten()(joined)))
    assert code_of(model, (6, 6, 4)).count("layers.Conv2D(") == 1
    made = check(model, (6, 6, 4), pictures((6, 6, 4)).astype("float32"))
    assert len(made.trainable_weights) == len(model.trainable_weights) == 4


def test_operations_on_tensors():
    image = keras.Input((6, 5, 2))
    bright = ops.maximum(image[:, 1:, :, ::2], 0.5) * 2.0 - 1.0
    spread = ops.mean(ops.square(bright), axis=(1, 2), keepdims=True) ** 0.5
    both = ops.concatenate([bright / (spread + 1.0), ops.clip(bright, -1.0, 1.0)], axis=-1)
    model = keras.Model(image, L.Dense(2)(ops.reshape(ops.arcsinh(both), (-1, 50))))
    code = write_network(model, [()] * (len(graph_of(model).calls) - 1))
    assert "[:, 1:, :, ::2]" in code
    check(model, (6, 5, 2), pictures((6, 5, 2)).astype("float32"), code)


def test_an_array_of_numbers_is_not_written():
    image = keras.Input((4,))
    model = keras.Model(image, L.Dense(2)(image) * np.array([1.0, 2.0], "float32"))
    with pytest.raises(ModelError, match="takes an array of numbers, which is not written"):
        code_of(model, (4,))


def test_a_normalisation_that_was_adapted_keeps_what_it_learned():
    images = pictures((4, 3, 2)).astype("float32")
    for axis in (-1, (1, 3), None):
        normal = L.Normalization(axis=axis)
        normal.adapt(images)
        model = keras.Sequential([keras.Input((4, 3, 2)), normal, L.Flatten()])
        made = built_from(code_of(model, (4, 3, 2)))
        expected = ops.convert_to_numpy(model(images))
        np.testing.assert_allclose(ops.convert_to_numpy(made(images)), expected, rtol=1e-6)


ODD = 'a"b\'c\n""") + __import__("os") + (('


def test_names_from_a_file_never_become_code():
    image = keras.Input((4,), name=ODD)
    model = keras.Model(image, L.Dense(2, name=ODD + "2")(image) + L.Dense(2)(image))
    code = code_of(model, (4,))
    made = built_from(code)
    assert made.layers[1].name == ODD + "2"
    assert code.count("\n") == 4
    chain = build_layers([Layer("Flatten", {"name": "x\\"}), Layer("Dense", {"units": 1})], (4,), 1)
    assert built_from(code_of(chain, (4,))).layers[0].name == "x\\"


class Doubled(L.Layer):
    """A layer of the user's own."""

    def call(self, x):
        return 2 * x


def own_curve(x):
    return x


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Doubled(name="mine"), r"layer mine \(Doubled\) is none of Keras's own, so the program"),
        (
            L.Dense(3, activation=own_curve, name="mine"),
            r"layer mine \(Dense\) cannot be written as code",
        ),
        (
            L.Dense(3, kernel_regularizer=keras.regularizers.OrthogonalRegularizer(), name="mine"),
            r"layer mine \(Dense\) cannot be written as code: OrthogonalRegularizer cannot",
        ),
    ],
)
def test_what_cannot_be_written_is_named(layer, message):
    model = keras.Sequential([keras.Input((4,)), layer])
    with pytest.raises(ModelError, match=message) as caught:
        write_network(model, [(3,)])
    assert "xport the network with --to keras" in str(caught.value)
