"""Seeds made from seeds."""

from __future__ import annotations

import numpy as np


def mixed_seed(*numbers: int) -> int:
    """One seed from several numbers, so that neighbours share nothing.

    Example:
        >>> mixed_seed(0, 1) == mixed_seed(1, 0)
        False
    """
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
