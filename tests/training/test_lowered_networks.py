"""Parity with Keras for whole networks: graphs, training steps, what is left to Keras."""

import re

import numpy as np
import pytest
import torch
from parity import IMAGE, answer, branched, keras_answer, pictures, shaken
from torch.nn import functional as F

from firstlight.core.errors import ModelError
from firstlight.models.backend import import_keras
from firstlight.training.lowering import lower, not_lowered

keras = import_keras()
L = keras.layers


def test_functional_graph_answers_as_keras():
    model = shaken(branched(), 0.05)
    network = lower(model)
    assert network.in_keras == []
    assert network.head == "softmax"
    images = pictures((8, 8, 3))
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), rtol=1e-4)


def test_a_training_step_moves_the_weights_as_keras_does():
    # Small weights, since Keras clips probabilities below 1e-7 where we have logits.
    model = shaken(branched(), 0.05)
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    images, targets = pictures((8, 8, 3), 16), np.arange(16) % 3
    network = lower(model).train()
    loss = F.cross_entropy(network(torch.from_numpy(images)), torch.from_numpy(targets))
    loss.backward()
    torch.optim.SGD(network.parameters(), 0.01).step()
    network.write_back()
    twin.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    keras_loss = twin.train_on_batch(images, targets)
    assert loss.item() == pytest.approx(float(keras_loss), rel=1e-5)
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_regularisers_are_in_the_penalty():
    layer = L.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.1), bias_regularizer="l2")
    model = shaken(keras.Sequential([keras.Input((4,)), layer]))
    kernel, bias = model.get_weights()
    by_hand = 0.01 * np.abs(kernel).sum() + 0.1 * (kernel**2).sum() + 0.01 * (bias**2).sum()
    assert lower(model).penalty().item() == pytest.approx(by_hand, rel=1e-5)


def test_what_keras_own_layers_add_to_the_loss_is_that_of_the_last_batch():
    model = keras.Sequential([keras.Input((4,)), L.ActivityRegularization(l1=0.1, l2=0.2)])
    network = lower(model).train()
    for seed in range(2):
        rows = pictures((4,), count=5, seed=seed)
        network(torch.from_numpy(rows))
        by_hand = (0.1 * np.abs(rows).sum() + 0.2 * (rows**2).sum()) / 5
        assert network.penalty().item() == pytest.approx(by_hand, rel=1e-5)


def test_frozen_layers_do_not_train():
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(2)])
    model.layers[0].trainable = False
    trained = [weight for weight in lower(model).parameters() if weight.requires_grad]
    assert [tuple(weight.shape) for weight in trained] == [(2, 3), (2,)]


def test_pooling_goes_before_relu_only_where_nothing_else_reads_it():
    chain = [keras.Input(IMAGE), L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D()]
    network = lower(keras.Sequential(chain))
    names = [type(network.parts[step.part]).__name__ for step in network._steps]
    assert names == ["Convolution", "MaxPooling", "Activation"]
    image = keras.Input(IMAGE)
    relu = L.ReLU()(image)
    both = L.Concatenate()([L.UpSampling2D(1)(relu), relu])
    pooled = L.MaxPooling2D()(relu)
    model = keras.Model(image, L.Concatenate()([L.MaxPooling2D()(both), pooled]))
    images = pictures(IMAGE)
    np.testing.assert_allclose(answer(lower(model), images), keras_answer(model, images))


class Doubled(keras.layers.Layer):
    """A layer that firstlight has never heard of."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return 2 * x * self.factor


def test_an_unknown_layer_runs_as_keras_own_and_trains():
    model = keras.Sequential([keras.Input((6, 6, 2)), L.Conv2D(3, 3), Doubled(), L.Flatten()])
    network = lower(model).train()
    assert [re.sub(r"_\d+", "", line) for line in network.in_keras] == [
        "layer doubled (Doubled) is of a kind that has no lowering"
    ]
    images = pictures((6, 6, 2))
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), atol=1e-5)
    network.train()(torch.from_numpy(images)).sum().backward()
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    before = model.layers[1].get_weights()[0].copy()
    optimizer.step()
    network.write_back()
    assert not np.allclose(before, model.layers[1].get_weights()[0])
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (
            lambda: L.Conv2D(3, 3, kernel_regularizer=keras.regularizers.OrthogonalRegularizer()),
            "has the regulariser OrthogonalRegularizer",
        ),
        (lambda: L.Dense(3, activity_regularizer="l2"), "has an activity regulariser"),
        (lambda: L.Dense(3, activation="sparsemax"), "has the activation sparsemax"),
        (lambda: L.Softmax(axis=1), "is a softmax over an axis other than the last"),
        (lambda: L.UpSampling2D(2, interpolation="bicubic"), "interpolates by bicubic"),
        (lambda: L.Conv2D(3, 3, dtype="mixed_bfloat16"), "computes in mixed_bfloat16"),
    ],
)
def test_an_option_without_lowering_is_named_and_still_right(layer, reason):
    model = shaken(keras.Sequential([keras.Input(IMAGE), layer()]))
    network = lower(model)
    assert network.in_keras[0].endswith(reason)
    images = pictures(IMAGE)
    np.testing.assert_allclose(
        answer(network, images), keras_answer(model, images), rtol=1e-4, atol=1e-4
    )


class Paired(keras.Model):
    """A model with code of its own: two inputs, two answers."""

    def __init__(self):
        super().__init__(name="paired")
        self.left, self.right = L.Dense(3, name="left"), L.Dense(2)
        self.left.trainable = False

    def call(self, inputs, training=False):
        one, two = inputs
        return self.left(one), self.right(two) + (5.0 if training else 0.0)


def test_a_model_with_code_of_its_own_runs_whole_and_trains():
    model = Paired()
    with pytest.raises(ModelError, match=r"keras\.Input"):
        lower(model)
    inputs = [pictures((4,)), pictures((5,))]
    theirs = [keras.ops.convert_to_numpy(x) for x in model(inputs)]
    network = lower(model).eval()
    assert network.in_keras == ["model paired (Paired) is a model with code of its own"]
    assert network.in_keras == not_lowered(model)
    assert network.heads == ("linear", "linear")
    tensors = [torch.from_numpy(x) for x in inputs]
    for one, other in zip(network(*tensors), theirs, strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other, rtol=1e-6)
    np.testing.assert_allclose(
        network.train()(*tensors)[1].detach().numpy(), theirs[1] + 5.0, rtol=1e-5
    )
    assert {weight.variable.path for weight in network.weights()} == {
        variable.path for variable in model.right.trainable_variables
    }


def test_an_unbuilt_model_is_refused():
    with pytest.raises(ModelError, match=r"keras\.Input"):
        lower(keras.Sequential([L.Dense(3)]))


def test_a_model_that_masks_runs_whole():
    steps = [keras.Input((7, 3)), L.Masking(), L.Dropout(0.1), L.GlobalAveragePooling1D()]
    model = keras.Sequential(steps, name="masked")
    network = lower(model)
    assert network.in_keras == ["model masked (Sequential) masks time steps"]
    rows = pictures((7, 3))
    rows[:, 4:] = 0.0
    by_hand = rows[:, :4].mean(1)
    np.testing.assert_allclose(answer(network, rows), by_hand, rtol=1e-5)


def test_a_layer_of_keras_own_knows_whether_it_trains():
    class Noisy(keras.layers.Layer):
        def call(self, x, training=False):
            return x + 1.0 if training else x

    class Holding(keras.layers.Layer):
        """Says nothing about training itself, but holds a layer that wants to know."""

        def __init__(self):
            super().__init__()
            self.inner = Noisy()

        def call(self, x):
            return self.inner(x)

    network = lower(keras.Sequential([keras.Input((2,)), Noisy(), Holding()]))
    assert network.eval()(torch.zeros(1, 2)).tolist() == [[0.0, 0.0]]
    assert network.train()(torch.zeros(1, 2)).tolist() == [[2.0, 2.0]]


def several():
    """Two inputs of different rank; a softmax, a sigmoid that is used again, a picture."""
    image, row = keras.Input((8, 8, 3)), keras.Input((5,))
    trunk = L.Conv2D(4, 3, activation="relu")(image)
    flat = L.Concatenate()([L.Flatten()(L.MaxPooling2D()(trunk)), row])
    gate = L.Dense(4, activation="sigmoid")(flat)
    answer = L.Dense(3, activation="softmax")(L.Multiply()([gate, gate]))
    return keras.Model([row, image], [answer, gate, trunk])


def test_several_inputs_and_outputs_answer_as_keras():
    model = shaken(several(), 0.1)
    network = lower(model).eval()
    assert network.in_keras == []
    assert network.heads == ("softmax", "sigmoid", "linear")
    inputs = [pictures((5,)), pictures((8, 8, 3))]
    with torch.no_grad():
        logits = network(*[torch.from_numpy(x) for x in inputs])
        ours = network.answers(logits)
    theirs = model(inputs, training=False)
    assert [x.shape for x in ours] == [x.shape for x in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other.detach(), rtol=1e-4, atol=1e-6)
    # The heads are cut off, so that losses see logits.
    np.testing.assert_allclose(torch.softmax(logits[0], -1), theirs[0].detach(), rtol=1e-4)
    np.testing.assert_allclose(torch.sigmoid(logits[1]), theirs[1].detach(), rtol=1e-4)


def test_training_takes_one_input_and_one_output():
    with pytest.raises(ModelError, match="2 inputs and 3 outputs"):
        lower(several()).require_single()
    lower(branched()).require_single()


def test_inputs_and_outputs_by_name_come_in_the_order_of_keras():
    one, two = keras.Input((3,), name="b"), keras.Input((3,), name="a")
    model = keras.Model({"b": one, "a": two}, {"y": one - two, "x": one * 2.0})
    rows = {"b": pictures((3,)), "a": pictures((3,), seed=1)}
    ours = lower(model)(*[torch.from_numpy(rows[place.name]) for place in model.inputs])
    theirs = model(rows)
    np.testing.assert_allclose(ours[0], theirs["x"].detach())
    np.testing.assert_allclose(ours[1], theirs["y"].detach())


def test_an_output_of_a_nested_model_that_is_not_its_last_layer():
    image = keras.Input((4,))
    inner_in = keras.Input((4,))
    early = L.Dense(3)(inner_in)
    inner = keras.Model(inner_in, [early, L.Dense(2)(early)])
    model = shaken(keras.Model(image, inner(image)[0]))
    rows = pictures((4,))
    np.testing.assert_allclose(answer(lower(model), rows), keras_answer(model, rows), rtol=1e-5)


def test_a_nested_model_with_a_call_of_its_own_is_not_taken_apart():
    class Twice(keras.Model):
        def call(self, x):
            return 2.0 * super().call(x)

    inner_in = keras.Input((4,))
    inner = Twice(inner_in, L.Dense(3)(inner_in), name="twice")
    row = keras.Input((4,))
    model = shaken(keras.Model(row, L.Dense(2)(inner(row))))
    network = lower(model)
    assert network.in_keras == ["model twice (Twice) is a model with code of its own"]
    rows = pictures((4,))
    np.testing.assert_allclose(answer(network, rows), keras_answer(model, rows), rtol=1e-5)


def test_weights_stand_in_the_order_of_parameters_and_name_their_variables():
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), L.Conv2D(3, 3), Doubled(), L.Flatten(), L.Dense(2)]
    )
    model.layers[0].trainable = False
    network = lower(model)
    trained = [tensor for tensor in network.parameters() if tensor.requires_grad]
    weights = network.weights()
    assert all(one is weight.tensor for one, weight in zip(trained, weights, strict=True))
    assert [weight.variable.path for weight in weights] == [
        variable.path for variable in model.trainable_variables
    ]
    for weight in weights:
        array = keras.ops.convert_to_numpy(weight.variable.value)
        array = array.transpose(weight.axes or range(array.ndim))
        np.testing.assert_array_equal(weight.tensor.detach().numpy(), array)


def test_read_takes_what_keras_has_learned_meanwhile():
    model = shaken(keras.Sequential([keras.Input(IMAGE), L.Conv2D(3, 3), L.BatchNormalization()]))
    network = lower(model)
    parameters = list(network.parameters())
    shaken(model, 0.7)
    images = pictures(IMAGE)
    before = answer(network, images)
    network.read()
    np.testing.assert_allclose(answer(network, images), keras_answer(model, images), rtol=1e-4)
    assert not np.allclose(before, answer(network, images))
    assert all(one is other for one, other in zip(parameters, network.parameters(), strict=True))


def test_what_is_not_lowered_is_said_without_lowering():
    image = keras.Input(IMAGE)
    layer = L.Conv2D(6, 3, padding="same", activation="sparsemax", name="own")
    model = keras.Model(image, keras.ops.cumsum(layer(layer(image)), axis=1))
    assert [re.sub(r"_\d+", "", line) for line in not_lowered(model)] == [
        "layer own (Conv2D) has the activation sparsemax",
        "layer cumsum (Cumsum) is an operation that has no lowering",
    ]
    assert not_lowered(branched()) == []


def test_a_network_in_float64_answers_exactly():
    model = keras.Sequential([keras.Input((9,)), L.Dense(40, "tanh"), L.Dense(3, "softmax")])
    images = np.random.default_rng(0).normal(size=(20, 9))
    (first, shift, second, end) = (array.astype(np.float64) for array in model.get_weights())
    powers = np.exp(np.tanh(images @ first + shift) @ second + end)
    network = lower(model).double()
    answers = network.answers(network(torch.from_numpy(images))).detach().numpy()
    np.testing.assert_allclose(answers, powers / powers.sum(1, keepdims=True), rtol=1e-12)


def test_images_of_any_type_enter_a_network_in_float32():
    model = keras.Sequential([keras.Input((4, 4, 1)), L.Flatten(), L.Dense(2)])
    network = lower(model)
    images = np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1)
    for kind in (np.uint8, np.int16, np.float64):
        answers = network(torch.from_numpy(images.astype(kind)))
        assert answers.dtype == torch.float32
        np.testing.assert_allclose(
            answers.detach(), model.predict(images, verbose=0), rtol=1e-5, atol=1e-5
        )
