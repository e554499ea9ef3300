"""Memory that runs out in a training step, and the batch that would fit."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import torch

# On a processor torch reports missing memory as a RuntimeError; the last two are oneDNN's words.
_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "could not create a memory",
    "could not create a primitive",
)


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out.

    Example:
        >>> ran_out(MemoryError()), ran_out(RuntimeError("shapes do not fit"))
        (True, False)
    """
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        word in str(error) for word in _WORDS
    )


def batch_that_fits(error: BaseException, size: int, step: Callable[[int], object]) -> int:
    """The first of `size / 2`, `size / 4`, ... images for which a step has enough memory.

    Args:
        error: what the step ended with; what its frames hold in memory is let go.
        size: how many images were too many.
        step: takes a step with so many images.

    Returns:
        The number of images; 0 where not even one fits.

    Example:
        >>> def step(count):
        ...     if count > 40:
        ...         raise MemoryError
        >>> batch_that_fits(MemoryError(), 128, step)
        32
    """
    while size > 1:
        traceback.clear_frames(error.__traceback__)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        size //= 2
        try:
            step(size)
            return size
        except (MemoryError, RuntimeError) as again:
            if not ran_out(again):
                raise
            error = again
    return 0
