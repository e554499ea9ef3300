"""Losses against Keras's own objects: the number and, by autograd through Keras, the gradient."""

import pytest
import torch
from loss_parity import FUNCTIONS, K, activated, logits_like, number_and_gradient, targets_like

from firstlight.models.backend import import_keras
from firstlight.training.losses import FormulaLoss, loss_from_keras

keras = import_keras()
losses = keras.losses


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
