"""Several networks' answers as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from firstlight.core.reports import Predictions


def combined(answers: Sequence[Predictions]) -> Predictions:
    """The answers of an ensemble of networks to the same images.

    Probabilities and values are means over the networks. The spread is that of an even mixture of
    theirs: its variance is the mean of their variances and the variance of their values, so where
    networks disagree it grows. Networks that state no spread of their own have that second part
    alone. One network's answers are returned as they are.

    Source: Lakshminarayanan, Pritzel & Blundell 2017, "Simple and scalable predictive uncertainty
    estimation using deep ensembles", arXiv:1612.01474, section 2.4.

    Example:
        >>> one, other = (
        ...     Predictions(np.array(["a"]), np.array([[value]], np.float32), "measure",
        ...         spread=np.array([[1.0]], np.float32))
        ...     for value in (2.0, 4.0)
        ... )
        >>> both = combined([one, other])
        >>> both.values.item(), round(both.spread.item(), 3)
        (3.0, 1.414)
    """
    if len(answers) == 1:
        return answers[0]
    values = np.stack([answer.values for answer in answers]).astype(np.float64)
    mean = values.mean(axis=0).astype(np.float32)
    if answers[0].task == "classify":
        return replace(answers[0], values=mean)
    variance = values.var(axis=0)
    spreads = [answer.spread for answer in answers if answer.spread is not None]
    if spreads:
        variance = variance + np.mean(np.square(np.stack(spreads), dtype=np.float64), axis=0)
    return replace(answers[0], values=mean, spread=np.sqrt(variance).astype(np.float32))
