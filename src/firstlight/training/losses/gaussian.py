"""The loss of a network that says for each value how far off it may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from firstlight.core.errors import ModelError

LOG_ROOT_TWO_PI = math.log(2 * math.pi) / 2


@dataclass(frozen=True)
class GaussianLoss:
    """The negative logarithm of how likely the targets are, if errors are normal.

    A network answers with two numbers for each target: first all values, then the natural
    logarithms of their standard deviations. Large errors cost little where it said that it is
    unsure, and being unsure costs something everywhere, so it learns how far off it is.

    Its gradient counts each image in proportion to its spread. As it is, images that the network
    is sure of would count by the inverse square of theirs and leave it no care for the others.

    Sources: Nix & Weigend 1994, "Estimating the mean and variance of the target probability
    distribution", IEEE International Conference on Neural Networks; the gradient: Seitzer et al.
    2022, "On the pitfalls of heteroscedastic uncertainty estimation", arXiv:2203.09168, with
    beta = 0.5, over the mean of the batch.

    Example:
        >>> answers = torch.tensor([[2.0, 0.0]])  # 2 with a standard deviation of exp(0) = 1
        >>> GaussianLoss()(answers, torch.tensor([[2.0]]))
        tensor(0.9189)
    """

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of a batch, a scalar: the mean over images and targets.

        Args:
            logits: `(N, 2 T)` values and logarithms.
            targets: `(N, T)`.
            weights: `(N,)`, or None.

        Raises:
            ModelError: there are not two answers for each target.
        """
        if logits.shape[1] != 2 * targets.shape[1]:
            raise ModelError(
                f"Two answers for each of {targets.shape[1]} targets were expected (the value and "
                f"the logarithm of its spread), but {logits.shape[1]} came: let the last Dense "
                "have twice as many units as there are targets."
            )
        # In float32 at least: the squares of small spreads have no room in half precision.
        answers = logits.to(torch.promote_types(logits.dtype, torch.float32))
        values, logarithms = answers.chunk(2, dim=1)
        distances = (targets - values) * torch.exp(-logarithms)
        each = distances.square() / 2 + logarithms + LOG_ROOT_TWO_PI
        spreads = logarithms.detach().exp()
        shares = spreads / spreads.mean(dim=0)
        # The value of each, and the gradient of its share.
        each = (shares * each + ((1 - shares) * each).detach()).mean(dim=1)
        return each.mean() if weights is None else (each * weights).mean()
