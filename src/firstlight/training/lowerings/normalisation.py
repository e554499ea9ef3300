"""Normalisations, with Keras's statistics and not torch's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.batch_norm import normalise_batch
from firstlight.training.lowered import Lowered
from firstlight.training.lowerings.registry import NotLoweredError, lowers
from firstlight.training.tensors import axis_here, channels_first, channels_last


class Scaled(Lowered):
    """What normalising layers end with: a scale and a shift for each channel, where wanted."""

    gamma: Tensor | None
    beta: Tensor | None

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.bind("gamma", layer.gamma if layer.scale else None, None, layer.gamma_regularizer)
        self.bind("beta", layer.beta if layer.center else None, None, layer.beta_regularizer)
        self.epsilon = layer.epsilon


class BatchNormalization(Scaled):
    """`BatchNormalization` over the channels, or over another axis.

    Keras moves its variance by the *biased* variance of the batch, torch by the unbiased one:
    the moving statistics are kept here.
    """

    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.bind("moving_mean", layer.moving_mean)
        self.bind("moving_variance", layer.moving_variance)
        self.share = 1.0 - layer.momentum
        self.frozen = not layer.trainable
        # Keras's last axis is the second one only in images here.
        self.axis = axis_here(layer.axis, _rank(layer))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; training moves the statistics."""
        if self.axis == 1:
            return self._normalise(x)
        return self._normalise(x.transpose(1, self.axis)).transpose(1, self.axis)

    def _normalise(self, x: Tensor) -> Tensor:
        scale, shift = self.gamma, self.beta
        if self.frozen or not self.training:
            return F.batch_norm(
                x, self.moving_mean, self.moving_variance, scale, shift, False, 0.0, self.epsilon
            )
        if x.numel() == x.shape[1]:
            return self._normalise_single(x)
        out, mean, variance = normalise_batch(x, scale, shift, self.epsilon)
        with torch.no_grad():
            self.moving_mean.lerp_(mean, self.share)
            self.moving_variance.lerp_(variance, self.share)
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


class LayerNormalization(Scaled):
    """`LayerNormalization` over one or several of Keras's axes."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.axes = _axes(layer)
        self.last = tuple(range(-len(self.axes), 0))
        self.in_place = self.axes == tuple(_rank(layer) + axis for axis in self.last)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        moved = channels_last(x)
        if not self.in_place:
            moved = moved.movedim(self.axes, self.last)
        shape = moved.shape[self.last[0] :]
        out = F.layer_norm(moved, shape, self.gamma, self.beta, self.epsilon)
        return channels_first(out if self.in_place else out.movedim(self.last, self.axes))


class GroupNormalization(Scaled):
    """`GroupNormalization`: over positions and a group of channels."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.groups = int(layer.groups)
        self.axis = axis_here(layer.axis, _rank(layer))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        moved = x if self.axis == 1 else x.transpose(1, self.axis)
        groups = moved.shape[1] if self.groups == -1 else self.groups
        out = F.group_norm(moved, groups, self.gamma, self.beta, self.epsilon)
        return out if self.axis == 1 else out.transpose(1, self.axis)


class UnitNormalization(nn.Module):
    """`UnitNormalization`: of length 1 along some of Keras's axes."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
        self.axes = tuple(axes)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        last = channels_last(x)
        length = last.square().sum(self.axes, keepdim=True).sqrt()
        # Keras's smallest length for this layer.
        return channels_first(last / length.clamp(min=1e-12))


@lowers("BatchNormalization")
def batch_normalization(layer: Any) -> list[nn.Module]:
    """`BatchNormalization`."""
    return [BatchNormalization(layer)]


@lowers("LayerNormalization")
def layer_normalization(layer: Any) -> list[nn.Module]:
    """`LayerNormalization`."""
    if getattr(layer, "rms_scaling", False):
        raise NotLoweredError("scales by the root mean square")
    if _axes(layer) != tuple(sorted(_axes(layer))):
        raise NotLoweredError("normalises axes out of their order")
    return [LayerNormalization(layer)]


@lowers("GroupNormalization")
def group_normalization(layer: Any) -> list[nn.Module]:
    """`GroupNormalization` on any rank."""
    return [GroupNormalization(layer)]


@lowers("UnitNormalization")
def unit_normalization(layer: Any) -> list[nn.Module]:
    """`UnitNormalization`."""
    return [UnitNormalization(layer)]


def _axes(layer: Any) -> tuple[int, ...]:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    return tuple(axis % _rank(layer) for axis in axes)


def _rank(layer: Any) -> int:
    return len(layer.get_build_config()["input_shape"])
