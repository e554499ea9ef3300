"""Optimizers against Keras's own on the same gradients, and there and back again."""

import itertools

import pytest
import torch
from optimizer_parity import (
    RATE,
    assert_same,
    gradients,
    in_keras_order,
    make_keras,
    make_variables,
    make_weights,
    move,
    move_keras,
    number,
)

from firstlight.core.settings import OPTIMIZERS, WITH_MOMENTUM
from firstlight.models.backend import import_keras
from firstlight.training import lower
from firstlight.training.optimizers import make_optimizer, optimizer_from_keras
from firstlight.training.optimizers.by_name import KINDS, option_names

keras = import_keras()


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


def write_weights(weights):
    for weight in weights:
        weight.variable.assign(in_keras_order(weight).copy())


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
