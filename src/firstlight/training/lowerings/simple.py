"""Layers without weights that work on each number: activations, dropout, preparation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.activations import ACTIVATIONS, Activation, bent_relu
from firstlight.training.lowered import Lowered, array_of
from firstlight.training.lowerings.registry import NotLoweredError, lowers, with_activation
from firstlight.training.tensors import channels_first, channels_last

# What SELU makes of a number far below zero.
SELU_BOTTOM = -1.6732632423543772 * 1.0507009873554805


class Dropout(nn.Module):
    """`Dropout` and its relatives that drop whole channels or whole images.

    Attributes:
        rate: the share that is dropped while training.
        together: for each of Keras's axes, whether the numbers along it are dropped together.
    """

    def __init__(self, rate: float, together: tuple[bool, ...] = ()) -> None:
        super().__init__()
        self.rate = rate
        self.together = together

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; nothing is dropped outside of training."""
        if not self.training or not any(self.together):
            return F.dropout(x, self.rate, self.training)
        last = channels_last(x)
        sizes = zip(last.shape, self.together, strict=True)
        kept = last.new_ones([1 if together else size for size, together in sizes])
        return channels_first(last * F.dropout(kept, self.rate))


class Affine(nn.Module):
    """`x * scale + offset`: `Rescaling`, and `Normalization` with its constants.

    Attributes:
        scale: aligned with Keras's last axes.
        offset: likewise.
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, scale: Any, offset: Any) -> None:
        super().__init__()
        for name, value in (("scale", scale), ("offset", offset)):
            array = np.ascontiguousarray(value, dtype=np.float32)
            self.register_buffer(name, torch.from_numpy(array), persistent=False)
        self.plain = not self.offset.any()

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        scaled = channels_last(x) * self.scale
        return channels_first(scaled if self.plain else scaled + self.offset)


class Noise(nn.Module):
    """`GaussianNoise` and `GaussianDropout`: `x * factor + noise` while training.

    Attributes:
        added: standard deviation of what is added.
        multiplied: standard deviation of the factor, whose mean is 1.
    """

    def __init__(self, added: float, multiplied: float) -> None:
        super().__init__()
        self.added = added
        self.multiplied = multiplied

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; nothing happens outside of training."""
        if not self.training:
            return x
        if self.multiplied:
            return x * (1.0 + self.multiplied * torch.randn_like(x))
        return x + self.added * torch.randn_like(x)


class AlphaDropout(Dropout):
    """`AlphaDropout`: keeps mean and variance (Klambauer et al. 2017)."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape; nothing is dropped outside of training."""
        if not self.training or not self.rate:
            return x
        last = channels_last(x)
        together = self.together or (False,) * last.dim()
        sizes = zip(last.shape, together, strict=True)
        kept = last.new_ones([1 if one else size for size, one in sizes])
        kept = (torch.rand_like(kept) >= self.rate).to(last.dtype)
        scale = ((1 - self.rate) * (1 + self.rate * SELU_BOTTOM**2)) ** -0.5
        dropped = last * kept + SELU_BOTTOM * (1 - kept)
        return channels_first(scale * (dropped - SELU_BOTTOM * self.rate))


class ParametricReLU(Lowered):
    """`PReLU`: the slope for negative values is learned."""

    alpha: Tensor

    def __init__(self, layer: Any) -> None:
        super().__init__()
        alpha = layer.alpha
        axes = (2, 0, 1) if len(alpha.shape) == 3 else None
        self.bind("alpha", alpha, axes, layer.alpha_regularizer)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return torch.relu(x) - self.alpha * torch.relu(-x)


class ChannelScale(Lowered):
    """`LayerScale` of Keras's ConvNeXt: a learned factor for each channel."""

    gamma: Tensor

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.bind("gamma", layer.gamma)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x * (self.gamma[:, None, None] if x.dim() == 4 else self.gamma)


@lowers("LayerScale")
def channel_scale(layer: Any) -> list[nn.Module]:
    """`LayerScale`."""
    return [ChannelScale(layer)]


@lowers("StochasticDepth")
def stochastic_depth(layer: Any) -> list[nn.Module]:
    """`StochasticDepth` of Keras's ConvNeXt: drops the branch of whole images."""
    return [Dropout(float(layer.drop_path_rate), (False, True, True, True))]


@lowers("Activation")
def activation_layer(layer: Any) -> list[nn.Module]:
    """`Activation`."""
    return with_activation(nn.Identity(), layer)[1:] or [nn.Identity()]


@lowers("ReLU")
def relu(layer: Any) -> list[nn.Module]:
    """`ReLU` with its three options."""
    slope, threshold = float(layer.negative_slope), float(layer.threshold)
    return [bent_relu(slope, layer.max_value, threshold)]


@lowers("LeakyReLU")
def leaky_relu(layer: Any) -> list[nn.Module]:
    """`LeakyReLU`."""
    slope = float(layer.negative_slope)
    return [Activation("leaky relu", lambda x: F.leaky_relu(x, slope))]


@lowers("ELU")
def elu(layer: Any) -> list[nn.Module]:
    """`ELU`."""
    alpha = float(layer.alpha)
    return [Activation("elu", lambda x: F.elu(x, alpha))]


@lowers("PReLU")
def parametric_relu(layer: Any) -> list[nn.Module]:
    """`PReLU`, its slopes shared over axes or not."""
    return [ParametricReLU(layer)]


@lowers("Softmax")
def softmax(layer: Any) -> list[nn.Module]:
    """`Softmax` over the last axis."""
    if layer.axis != -1:
        raise NotLoweredError("is a softmax over an axis other than the last")
    return [Activation("softmax", ACTIVATIONS["softmax"])]


@lowers("Dropout", "AlphaDropout")
def dropout(layer: Any) -> list[nn.Module]:
    """`Dropout` and `AlphaDropout`."""
    shape = layer.noise_shape or ()
    if any(size not in (None, 1) for size in shape):
        raise NotLoweredError("has a noise shape of other numbers than 1")
    kind = AlphaDropout if type(layer).__name__ == "AlphaDropout" else Dropout
    return [kind(float(layer.rate), tuple(size == 1 for size in shape))]


@lowers("SpatialDropout1D")
def spatial_dropout_of_rows(layer: Any) -> list[nn.Module]:
    """`SpatialDropout1D`."""
    return [Dropout(float(layer.rate), (False, True, False))]


@lowers("SpatialDropout2D")
def spatial_dropout(layer: Any) -> list[nn.Module]:
    """`SpatialDropout2D`."""
    return [Dropout(float(layer.rate), (False, True, True, False))]


@lowers("GaussianNoise")
def gaussian_noise(layer: Any) -> list[nn.Module]:
    """`GaussianNoise`."""
    return [Noise(float(layer.stddev), 0.0)]


@lowers("GaussianDropout")
def gaussian_dropout(layer: Any) -> list[nn.Module]:
    """`GaussianDropout`."""
    return [Noise(0.0, (layer.rate / (1.0 - layer.rate)) ** 0.5)]


@lowers("Rescaling")
def rescaling(layer: Any) -> list[nn.Module]:
    """`Rescaling` by numbers, or by arrays that fit Keras's last axes."""
    return [Affine(layer.scale, layer.offset)]


@lowers("Normalization")
def normalization(layer: Any) -> list[nn.Module]:
    """`Normalization` over any axes, forth or back, with mean and variance given or adapted."""
    mean = array_of(layer.mean).astype(np.float64)
    # Keras divides by max(sqrt(variance), epsilon), epsilon = 1e-7.
    spread = np.maximum(np.sqrt(array_of(layer.variance).astype(np.float64)), 1e-7)
    return [Affine(spread, mean) if layer.invert else Affine(1.0 / spread, -mean / spread)]
