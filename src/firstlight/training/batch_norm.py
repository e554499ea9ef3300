"""Batch normalisation by a batch's own statistics, exact also over many pixels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

# Values of a channel from which on torch's own sums lose too many digits.
MANY = 2**12


def normalise_batch(
    x: Tensor, scale: Tensor | None, shift: Tensor | None, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise each channel by its mean and variance over the batch.

    Where channels come last, torch's processor code adds up a channel's values one after the
    other in float32. Over 100,000 pixels, many of them equal, the results are off by a few parts
    in 10,000, and the gradients of a deep network by some per cent; so long sums are made in
    parts here.

    Args:
        x: `(N, C, ...)`, with more than one value a channel.
        scale: gamma, `(C,)`, or None.
        shift: beta, `(C,)`, or None.
        epsilon: what is added to the variance, above 0.

    Returns:
        The normalised values, the mean and the biased variance of each channel.

    Example:
        >>> x = torch.arange(4.0).reshape(4, 1)
        >>> values, mean, variance = normalise_batch(x, None, None, 0.001)
        >>> mean.item(), variance.item(), round(values[3].item(), 4)
        (1.5, 1.25, 1.3411)
    """
    channels = x.shape[1]
    count = x.numel() // channels
    if _loses_digits(x, count):
        mean, variance = _statistics(x.detach())
        return _Normalised.apply(x, scale, shift, mean, variance, epsilon), mean, variance
    # With a momentum of 1 the moving statistics are the batch's own; the variance is unbiased.
    wide = torch.promote_types(x.dtype, torch.float32)
    mean, variance = torch.zeros(2, channels, dtype=wide, device=x.device)
    out = F.batch_norm(x, mean, variance, scale, shift, True, 1.0, epsilon)
    return out, mean, variance * ((count - 1) / count)


def _loses_digits(x: Tensor, count: int) -> bool:
    return (
        count >= MANY
        and x.dim() == 4
        and x.dtype == torch.float32
        and x.device.type == "cpu"
        and x.is_contiguous(memory_format=torch.channels_last)
    )


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance: for each pixel over the images, and then over the pixels."""
    images, channels = x.shape[:2]
    rows = x.permute(0, 2, 3, 1).reshape(images, -1)
    moments = torch.ops.aten.batch_norm_update_stats(rows, None, None, 1.0)
    mean, variance = (moment.view(-1, channels) for moment in moments)
    return mean.mean(0), variance.mean(0) + mean.var(0, correction=0)


class _Normalised(torch.autograd.Function):
    """Normalisation by statistics that are the batch's own, so that they have a gradient too."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        epsilon: float,
    ) -> Tensor:
        ctx.save_for_backward(x, scale, mean, (variance + epsilon).rsqrt())
        ctx.epsilon = epsilon
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, epsilon)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, mean, inverse = ctx.saved_tensors
        wanted = list(ctx.needs_input_grad[:3])
        return (
            *torch.ops.aten.native_batch_norm_backward(
                gradients[0], x, scale, None, None, mean, inverse, True, ctx.epsilon, wanted
            ),
            None,
            None,
            None,
        )
