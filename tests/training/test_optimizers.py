"""Optimizers against Keras's own on the same gradients, and there and back again."""

import itertools
import math

import numpy as np
import pytest
import torch

from firstlight.core.errors import NotHonouredError, TrainingError
from firstlight.core.settings import OPTIMIZERS, WITH_MOMENTUM
from firstlight.models.backend import import_keras
from firstlight.training import lower
from firstlight.training.lowered import Weight
from firstlight.training.optimizers import make_optimizer, optimizer_from_keras
from firstlight.training.optimizers.by_name import KINDS, option_names

keras = import_keras()
SHAPES = {"conv_kernel": (3, 3, 2, 4), "matrix": (5, 3), "embedding": (4, 6), "bias": (7,)}
# As lowering turns kernels round.
AXES = {4: (3, 2, 0, 1), 2: (1, 0), 1: None}
RATE = float(np.float32(0.01))
HALF = 4
CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.9, "epsilon": 1e-5}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("RMSprop", {"centered": True}),
    ("Adam", {}),
    ("Adam", {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3, "amsgrad": True}),
    ("Adam", {"weight_decay": 0.5}),
    ("AdamW", {}),
    ("Nadam", {}),
    ("Nadam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}),
    ("Adamax", {}),
    ("Adamax", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4}),
    ("Adadelta", {"rho": 0.9, "epsilon": 1e-5}),
    ("Adagrad", {"initial_accumulator_value": 0.3, "epsilon": 1e-3}),
    ("Adafactor", {}),
    ("Adafactor", {"beta_2_decay": -0.5, "clip_threshold": 0.5, "relative_step": False}),
    ("Adafactor", {"epsilon_1": 1e-4, "epsilon_2": 0.5}),
    ("Lion", {}),
    ("Lion", {"beta_1": 0.5, "beta_2": 0.7}),
    ("Ftrl", {}),
    (
        "Ftrl",
        {
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.2,
            "l1_regularization_strength": 0.01,
            "l2_regularization_strength": 0.02,
            "l2_shrinkage_regularization_strength": 0.03,
            "beta": 0.1,
        },
    ),
    ("Lamb", {}),
    ("Lamb", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Muon", {}),
    ("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 3, "momentum": 0.8}),
    ("Muon", {"muon_a": 1.875, "muon_b": -1.25, "muon_c": 0.375, "exclude_embeddings": False}),
    (
        "Muon",
        {
            "exclude_layers": ["matr"],
            "adam_lr_ratio": 0.5,
            "adam_weight_decay": None,
            "adam_beta_1": 0.8,
            "adam_beta_2": 0.9,
            "epsilon": 1e-4,
        },
    ),
]
SHARED = [
    {"weight_decay": 2.0},
    {"clipnorm": 0.5},
    {"clipvalue": 0.2},
    {"global_clipnorm": 0.7},
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"loss_scale_factor": 64.0},
    {
        "gradient_accumulation_steps": 3,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "weight_decay": 2.0,
        "clipnorm": 0.3,
        "loss_scale_factor": 8.0,
    },
]
# One that keeps little, one fused, one with a scalar of its own, two that see matrices.
SOME = [
    ("SGD", {"momentum": 0.9}),
    ("Adam", {"amsgrad": True}),
    ("Nadam", {}),
    ("Adafactor", {}),
    ("Muon", {}),
]


def label(part):
    return "-".join(map(str, itertools.chain(*part.items()))) if isinstance(part, dict) else part


def make_variables(**options):
    generator = np.random.default_rng(3)
    return [
        keras.Variable(0.3 * generator.normal(size=shape).astype("float32"), name=name, **options)
        for name, shape in SHAPES.items()
    ]


def make_weights(variables):
    weights = []
    for variable in variables:
        array = number(variable)
        axes = AXES[array.ndim]
        tensor = torch.from_numpy(array.transpose(axes or range(array.ndim)).copy())
        if tensor.dim() == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        weights.append(Weight(torch.nn.Parameter(tensor), variable, axes))
    return weights


def number(variable):
    return keras.ops.convert_to_numpy(variable.value).copy()


def in_keras_order(weight):
    array = weight.tensor.detach().numpy()
    return array if weight.axes is None else array.transpose(np.argsort(weight.axes))


def gradients(step, size=1.0):
    generator = np.random.default_rng(100 + step)
    return [(size * generator.normal(size=shape)).astype("float32") for shape in SHAPES.values()]


def move_keras(optimizer, variables, steps, size=1.0):
    for step in steps:
        optimizer.apply([torch.from_numpy(one) for one in gradients(step, size)], variables)


def move(optimizer, steps, size=1.0):
    for step in steps:
        for weight, gradient in zip(optimizer.weights, gradients(step, size), strict=True):
            turned = gradient.transpose(weight.axes or range(gradient.ndim))
            weight.tensor.grad = torch.empty_like(weight.tensor).copy_(torch.from_numpy(turned))
        optimizer.step(RATE)


def write_weights(weights):
    for weight in weights:
        weight.variable.assign(in_keras_order(weight).copy())


def make_keras(name, options):
    return getattr(keras.optimizers, name)(learning_rate=0.01, **options)


def assert_same(ours, theirs, starts):
    """Equal to 1e-5 of how far a weight came, give or take the last bits of the weight."""
    for one, other, start in zip(ours, theirs, starts, strict=True):
        moved = np.abs(other - start).max()
        assert moved > 1e-9
        bits = 12 * np.finfo("float32").eps * np.abs(start).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * moved + bits)


def compare(name, options, size=1.0):
    """All steps by Keras, all by us, and half of them by one after the other."""
    variables = make_variables()
    starts = [number(variable) for variable in variables]
    theirs = make_keras(name, options)
    weights = make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    move_keras(theirs, variables, range(2 * HALF), size)
    expected = [number(variable) for variable in variables]
    move(ours, range(2 * HALF), size)
    assert_same(map(in_keras_order, weights), expected, starts)

    variables = make_variables()
    theirs, weights = make_keras(name, options), make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    move(ours, range(HALF), size)
    ours.write_back()
    write_weights(weights)
    assert int(theirs._iterations.value) == HALF
    move_keras(theirs, variables, range(HALF, 2 * HALF), size)
    assert_same(map(number, variables), expected, starts)

    variables = make_variables()
    theirs = make_keras(name, options)
    move_keras(theirs, variables, range(HALF), size)
    weights = make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    assert ours.taken == HALF
    move(ours, range(HALF, 2 * HALF), size)
    assert_same(map(in_keras_order, weights), expected, starts)


# Tiny gradients tell where each of the two puts its epsilon.
@pytest.mark.parametrize("size", [1.0, 1e-4], ids=["usual", "tiny"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=label)
def test_steps_are_keras_own_there_and_back(name, options, size):
    compare(name, options, size)


@pytest.mark.parametrize("shared", SHARED, ids=label)
@pytest.mark.parametrize(("name", "options"), SOME, ids=label)
def test_shared_options_are_keras_own_there_and_back(name, options, shared):
    compare(name, options | shared)


def test_every_name_has_its_optimizer_and_every_optimizer_a_case():
    assert sorted(KINDS) == sorted(OPTIMIZERS) == sorted({name.lower() for name, _ in CASES})
    with_momentum = {name for name, kind in KINDS.items() if "momentum" in option_names(kind)}
    assert with_momentum == set(WITH_MOMENTUM)


def small_network():
    layers = [keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 3), keras.layers.Flatten()]
    return lower(keras.Sequential([*layers, keras.layers.Dense(2)]))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_by_name_are_keras_own(name):
    ours = make_optimizer(name, small_network())
    theirs = getattr(keras.optimizers, type(ours).__name__)()
    like_theirs = optimizer_from_keras(theirs, ours.weights)

    def plain(optimizer):
        left = ("weights", "tensors", "moments", "origin", "endless")
        return {key: value for key, value in vars(optimizer).items() if key not in left}

    assert plain(ours) == plain(like_theirs)


@pytest.mark.parametrize("name", WITH_MOMENTUM)
def test_momentum_and_weight_decay_by_name(name):
    network = small_network()
    ours = make_optimizer(name, network, momentum=0.7, weight_decay=0.3)
    assert (ours.momentum, ours.shared.weight_decay) == (0.7, 0.3)
    assert make_optimizer(name, network, weight_decay=0.0).shared.weight_decay == 0.0


@pytest.mark.parametrize(
    ("name", "options"),
    [*CASES, ("SGD", SHARED[-1]), ("Adam", SHARED[-1])],
    ids=label,
)
def test_restored_optimizer_goes_on_bit_for_bit(name, options):
    def start():
        return optimizer_from_keras(make_keras(name, options), make_weights(make_variables()))

    whole, parted, resumed = start(), start(), start()
    move(whole, range(2 * HALF))
    move(parted, range(HALF))
    resumed.restore(parted.state())
    for one, other in zip(resumed.tensors, parted.tensors, strict=True):
        one.data.copy_(other)
    move(resumed, range(HALF, 2 * HALF))
    assert resumed.taken == 2 * HALF
    for one, other, early in zip(whole.tensors, resumed.tensors, parted.tensors, strict=True):
        assert torch.equal(one, other)
        assert not torch.equal(one, early)


def test_weight_without_gradient_is_left_alone_as_by_keras():
    options = {"weight_decay": 2.0, "use_ema": True, "ema_momentum": 0.5}
    variables = make_variables()
    starts = [number(variable) for variable in variables]
    theirs = make_keras("Adam", options)
    weights = make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    for step in range(3):
        given = [torch.from_numpy(one) for one in gradients(step)]
        for weight, gradient in zip(weights, given, strict=True):
            turned = gradient.permute(weight.axes) if weight.axes else gradient
            weight.tensor.grad = torch.empty_like(weight.tensor).copy_(turned)
        if step == 1:
            weights[1].tensor.grad = given[1] = None
            before = weights[1].tensor.detach().clone()
            with pytest.warns(UserWarning, match="Gradients do not exist for variables"):
                theirs.apply(given, variables)
        else:
            theirs.apply(given, variables)
        ours.step(RATE)
        if step == 1:
            assert torch.equal(weights[1].tensor, before)
    assert_same(map(in_keras_order, weights), map(number, variables), starts)
    theirs.finalize_variable_values(variables)
    ours.finish()
    assert_same(map(in_keras_order, weights), map(number, variables), starts)


def test_step_without_any_gradient_is_refused():
    optimizer = optimizer_from_keras(make_keras("SGD", {}), make_weights(make_variables()))
    with pytest.raises(TrainingError, match="no weight received a gradient"):
        optimizer.step(RATE)


def test_average_is_put_in_at_the_end_as_by_keras():
    options = {"use_ema": True, "ema_momentum": 0.5}
    variables = make_variables()
    starts = [number(variable) for variable in variables]
    theirs, weights = make_keras("SGD", options), make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    move_keras(theirs, variables, range(3))
    move(ours, range(3))
    last = [in_keras_order(weight).copy() for weight in weights]
    theirs.finalize_variable_values(variables)
    ours.finish()
    assert_same(map(in_keras_order, weights), map(number, variables), starts)
    assert not np.allclose(last[0], in_keras_order(weights[0]))


@pytest.mark.parametrize("name", ["SGD", "AdamW", "Muon"])
def test_weights_left_out_of_decay(name):
    variables = make_variables()
    starts = [number(variable) for variable in variables]
    theirs = make_keras(name, {"weight_decay": 5.0})
    theirs.exclude_from_weight_decay(var_list=[variables[1]], var_names=["bias", "kern"])
    weights = make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    assert [decay > 0 for decay in ours.decays] == [False, False, True, False]
    move_keras(theirs, variables, range(4))
    move(ours, range(4))
    assert_same(map(in_keras_order, weights), map(number, variables), starts)


@pytest.mark.parametrize(
    "constraint",
    [
        keras.constraints.MaxNorm(0.3, axis=[0, 1, 2]),
        keras.constraints.MinMaxNorm(0.2, 0.5, rate=0.6, axis=2),
        keras.constraints.NonNeg(),
        keras.constraints.UnitNorm(axis=0),
    ],
    ids=lambda constraint: type(constraint).__name__,
)
def test_constraints_hold_after_each_step(constraint):
    variables = make_variables()
    starts = [number(variable) for variable in variables]
    variables[0].constraint = constraint
    theirs, weights = make_keras("SGD", {}), make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    move_keras(theirs, variables, range(4))
    move(ours, range(4))
    assert_same(map(in_keras_order, weights), map(number, variables), starts)


class MyAdam(keras.optimizers.Adam):
    pass


class MyConstraint(keras.constraints.NonNeg):
    pass


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (MyAdam, "optimizer MyAdam cannot be honoured: it is not one of Keras's own"),
        (
            lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
            "optimizer LossScaleOptimizer cannot be honoured: its scale",
        ),
        (
            lambda: keras.optimizers.MultiOptimizer({}),
            "optimizer MultiOptimizer cannot be honoured: the engine moves all",
        ),
        (keras.optimizers.ScheduleFreeAdamW, "optimizer ScheduleFreeAdamW cannot be honoured"),
    ],
)
def test_what_has_no_equal_is_refused_by_name(make, words):
    with pytest.raises(NotHonouredError, match=words):
        optimizer_from_keras(make(), make_weights(make_variables()))


def test_optimizer_built_for_other_weights_is_refused():
    theirs = make_keras("Adam", {})
    theirs.build(make_variables())
    with pytest.raises(NotHonouredError, match="Adam was built for other weights than conv_kernel"):
        optimizer_from_keras(theirs, make_weights(make_variables()))


def test_constraint_of_the_users_own_is_refused():
    variables = make_variables()
    variables[1].constraint = MyConstraint()
    with pytest.raises(NotHonouredError, match="weight matrix has the constraint MyConstraint"):
        optimizer_from_keras(make_keras("SGD", {}), make_weights(variables))


def test_infinite_gradient_shows_under_global_clipnorm():
    theirs, variables = make_keras("SGD", {"global_clipnorm": 1.0}), make_variables()
    weights = make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    # One infinite gradient, in the first weight, makes all of them not a number.
    given = [torch.full(shape, 1.0) for shape in SHAPES.values()]
    given[0].fill_(math.inf)
    for weight, gradient in zip(weights, given, strict=True):
        turned = gradient.permute(weight.axes) if weight.axes else gradient
        weight.tensor.grad = torch.empty_like(weight.tensor).copy_(turned)
    ours.step(RATE)
    theirs.apply(given, variables)
    assert np.isnan(number(variables[3])).all()
    assert torch.isnan(weights[3].tensor).all()


@pytest.mark.parametrize("name", ["Adam", "Muon", "Nadam"])
def test_first_step_is_as_long_as_keras_makes_it_in_single_precision(name):
    variables = make_variables()
    for variable in variables:
        variable.assign(1e-3 * number(variable))
    starts = [number(variable) for variable in variables]
    theirs, weights = make_keras(name, {"weight_decay": 0.0}), make_weights(variables)
    ours = optimizer_from_keras(theirs, weights)
    move_keras(theirs, variables, [0])
    move(ours, [0])
    for weight, variable, start in zip(weights, variables, starts, strict=True):
        moved = number(variable) - start
        np.testing.assert_allclose(in_keras_order(weight) - start, moved, rtol=2e-6, atol=1e-9)


@pytest.mark.slow
def test_fit_goes_on_where_the_engine_stopped():
    """Through a model: its own variables, in the order in which it was built by `fit`."""
    keras.utils.set_random_seed(4)
    generator = np.random.default_rng(2)
    x = generator.normal(size=(16, 4, 4, 2)).astype("float32")
    y = generator.normal(size=(16, 2)).astype("float32")

    def compiled():
        layers = [keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 3), keras.layers.Flatten()]
        model = keras.Sequential([*layers, keras.layers.Dense(2)])
        model.compile(keras.optimizers.Nadam(0.01), "mse")
        return model

    whole, parted = compiled(), compiled()
    parted.set_weights(whole.get_weights())
    starts = whole.get_weights()
    options = {"batch_size": 16, "verbose": 0, "shuffle": False}
    whole.fit(x, y, epochs=6, **options)
    parted.fit(x, y, epochs=2, **options)
    network = lower(parted)
    optimizer = optimizer_from_keras(parted.optimizer, network.weights())
    for _ in range(2):
        answers = network(torch.from_numpy(x))
        (answers - torch.from_numpy(y)).square().mean().backward()
        optimizer.step(RATE)
    network.write_back()
    optimizer.write_back()
    parted.fit(x, y, epochs=2, **options)
    for one, other, start in zip(parted.get_weights(), whole.get_weights(), starts, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other - start).max() + 1e-7)
