"""Keras's learning rates and their schedules as functions of the step, in plain Python.

A Keras schedule computes with the backend's tensors: on TensorFlow that takes about a
millisecond a step, as long as the step of a small network. Here its formula is computed in
NumPy's single precision, which is the schedule's own; a schedule of the user's is called as it is.

Sources: Keras documentation, "Learning rate schedules"; Loshchilov & Hutter 2017 (restarts).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from firstlight.core.errors import NotHonouredError

Schedule = Callable[[int], float]
f32 = np.float32


def schedule_from_keras(learning_rate: Any) -> Schedule:
    """The learning rate of each step, 0 for the first, as a Keras optimizer takes it.

    Args:
        learning_rate: a number; a Keras variable, which is read anew in every step, as callbacks
            change it; a schedule of `keras.optimizers.schedules` or of the user's own; or a
            function without arguments. `optimizer._learning_rate` is one of these.

    Raises:
        NotHonouredError: it is none of them.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> schedules = import_keras().optimizers.schedules
        >>> rate = schedule_from_keras(schedules.ExponentialDecay(0.1, 10, 0.5))
        >>> round(rate(0), 6), round(rate(20), 6)
        (0.1, 0.025)
    """
    import keras

    if isinstance(learning_rate, int | float):
        return lambda step: float(learning_rate)
    if isinstance(learning_rate, keras.Variable):
        return lambda step: _number(learning_rate.value)
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return _formula_of(learning_rate) or (
            # Keras hands over its counter of steps, which is a tensor of whole numbers.
            lambda step: _number(learning_rate(keras.ops.convert_to_tensor(step, dtype="int")))
        )
    if callable(learning_rate):
        return lambda step: _number(learning_rate())
    raise NotHonouredError(
        f"learning rate {type(learning_rate).__name__} cannot be honoured: give a number or a "
        "schedule of keras.optimizers.schedules."
    )


def _number(value: Any) -> float:
    from keras import ops

    return float(ops.convert_to_numpy(value))


def _formula_of(schedule: Any) -> Schedule | None:
    """The formula of one of Keras's own schedules, or None: it has to be called."""
    formula = FORMULAS.get(type(schedule).__name__)
    if formula is None or not type(schedule).__module__.startswith("keras."):
        return None
    options = {name: value for name, value in schedule.get_config().items() if name != "name"}
    # Keras computes in the type of the first rate: with whole numbers all is rounded to them.
    rates = options["values"] if "values" in options else [options["initial_learning_rate"]]
    if not all(isinstance(rate, float) for rate in rates):
        return None
    return lambda step: float(formula(step, **options))


def _exponential(
    step: int, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool
) -> Any:
    share = f32(step) / f32(decay_steps)
    return f32(initial_learning_rate) * f32(decay_rate) ** (np.floor(share) if staircase else share)


def _inverse_time(
    step: int, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool
) -> Any:
    share = f32(step) / f32(decay_steps)
    slower = f32(decay_rate) * (np.floor(share) if staircase else share)
    return f32(initial_learning_rate) / (f32(1.0) + slower)


def _piecewise(step: int, boundaries: list[float], values: list[float]) -> Any:
    return f32(values[sum(step > boundary for boundary in boundaries)])


def _polynomial(
    step: int,
    initial_learning_rate: float,
    decay_steps: float,
    end_learning_rate: float,
    power: float,
    cycle: bool,
) -> Any:
    now, length = f32(step), f32(decay_steps)
    if cycle:
        length *= np.ceil(now / length) if step else f32(1.0)
    else:
        now = min(now, length)
    first, last = f32(initial_learning_rate), f32(end_learning_rate)
    return (first - last) * (f32(1.0) - now / length) ** f32(power) + last


def _cosine(
    step: int,
    initial_learning_rate: float,
    decay_steps: float,
    alpha: float,
    warmup_target: float | None,
    warmup_steps: float,
) -> Any:
    start, peak = f32(initial_learning_rate), f32(initial_learning_rate)
    rise = f32(0.0)
    if warmup_target is not None:
        peak, rise = f32(warmup_target), f32(warmup_steps)
    now = min(f32(step), f32(decay_steps) + rise)
    if now < rise:
        return (peak - start) * (now / rise) + start
    return peak * _half_cosine((now - rise) / f32(decay_steps), f32(1.0), alpha)


def _restarts(
    step: int,
    initial_learning_rate: float,
    first_decay_steps: float,
    t_mul: float,
    m_mul: float,
    alpha: float,
) -> Any:
    share, longer, one = f32(step) / f32(first_decay_steps), f32(t_mul), f32(1.0)
    if longer == one:
        restart = np.floor(share)
        share -= restart
    else:
        restart = np.floor(np.log(one - share * (one - longer)) / np.log(longer))
        share = (share - (one - longer**restart) / (one - longer)) / longer**restart
    return f32(initial_learning_rate) * _half_cosine(share, f32(m_mul) ** restart, alpha)


def _half_cosine(share: Any, height: Any, alpha: float) -> Any:
    """From `height` down to `alpha` along half a cosine, for shares from 0 to 1."""
    cosine = f32(0.5) * height * (f32(1.0) + np.cos(f32(math.pi) * share))
    return f32(1.0 - alpha) * cosine + f32(alpha)


FORMULAS: dict[str, Callable[..., Any]] = {
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _restarts,
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
}
