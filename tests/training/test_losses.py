"""Losses against Keras's own objects: the number and, by autograd through Keras, the gradient."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax

from firstlight.core.errors import ModelError, NotHonouredError, SettingError
from firstlight.core.losses import LOSSES
from firstlight.models.backend import import_keras
from firstlight.training.losses import FormulaLoss, KerasLoss, formulas, loss_from_keras, make_loss

keras = import_keras()
losses = keras.losses
K = 4


def logits_like(shape, head, scale=2.0, seed=0):
    """Random logits; positive numbers where nothing activates them."""
    numbers = np.random.default_rng(seed).normal(size=shape) * scale
    return torch.from_numpy((np.abs(numbers) if head == "linear" else numbers).astype("float32"))


def targets_like(kind, shape, seed=1):
    """Targets of a kind for answers of `shape`."""
    random = np.random.default_rng(seed)
    classes = random.integers(0, shape[-1], shape[:-1])
    made = {
        "classes": classes,
        "rows": np.eye(shape[-1], dtype="float32")[classes],
        "shares": random.dirichlet(np.ones(shape[-1]), shape[:-1]).astype("float32"),
        "flags": random.integers(0, 2, shape),
        "signs": 2.0 * random.integers(0, 2, shape) - 1,
        "values": random.normal(size=shape).astype("float32") * 2,
        "counts": random.poisson(3.0, shape),
    }
    return torch.from_numpy(np.asarray(made[kind]))


def activated(logits, head):
    if head == "linear":
        return logits
    return torch.sigmoid(logits) if head == "sigmoid" else torch.softmax(logits, -1)


def number_and_gradient(loss, logits):
    point = logits.clone().requires_grad_()
    value = loss(point)
    value.backward()
    return value.detach(), point.grad


def agrees(loss, head, logits, targets, weights=None, rel=1e-5, moves=True):
    """Our number and gradient are those of Keras's loss of the activated logits."""
    ours = loss_from_keras(loss, head)
    assert isinstance(ours, FormulaLoss)
    theirs = losses.get(loss)
    if not isinstance(theirs, losses.Loss):
        theirs = FUNCTIONS[theirs.__name__]

    def keras_number(answers):
        # A copy: Keras on torch multiplies the weights that it was given by its mask.
        given = None if weights is None else weights.clone()
        return theirs(targets, activated(answers, head), sample_weight=given)

    value, gradient = number_and_gradient(lambda x: ours(x, targets, weights), logits)
    if theirs.fn is losses.sparse_categorical_crossentropy and ours.options.get("axis", -1) == -1:
        # Keras on torch has no gradient of class numbers on maps (3.15: "must be contiguous"), but
        # it has their number. As rows the pixels mean the same.
        torch.testing.assert_close(value, keras_number(logits), rtol=rel, atol=1e-6)
        logits, targets = logits.flatten(0, -2), targets.flatten()
        gradient = gradient.flatten(0, -2)
        weights = None if weights is None else weights.flatten()
    expected = number_and_gradient(keras_number, logits)
    assert expected[0].isfinite()
    # Keras gives a float64 loss back as float32.
    assert value.dtype == ours.dtype
    torch.testing.assert_close(value.to(expected[0].dtype), expected[0], rtol=rel, atol=1e-6)
    assert not moves or expected[1].abs().max() > 0
    torch.testing.assert_close(gradient, expected[1], rtol=10 * rel, atol=1e-6)


FUNCTIONS = {
    name: getattr(losses, "".join(word.capitalize() for word in name.split("_")))()
    for name in """mean_squared_error mean_absolute_error mean_absolute_percentage_error log_cosh
    mean_squared_logarithmic_error cosine_similarity huber poisson hinge squared_hinge dice
    categorical_hinge categorical_crossentropy binary_crossentropy binary_focal_crossentropy
    sparse_categorical_crossentropy categorical_focal_crossentropy tversky""".split()
} | {"kl_divergence": losses.KLDivergence()}
C = losses
CASES = [
    (C.CategoricalCrossentropy(), "softmax", "rows"),
    (C.CategoricalCrossentropy(), "softmax", "shares"),
    (C.CategoricalCrossentropy(), "sigmoid", "rows"),
    (C.CategoricalCrossentropy(), "linear", "rows"),
    (C.CategoricalCrossentropy(label_smoothing=0.2), "softmax", "rows"),
    (C.CategoricalCrossentropy(from_logits=True), "linear", "rows"),
    (C.CategoricalCrossentropy(from_logits=True), "softmax", "rows"),
    (C.CategoricalCrossentropy(axis=1), "softmax", "rows"),
    (C.CategoricalCrossentropy(from_logits=True, axis=1), "linear", "rows"),
    (C.SparseCategoricalCrossentropy(), "softmax", "classes"),
    (C.SparseCategoricalCrossentropy(), "sigmoid", "classes"),
    (C.SparseCategoricalCrossentropy(), "linear", "classes"),
    (C.SparseCategoricalCrossentropy(from_logits=True), "linear", "classes"),
    (C.SparseCategoricalCrossentropy(from_logits=True), "softmax", "classes"),
    (C.SparseCategoricalCrossentropy(ignore_class=1), "softmax", "classes"),
    (C.SparseCategoricalCrossentropy(ignore_class=1, reduction="sum"), "softmax", "classes"),
    (C.SparseCategoricalCrossentropy(ignore_class=0), "linear", "classes"),
    (C.BinaryCrossentropy(), "sigmoid", "flags"),
    (C.BinaryCrossentropy(), "softmax", "flags"),
    (C.BinaryCrossentropy(label_smoothing=0.3), "sigmoid", "flags"),
    (C.BinaryCrossentropy(from_logits=True), "linear", "flags"),
    (C.BinaryCrossentropy(from_logits=True), "sigmoid", "flags"),
    (C.BinaryCrossentropy(axis=1), "sigmoid", "flags"),
    (C.CategoricalFocalCrossentropy(), "softmax", "rows"),
    (C.CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.3, 0.4], gamma=1.5), "softmax", "rows"),
    (C.CategoricalFocalCrossentropy(alpha=0.5, label_smoothing=0.1), "sigmoid", "rows"),
    (C.CategoricalFocalCrossentropy(from_logits=True), "linear", "rows"),
    (C.CategoricalFocalCrossentropy(from_logits=True), "softmax", "rows"),
    (C.CategoricalFocalCrossentropy(axis=1), "softmax", "rows"),
    (C.BinaryFocalCrossentropy(), "sigmoid", "flags"),
    (C.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.4), "sigmoid", "flags"),
    (C.BinaryFocalCrossentropy(gamma=3.0, label_smoothing=0.2), "sigmoid", "flags"),
    (C.BinaryFocalCrossentropy(from_logits=True), "linear", "flags"),
    (C.BinaryFocalCrossentropy(from_logits=True), "sigmoid", "flags"),
    (C.BinaryFocalCrossentropy(), "softmax", "flags"),
    (C.BinaryFocalCrossentropy(axis=1), "sigmoid", "flags"),
    (C.CategoricalGeneralizedCrossEntropy(q=0.7), "softmax", "classes"),
    (C.KLDivergence(), "softmax", "shares"),
    (C.KLDivergence(), "sigmoid", "rows"),
    (C.Poisson(), "linear", "counts"),
    (C.MeanSquaredError(), "linear", "values"),
    (C.MeanSquaredError(), "softmax", "rows"),
    (C.MeanAbsoluteError(), "sigmoid", "values"),
    (C.MeanAbsolutePercentageError(), "linear", "counts"),
    (C.MeanSquaredLogarithmicError(), "linear", "values"),
    (C.Huber(), "linear", "values"),
    (C.Huber(delta=0.3), "linear", "values"),
    (C.LogCosh(), "linear", "values"),
    (C.CosineSimilarity(), "linear", "values"),
    (C.CosineSimilarity(axis=1), "linear", "values"),
    (C.Hinge(), "linear", "signs"),
    (C.Hinge(), "sigmoid", "flags"),
    (C.SquaredHinge(), "linear", "flags"),
    (C.SquaredHinge(), "linear", "values"),
    (C.CategoricalHinge(), "linear", "rows"),
    (C.Dice(), "sigmoid", "flags"),
    (C.Dice(axis=-1), "softmax", "rows"),
    (C.Tversky(alpha=0.3, beta=0.7), "sigmoid", "flags"),
    (C.Tversky(axis=-1), "softmax", "rows"),
]


def named(case):
    options = ", ".join(f"{key}={value}" for key, value in case[0]._fn_kwargs.items())
    return f"{type(case[0]).__name__}({options}) behind {case[1]}, {case[2]}"


@pytest.mark.parametrize("shape", [(6, K), (2, K, K, K)], ids=["rows", "maps"])
@pytest.mark.parametrize(("loss", "head", "kind"), CASES, ids=map(named, CASES))
def test_number_and_gradient_are_keras(loss, head, kind, shape):
    logits, targets = logits_like(shape, head), targets_like(kind, shape)
    agrees(loss, head, logits, targets)
    values = loss_from_keras(loss, head).each(logits, targets)
    weights = torch.rand(values.shape or (shape[0],), generator=torch.manual_seed(3))
    agrees(loss, head, logits, targets, weights)


@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"]
)
@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 0.0, 1.0), (0.0,) * 4])
def test_reductions_with_weights(reduction, weights):
    logits, targets = logits_like((4, 3), "linear"), targets_like("values", (4, 3))
    if weights is not None and not any(weights):
        loss = loss_from_keras(losses.MeanSquaredError(reduction=reduction), "linear")
        assert loss(logits, targets, torch.tensor(weights)) == 0
        return
    for columns in (False, True):
        given = None if weights is None else torch.tensor(weights)
        given = given[:, None] if columns and weights is not None else given
        agrees(losses.MeanSquaredError(reduction=reduction), "linear", logits, targets, given)


def test_weights_are_divided_by_images_and_not_by_weights():
    # By hand: squares 1 and 4, weights 3 and 1.
    logits, targets = torch.tensor([[1.0], [2.0]]), torch.zeros(2, 1)
    weights = torch.tensor([3.0, 1.0])
    found = {
        reduction: loss_from_keras(losses.MeanSquaredError(reduction=reduction), "linear")(
            logits, targets, weights
        ).item()
        for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight")
    }
    assert found == {"sum_over_batch_size": 3.5, "sum": 7.0, "mean_with_sample_weight": 1.75}


@pytest.mark.parametrize(
    ("answers", "targets"),
    [((5, 1), (5,)), ((5,), (5, 1)), ((2, 3, 3, 1), (2, 3, 3)), ((5, 3), (5, 1)), ((5, 1), (5, 3))],
)
@pytest.mark.parametrize("kind", ["values", "counts"])
def test_ranks_and_whole_numbers_are_brought_together_as_in_keras(answers, targets, kind):
    agrees("mse", "linear", logits_like(answers, "linear"), targets_like(kind, targets))


def test_ranks_of_single_answers():
    logits = logits_like((5, 1), "sigmoid")
    agrees("binary_crossentropy", "sigmoid", logits, torch.tensor([0, 1, 1, 0, 1]))


def test_class_numbers_in_a_column_or_as_floats():
    logits, classes = logits_like((6, K), "softmax"), targets_like("classes", (6, K))
    agrees("sparse_categorical_crossentropy", "softmax", logits, classes[:, None])
    agrees("sparse_categorical_crossentropy", "softmax", logits, classes.float())
    # Keras pairs every image with every label here; its documentation means this.
    loss = loss_from_keras(losses.CategoricalGeneralizedCrossEntropy(), "softmax")
    assert loss(logits, classes[:, None]) == loss(logits, classes)


@pytest.mark.parametrize("axis", [-1, 1])
def test_class_numbers_along_another_axis(axis):
    loss = losses.SparseCategoricalCrossentropy(axis=axis, ignore_class=2)
    agrees(loss, "sigmoid", logits_like((2, K, K), "sigmoid"), targets_like("classes", (2, K, K)))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_ignored_class_with_weights(reduction):
    shape = (2, 3, 3, K)
    logits, targets = logits_like(shape, "softmax"), targets_like("classes", shape)
    targets[0, :2] = 255
    loss = losses.SparseCategoricalCrossentropy(ignore_class=255, reduction=reduction)
    agrees(loss, "softmax", logits, targets)
    agrees(loss, "softmax", logits, targets, torch.rand(2, 3, 3))
    ours = loss_from_keras(loss, "softmax")
    assert ours(logits, torch.full_like(targets, 255)) == 0


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_dtype_of_the_computation(dtype):
    logits, targets = logits_like((6, K), "linear"), targets_like("values", (6, K))
    rel = {"float64": 1e-7, "float16": 1e-3, "bfloat16": 1e-2}[dtype]
    agrees(losses.Huber(dtype=dtype), "linear", logits, targets, rel=rel)


def test_logits_in_half_precision_are_activated_in_single():
    logits, classes = logits_like((6, K), "sigmoid"), targets_like("classes", (6, K))
    loss = loss_from_keras("sparse_categorical_crossentropy", "sigmoid")
    half = logits.bfloat16()
    assert loss(half, classes) == loss(half.float(), classes)


# Answers of exactly 0 and 1, a target on either side.
SURE = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
SURE_TARGETS = torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - {"sparse_categorical_crossentropy"}))
def test_answers_of_exactly_0_and_1(name):
    agrees(name, "linear", SURE, SURE_TARGETS, moves=False)


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - {"sparse_categorical_crossentropy"}))
@pytest.mark.parametrize("scale", [30.0, 1e4])
def test_large_answers_of_either_sign(name, scale):
    numbers = scale * torch.tensor([[1.0, -0.5, 0.25, 0.9], [-1.0, 0.5, -0.75, 0.1]])
    probabilities = "crossentropy" in name or name in ("poisson", "kl_divergence")
    targets = torch.tensor([[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    agrees(name, "linear", numbers.abs() if probabilities else numbers, targets, moves=False)


def test_answers_too_short_for_a_direction():
    answers = torch.tensor([[3e-9, -4e-9], [3e-6, -4e-6]])
    agrees("cosine_similarity", "linear", answers, torch.tensor([[1.0, 2.0], [1.0, 2.0]]))


def test_a_zero_answer_has_a_cosine_with_a_gradient():
    # Keras's gradient is not a number there.
    loss = loss_from_keras("cosine_similarity", "linear")
    value, gradient = number_and_gradient(
        lambda x: loss(x, torch.ones(2, 3)), torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    )
    assert value.item() == pytest.approx(-0.5)
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("CategoricalCrossentropy", "softmax", "rows"),
        ("SparseCategoricalCrossentropy", "softmax", "classes"),
        ("BinaryCrossentropy", "sigmoid", "flags"),
    ],
)
@pytest.mark.parametrize("scale", [10.0, 100.0])
def test_beyond_keras_clipping_the_logits_decide(name, head, kind, scale):
    # Keras is exact where it is given the logits; behind an activation it clips at 1e-7.
    logits, targets = logits_like((8, K), head, scale), targets_like(kind, (8, K))
    exact = getattr(losses, name)(from_logits=True)
    ours = loss_from_keras(getattr(losses, name)(), head)
    value, gradient = number_and_gradient(lambda x: ours(x, targets), logits)
    expected = number_and_gradient(lambda x: exact(targets, x), logits)
    torch.testing.assert_close((value, gradient), expected, rtol=1e-5, atol=1e-7)
    clipped = getattr(losses, name)()(targets, activated(logits, head))
    assert value > clipped + 0.1


def test_binary_focal_beyond_keras_clipping():
    # By hand: a logit of -40 where the answer is yes: sigmoid(40)^2 times 40.
    loss = loss_from_keras("binary_focal_crossentropy", "sigmoid")
    value, gradient = number_and_gradient(
        lambda x: loss(x, torch.ones(1, 1)), torch.full((1, 1), -40.0)
    )
    assert value.item() == pytest.approx(40.0)
    assert gradient.item() == pytest.approx(-1.0)


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
