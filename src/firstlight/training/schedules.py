"""How the learning rate runs over a training: pure functions of the step."""

from __future__ import annotations

import math

WARM_UP = 0.2


def learning_rate(schedule: str, peak: float, step: int, steps: int) -> float:
    """The learning rate of one step.

    Args:
        schedule: `constant`; `cosine`, from the peak down to 0 along half a cosine
            (Loshchilov & Hutter 2017); `one-cycle`, up to the peak over the first fifth of the
            steps and down to nearly 0 (Smith & Topin 2018).
        peak: the largest learning rate.
        step: 0 for the first step.
        steps: how many steps the whole training has.

    Example:
        >>> [round(learning_rate("cosine", 0.1, step, 4), 3) for step in range(4)]
        [0.1, 0.085, 0.05, 0.015]
    """
    if schedule == "constant":
        return peak
    if schedule == "cosine":
        return peak * 0.5 * (1.0 + math.cos(math.pi * step / steps))
    rise = max(1.0, WARM_UP * steps)
    if step < rise:
        start = peak / 25.0
        return start + (peak - start) * 0.5 * (1.0 - math.cos(math.pi * step / rise))
    share = (step - rise) / max(1.0, steps - rise)
    return peak * 0.5 * (1.0 + math.cos(math.pi * share))
