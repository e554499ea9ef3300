"""Dense layers: on images too, where Keras applies them to every pixel's channels."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from firstlight.training.lowered import Lowered
from firstlight.training.lowerings.registry import NotLoweredError, lowers, with_activation
from firstlight.training.tensors import channels_first, channels_last


class Dense(Lowered):
    """`Dense` on any rank."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.bind("weight", layer.kernel, (1, 0), layer.kernel_regularizer)
        self.bind("bias", layer.bias, None, layer.bias_regularizer)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, ..., features)` to `(N, ..., units)` in Keras's order of axes."""
        return channels_first(F.linear(channels_last(x), self.weight, self.bias))


@lowers("Dense")
def dense(layer: Any) -> list[nn.Module]:
    """`Dense` without quantisation or low-rank adaptation."""
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
        raise NotLoweredError("is quantised or has low-rank weights")
    return with_activation(Dense(layer), layer)
