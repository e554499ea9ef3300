"""Optimizers beside their steps: missing gradients, averages, constraints, what is refused."""

import math

import numpy as np
import pytest
import torch
from optimizer_parity import (
    RATE,
    SHAPES,
    assert_same,
    in_keras_order,
    make_keras,
    make_variables,
    make_weights,
    move,
    move_keras,
    number,
)

from firstlight.core.errors import NotHonouredError, TrainingError
from firstlight.models.backend import import_keras
from firstlight.training import lower
from firstlight.training.optimizers import optimizer_from_keras

keras = import_keras()


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
