"""bfloat16 as a processor that has it computes, on one that has not, nearly at full speed.

AVX512-BF16, AMX and graphics cards multiply bfloat16 numbers and add in float32. Where they are
missing, PyTorch's autocast gives the same numbers twenty times slower, or refuses. Here the
factors of every product, its result, and the gradients on their way back are rounded to bfloat16,
and the product itself is float32. What lies between two products (activations, pooling,
normalisation) is rounded where the next product takes it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

FACTORS = {
    torch.conv1d: 3,
    torch.conv2d: 3,
    torch.conv3d: 3,
    torch.conv_transpose2d: 3,
    torch.nn.functional.linear: 3,
    torch.matmul: 2,
    torch.mm: 2,
}


class _Rounded(torch.autograd.Function):
    """Rounded to bfloat16, and so is the gradient."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.bfloat16().float()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0].bfloat16().float()


class ImitatedBfloat16(TorchFunctionMode):
    """A `with` block that does what `torch.autocast(..., torch.bfloat16)` would."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        factors = FACTORS.get(func, 0)
        if not factors:
            return func(*args, **(kwargs or {}))
        taken = [_rounded(value) for value in args[:factors]]
        rest = {key: _rounded(value) for key, value in (kwargs or {}).items()}
        return _rounded(func(*taken, *args[factors:], **rest))


def _rounded(value: Any) -> Any:
    numbers = isinstance(value, torch.Tensor) and value.is_floating_point()
    return _Rounded.apply(value) if numbers else value
