"""Which of Keras's losses become formulas, by which name, and what is refused."""

import numpy as np
import pytest
import torch
from loss_parity import FUNCTIONS, K, activated, logits_like, number_and_gradient, targets_like
from scipy.special import expit, log_softmax

from firstlight.core.errors import ModelError, NotHonouredError, SettingError
from firstlight.core.losses import LOSSES
from firstlight.models.backend import import_keras
from firstlight.training.losses import FormulaLoss, KerasLoss, formulas, loss_from_keras, make_loss

keras = import_keras()
losses = keras.losses


def test_tensorflow_takes_the_logits_of_any_activation():
    # As measured with Keras on TensorFlow; here the numbers come from SciPy.
    logits, classes = logits_like((6, K), "softmax"), targets_like("classes", (6, K))
    rows = np.eye(K)[classes]
    categorical = -(log_softmax(logits.numpy(), -1) * rows).sum(-1).mean()
    chances = np.where(rows == 1, expit(logits.numpy()), expit(-logits.numpy()))
    binary = -np.log(chances).mean()
    for head in ("softmax", "sigmoid"):
        for options in ({}, {"from_logits": True}):
            one = FormulaLoss(
                formulas.sparse_categorical_crossentropy, head, options, as_tensorflow=True
            )
            two = FormulaLoss(formulas.binary_crossentropy, head, options, as_tensorflow=True)
            assert one(logits, classes).item() == pytest.approx(categorical, rel=1e-5)
            assert two(logits, torch.from_numpy(rows)).item() == pytest.approx(binary, rel=1e-5)


def test_tensorflow_clips_before_it_scales():
    # A last layer without softmax, and `from_logits` forgotten: by hand.
    answers, classes = torch.tensor([[-3.0, 0.5, 7.0]]), torch.tensor([1])
    loss = FormulaLoss(formulas.sparse_categorical_crossentropy, "linear", as_tensorflow=True)
    shares = np.clip([-3.0, 0.5, 7.0], 1e-7, 1 - 1e-7)
    expected = -np.log(shares[1] / shares.sum())
    assert loss(answers, classes).item() == pytest.approx(expected, rel=1e-6)


def test_the_backend_decides_whom_to_follow(monkeypatch):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    logits, classes = logits_like((6, K), "softmax"), targets_like("classes", (6, K))
    twice = loss_from_keras(loss, "softmax")(logits, classes)
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    once = loss_from_keras(loss, "softmax")(logits, classes)
    assert once.item() == pytest.approx(loss(classes, logits).item())
    assert twice.item() == pytest.approx(loss(classes, torch.softmax(logits, -1)).item())
    with pytest.raises(NotHonouredError, match="use categorical_focal_crossentropy"):
        loss_from_keras("binary_focal_crossentropy", "softmax")


def test_a_focal_loss_takes_from_logits_at_its_word_on_tensorflow_too():
    # Measured with Keras on TensorFlow: its focal loss applies the sigmoid again.
    made = [
        FormulaLoss(
            formulas.binary_focal_crossentropy,
            "sigmoid",
            {"from_logits": True},
            as_tensorflow=on_tensorflow,
        )
        for on_tensorflow in (False, True)
    ]
    logits, targets = logits_like((6, K), "sigmoid"), targets_like("flags", (6, K))
    expected = losses.BinaryFocalCrossentropy(from_logits=True)(targets, torch.sigmoid(logits))
    for loss in made:
        assert loss(logits, targets).item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_function_in_the_wrapper_of_a_compiled_model():
    model = keras.Sequential([keras.Input((K,)), keras.layers.Dense(1)])
    for given, kind in ((losses.log_cosh, FormulaLoss), (mean_squared_error, KerasLoss)):
        model.compile(loss=given)
        model.compute_loss(y=torch.zeros(2, 1), y_pred=torch.ones(2, 1))
        (wrapped,) = [entry.loss for entry in model._compile_loss._flat_losses]
        assert type(wrapped).__name__ == "LossFunctionWrapper"
        assert isinstance(loss_from_keras(wrapped, "linear"), kind)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_name_a_function_and_an_object_are_the_same(name):
    kind = "classes" if name.startswith("sparse") else "rows"
    logits, targets = logits_like((6, K), "softmax"), targets_like(kind, (6, K))
    made = [name, getattr(losses, name), type(FUNCTIONS[name]).__name__, FUNCTIONS[name]]
    values = {loss_from_keras(loss, "softmax")(logits, targets).item() for loss in made}
    expected = FUNCTIONS[name](targets, torch.softmax(logits, -1)).item()
    assert len(values) == 1
    assert values.pop() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["mse", "MSE", "mae", "MAE", "mape", "msle", "kld", "bce", "BCE"])
def test_short_names(name):
    logits, targets = logits_like((6, K), "sigmoid"), targets_like("rows", (6, K))
    expected = losses.get(name)(targets, torch.sigmoid(logits)).mean().item()
    loss = loss_from_keras(name, "sigmoid")
    assert loss(logits, targets).item() == pytest.approx(expected, rel=1e-5)


def test_a_saved_configuration():
    kept = losses.serialize(losses.Dice(axis=1))
    loss = loss_from_keras(kept, "sigmoid")
    assert isinstance(loss, FormulaLoss)
    assert loss.options["axis"] == 1


def test_fuzz_factor_of_keras_is_taken():
    logits, targets = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]])
    before = keras.config.epsilon()
    keras.config.set_epsilon(1e-3)
    try:
        for name in ("categorical_crossentropy", "kl_divergence", "poisson"):
            value = loss_from_keras(name, "linear")(logits, targets)
            expected = losses.get(name)(targets, logits).mean()
            assert value.item() == pytest.approx(expected.item(), rel=1e-5)
            assert value.item() < 8
    finally:
        keras.config.set_epsilon(before)


class Cubes(losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)


class OwnHuber(losses.Huber):
    pass


def mean_squared_error(y_true, y_pred):
    """A user's function that has the name of one of Keras's."""
    return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)


@pytest.mark.parametrize("own", [Cubes(), mean_squared_error], ids=["class", "function"])
def test_a_loss_of_the_users_own_is_called_as_it_is(own):
    loss = loss_from_keras(own, "sigmoid")
    assert isinstance(loss, KerasLoss)
    value, gradient = number_and_gradient(
        lambda x: loss(x, torch.tensor([[1], [0]]), torch.tensor([1.0, 3.0])), torch.zeros(2, 1)
    )
    # By hand: |1 - 0.5|^3 and |0 - 0.5|^3, weighted 1 and 3, over two images.
    assert value.item() == pytest.approx(0.25)
    assert gradient.flatten().tolist() == pytest.approx([-3 / 32, 9 / 32])


def test_subclasses_and_losses_without_a_formula_are_called_as_they_are():
    assert isinstance(loss_from_keras(OwnHuber(), "linear"), KerasLoss)
    circle = losses.Circle()
    logits, classes = logits_like((6, K), "sigmoid"), targets_like("classes", (6, K))
    loss = loss_from_keras(circle, "sigmoid")
    assert isinstance(loss, KerasLoss)
    assert loss(logits, classes) == circle(classes, torch.sigmoid(logits))


@pytest.mark.parametrize("own", [Cubes(), OwnHuber(), mean_squared_error, losses.Circle()])
def test_what_is_not_keras_is_refused_on_other_backends(own, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(NotHonouredError, match="backend is jax: set KERAS_BACKEND=torch"):
        loss_from_keras(own, "linear")


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (losses.MeanSquaredError(reduction=None), "mean_squared_error has reduction=None"),
        (Cubes(reduction="none"), "has reduction='none'"),
        ("crossentropy", "use sparse_categorical_crossentropy for class numbers"),
        (None, "compiled without a loss"),
        ("mean_squared_errors", "Keras knows no loss 'mean_squared_errors'"),
        (3, "Keras knows no loss 3"),
    ],
)
def test_refused_by_name(loss, words):
    with pytest.raises(NotHonouredError, match=words):
        loss_from_keras(loss, "linear")


@pytest.mark.parametrize(
    ("name", "answers", "targets"),
    [
        ("mse", (5, 3), (5,)),
        ("mse", (5, 3), (5, 2)),
        ("categorical_crossentropy", (5, 3), (5, 1)),
        ("binary_crossentropy", (5, 3), (5, 1)),
        ("sparse_categorical_crossentropy", (2, 4, 4, 3), (2, 4, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_named(name, answers, targets):
    with pytest.raises(
        ModelError, match=r"cannot compare answers of shape \(.*make the last layer"
    ):
        loss_from_keras(name, "softmax")(torch.zeros(answers), torch.zeros(targets))


def test_weights_of_images_do_not_fit_pixels():
    # Keras would weigh the columns of the picture where it has as many as the batch has images.
    loss = loss_from_keras("sparse_categorical_crossentropy", "softmax")
    with pytest.raises(ModelError, match="weights of shape"):
        loss(torch.zeros(3, 3, 3, K), torch.zeros(3, 3, 3), torch.ones(3))


@pytest.mark.parametrize("name", [name for name in LOSSES if "classify" in LOSSES[name].tasks])
@pytest.mark.parametrize("head", ["softmax", "sigmoid", "linear"])
def test_losses_of_classes_by_name(name, head):
    logits, classes = logits_like((6, K), head, 0.3), targets_like("classes", (6, K))
    of_numbers = name.startswith(("sparse", "categorical_generalized"))
    targets = classes if of_numbers else torch.eye(K)[classes]
    theirs = FUNCTIONS.get(name, losses.CategoricalGeneralizedCrossEntropy())
    weights = torch.rand(6)
    ours = make_loss(name, head, K, classify=True)
    for given in (None, weights):
        expected = theirs(targets, activated(logits, head), sample_weight=given)
        assert ours(logits, classes, given).item() == pytest.approx(expected.item(), rel=1e-5)


OF_VALUES = {name for name, use in LOSSES.items() if "measure" in use.tasks}


# Keras has no loss of values with spreads: that is held against SciPy elsewhere.
@pytest.mark.parametrize("name", sorted(OF_VALUES - {"gaussian"}))
def test_losses_of_values_by_name(name):
    logits, targets = logits_like((6, 2), "linear"), targets_like("counts", (6, 2))
    ours = make_loss(name, "linear", 2, classify=False)(logits, targets.float())
    assert ours.item() == pytest.approx(FUNCTIONS[name](targets, logits).item(), rel=1e-5)


@pytest.mark.parametrize("name", ["binary_crossentropy", "binary_focal_crossentropy", "hinge"])
def test_one_answer_for_two_classes(name):
    logits, classes = logits_like((6, 1), "sigmoid"), torch.tensor([0, 1, 1, 0, 1, 0])
    ours = make_loss(name, "sigmoid", 1, classify=True)(logits, classes)
    expected = FUNCTIONS[name](classes[:, None], torch.sigmoid(logits))
    assert ours.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "classify", "words"),
    [
        ("categorical_crossentropy", False, "compares classes.*use mean_squared_error"),
        ("hinge", False, "compares classes"),
        ("poisson", True, "compares measured numbers.*use categorical_crossentropy"),
    ],
)
def test_losses_of_the_other_task_are_refused(name, classify, words):
    with pytest.raises(SettingError, match=words):
        make_loss(name, "linear", 2, classify)


class OwnSparse(losses.SparseCategoricalCrossentropy):
    pass


def test_weights_stay_as_they_were_given():
    # Keras on torch multiplies them in place by what is not ignored.
    loss, weights = loss_from_keras(OwnSparse(ignore_class=1), "softmax"), torch.ones(6)
    logits, classes = logits_like((6, K), "softmax"), targets_like("classes", (6, K))
    assert isinstance(loss, KerasLoss)
    loss(logits, classes, weights)
    assert weights.tolist() == [1.0] * 6
