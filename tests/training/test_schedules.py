"""Learning rates of Keras's schedules against Keras's own numbers."""

import numpy as np
import pytest

from firstlight.core.errors import NotHonouredError
from firstlight.models.backend import import_keras
from firstlight.training.keras_schedules import FORMULAS, schedule_from_keras

keras = import_keras()
KERAS = keras.optimizers.schedules
STEPS = [*range(150), 195, 196, 999, 1000, 12345]
SCHEDULES = [
    KERAS.ExponentialDecay(0.1, 7, 0.9),
    KERAS.ExponentialDecay(0.1, 7, 0.9, staircase=True),
    KERAS.InverseTimeDecay(0.1, 7, 0.5),
    KERAS.InverseTimeDecay(0.1, 7, 0.5, staircase=True),
    KERAS.PiecewiseConstantDecay([10, 50.7, 100], [0.1, 0.05, 0.01, 0.001]),
    KERAS.PiecewiseConstantDecay([10], [0.1, 0.05]),
    KERAS.PolynomialDecay(0.1, 50),
    KERAS.PolynomialDecay(0.1, 50, 0.01, power=2.0),
    KERAS.PolynomialDecay(0.1, 50, 0.01, power=0.5, cycle=True),
    KERAS.CosineDecay(0.1, 100, alpha=0.01),
    KERAS.CosineDecay(0.01, 100, warmup_target=0.1, warmup_steps=20, alpha=0.2),
    KERAS.CosineDecay(0.1, 100, warmup_steps=20),
    KERAS.CosineDecayRestarts(0.1, 10),
    KERAS.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.8, alpha=0.1),
    KERAS.CosineDecayRestarts(0.1, 13, t_mul=1.5, m_mul=0.9),
]


def keras_number(schedule, step):
    # As an optimizer hands its counter over.
    counter = keras.Variable(step, dtype="int", trainable=False)
    return float(keras.ops.convert_to_numpy(schedule(counter)))


@pytest.mark.parametrize("theirs", SCHEDULES, ids=lambda theirs: theirs.name)
def test_schedule_gives_keras_numbers(theirs):
    ours = schedule_from_keras(theirs)
    expected = [keras_number(theirs, step) for step in STEPS]
    assert len(set(expected)) > 1
    # Where half a cosine ends, single precision leaves 1e-8 of the peak.
    np.testing.assert_allclose([ours(step) for step in STEPS], expected, rtol=5e-7, atol=1e-8)


def test_keras_own_schedules_are_computed_here(monkeypatch):
    def refuse(self, step):
        raise AssertionError("Keras was asked")

    assert {type(schedule).__name__ for schedule in SCHEDULES} == set(FORMULAS)
    for schedule in SCHEDULES:
        monkeypatch.setattr(type(schedule), "__call__", refuse)
        assert schedule_from_keras(schedule)(3) > 0


def test_number_stays():
    assert schedule_from_keras(0.3)(0) == schedule_from_keras(0.3)(10**6) == 0.3


def test_variable_is_read_anew_in_every_step():
    optimizer = keras.optimizers.SGD(0.25)
    rate = schedule_from_keras(optimizer._learning_rate)
    assert rate(0) == 0.25
    optimizer.learning_rate = 0.125
    assert rate(1) == 0.125


def test_function_without_arguments_is_called():
    rates = iter([0.5, 0.25])
    rate = schedule_from_keras(keras.optimizers.SGD(lambda: next(rates))._learning_rate)
    assert [rate(0), rate(1)] == [0.5, 0.25]


class ExponentialDecay(KERAS.ExponentialDecay):
    """Named as one of Keras's, but with a `__call__` of its own."""

    def __call__(self, step):
        assert "int" in keras.backend.standardize_dtype(step.dtype)
        return 2.0 * super().__call__(step)


def test_schedule_of_the_users_own_is_called():
    mine, theirs = ExponentialDecay(0.1, 7, 0.9), KERAS.ExponentialDecay(0.1, 7, 0.9)
    ours = schedule_from_keras(mine)
    for step in (0, 3, 50):
        assert ours(step) == pytest.approx(2.0 * keras_number(theirs, step), rel=1e-6)


def test_whole_number_as_first_rate_is_rounded_as_keras_does():
    # Keras computes in the type of the first rate: 0.5 becomes the whole number 0.
    theirs = KERAS.ExponentialDecay(1, 10, 0.5)
    assert keras_number(theirs, 5) == 0.0
    assert [schedule_from_keras(theirs)(step) for step in (0, 5)] == [1.0, 0.0]


def test_other_things_are_refused_by_name():
    with pytest.raises(NotHonouredError, match="learning rate list cannot be honoured"):
        schedule_from_keras([0.1])
