"""How tensors lie: images are `(N, C, H, W)` with channels last in memory, all else as in Keras.

An `(N, H, W, C)` array permuted to `(N, C, H, W)` *is* a channels-last tensor: nothing is
copied on the way in, and `Flatten` in Keras's order is a view on the way out.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def as_tensor(array: NDArray[Any]) -> Tensor:
    """The array as a tensor over the same memory, which nothing here ever writes to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def channels_first(x: Tensor) -> Tensor:
    """`(N, H, W, C)` as `(N, C, H, W)`, no copy; other ranks as they are."""
    return x.permute(0, 3, 1, 2) if x.dim() == 4 else x


def channels_last(x: Tensor) -> Tensor:
    """`(N, C, H, W)` as `(N, H, W, C)`, no copy; other ranks as they are."""
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def axis_here(axis: int, rank: int) -> int:
    """Where one of Keras's axes lies in a tensor of that rank."""
    return (0, 2, 3, 1)[axis % rank] if rank == 4 else axis % rank


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Pixels to add before and after so that Keras's `same` comes out; an odd one goes after.

    Source: Keras documentation, Conv2D; TensorFlow's "same" padding.
    """
    reach = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def pad_same(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int] = (1, 1),
    value: float = 0.0,
) -> tuple[Tensor, tuple[int, int]]:
    """The image padded for `same`, as far as it must be, and the padding still to be done.

    Padding that is equal on both sides is left to the convolution or pooling itself, which
    does it without a copy.
    """
    top, bottom = same_padding(x.shape[2], kernel[0], stride[0], dilation[0])
    left, right = same_padding(x.shape[3], kernel[1], stride[1], dilation[1])
    if top == bottom and left == right:
        return x, (top, left)
    padded = nn.functional.pad(x, (left, right, top, bottom), value=value)
    return padded.contiguous(memory_format=torch.channels_last), (0, 0)
