"""Normalisations, with Keras's statistics and not torch's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowered import Lowered
from firstlight.training.lowerings.registry import NotLoweredError, lowers
from firstlight.training.tensors import channels_first, channels_last


class BatchNormalization(Lowered):
    """`BatchNormalization` over the channels.

    Keras moves its variance by the *biased* variance of the batch, torch by the unbiased one:
    the batch's own statistics are taken out (momentum 1) and the moving ones kept here.
    """

    gamma: Tensor | None
    beta: Tensor | None
    batch_mean: Tensor
    batch_variance: Tensor
    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.bind("gamma", layer.gamma if layer.scale else None, None, layer.gamma_regularizer)
        self.bind("beta", layer.beta if layer.center else None, None, layer.beta_regularizer)
        self.bind("moving_mean", layer.moving_mean)
        self.bind("moving_variance", layer.moving_variance)
        for name in ("batch_mean", "batch_variance"):
            self.register_buffer(name, torch.zeros_like(self.moving_mean), persistent=False)
        self.share = 1.0 - layer.momentum
        self.epsilon = layer.epsilon
        self.frozen = not layer.trainable

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; training moves the statistics."""
        # Keras normalises the last axis, which is the second one only in images here.
        if x.dim() == 3:
            return self._normalise(x.transpose(1, 2)).transpose(1, 2)
        return self._normalise(x)

    def _normalise(self, x: Tensor) -> Tensor:
        scale, shift = self.gamma, self.beta
        if self.frozen or not self.training:
            return F.batch_norm(
                x, self.moving_mean, self.moving_variance, scale, shift, False, 0.0, self.epsilon
            )
        count = x.numel() // x.shape[1]
        if count == 1:
            return self._normalise_single(x)
        out = F.batch_norm(
            x, self.batch_mean, self.batch_variance, scale, shift, True, 1.0, self.epsilon
        )
        with torch.no_grad():
            self.moving_mean.lerp_(self.batch_mean, self.share)
            self.moving_variance.lerp_(self.batch_variance * ((count - 1) / count), self.share)
        return out

    def _normalise_single(self, x: Tensor) -> Tensor:
        # One value a channel is its own mean, with variance 0: torch refuses, Keras does not.
        with torch.no_grad():
            self.moving_mean.lerp_(x.detach().reshape(-1).to(self.moving_mean), self.share)
            self.moving_variance.mul_(1.0 - self.share)
        out = x - x.detach()
        shape = (1, -1) + (1,) * (x.dim() - 2)
        if self.gamma is not None:
            out = out * self.gamma.reshape(shape)
        return out if self.beta is None else out + self.beta.reshape(shape)


class LastAxisNormalization(Lowered):
    """`LayerNormalization` over the last axis."""

    gamma: Tensor | None
    beta: Tensor | None

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.bind("gamma", layer.gamma if layer.scale else None, None, layer.gamma_regularizer)
        self.bind("beta", layer.beta if layer.center else None, None, layer.beta_regularizer)
        self.epsilon = layer.epsilon

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, each position normalised over its channels."""
        last = channels_last(x)
        out = F.layer_norm(last, last.shape[-1:], self.gamma, self.beta, self.epsilon)
        return channels_first(out)


class GroupNormalization(LastAxisNormalization):
    """`GroupNormalization`: over positions and a group of channels."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.groups = int(layer.groups)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        groups = x.shape[1] if self.groups == -1 else self.groups
        return F.group_norm(x, groups, self.gamma, self.beta, self.epsilon)


@lowers("BatchNormalization")
def batch_normalization(layer: Any) -> list[nn.Module]:
    """`BatchNormalization` over the last axis."""
    _last_axis(layer)
    return [BatchNormalization(layer)]


@lowers("LayerNormalization")
def layer_normalization(layer: Any) -> list[nn.Module]:
    """`LayerNormalization` over the last axis."""
    _last_axis(layer)
    if getattr(layer, "rms_scaling", False):
        raise NotLoweredError("scales by the root mean square")
    return [LastAxisNormalization(layer)]


@lowers("GroupNormalization")
def group_normalization(layer: Any) -> list[nn.Module]:
    """`GroupNormalization` of an image."""
    _last_axis(layer)
    if _rank(layer) != 4:
        raise NotLoweredError("normalises something other than an image")
    return [GroupNormalization(layer)]


def _last_axis(layer: Any) -> None:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    rank = _rank(layer)
    if [axis % rank for axis in axes] != [rank - 1]:
        raise NotLoweredError("normalises an axis other than the last")


def _rank(layer: Any) -> int:
    return len(layer.get_build_config()["input_shape"])
