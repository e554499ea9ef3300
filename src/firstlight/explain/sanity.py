"""Whether a saliency map depends on what the network has learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from firstlight.core.insight import Saliency, SanityCheck
from firstlight.explain.opening import OpenModel


def checked(
    opened: OpenModel, make: Callable[[], Saliency], shuffles: int = 5, seed: int = 0
) -> Saliency:
    """A saliency map with the sanity check of Adebayo et al. 2018 (arXiv:1810.03292, section 3).

    The map is made once with the trained weights and then with each layer's weights shuffled.

    Args:
        opened: the model that `make` asks.
        make: makes the map, of the same output each time.
        shuffles: how often the weights are shuffled.
        seed: of the first shuffle; the next ones count up.

    Example:
        >>> from firstlight.explain import integrated_gradients, open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("intermediate", (28, 28, 1), 10, "classify"))
        >>> image = np.random.default_rng(0).integers(0, 255, (28, 28, 1))
        >>> found = checked(opened, lambda: integrated_gradients(opened, image, 7), shuffles=2)
        >>> len(found.check.correlations)
        2
    """
    own = make()
    others = []
    for number in range(shuffles):
        with opened.shuffled(seed + number):
            others.append(make().values)
    correlations = tuple(rank_correlation(own.values, other) for other in others)
    return replace(own, check=SanityCheck(correlations, others[0]))


def rank_correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of two pictures; 0 where one is even and has no ranks.

    Example:
        >>> round(rank_correlation(np.array([1, 2, 3.0]), np.array([1, 4, 9.0])), 6)
        1.0
    """
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one, other, axis=None).statistic)
