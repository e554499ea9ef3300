"""Keras's optimizers, with Keras's arithmetic, on torch tensors.

Written here and not taken from `torch.optim`, for two reasons. Keras and torch differ: Adam's
epsilon stands beside the square root *before* the bias correction in Keras and after it in
torch, RMSprop's stands inside the square root, Nadam's momentum warms up faster. And making any
`torch.optim` optimizer imports `torch._dynamo`, which takes as long as a short training.
"""

from firstlight.training.optimizers.by_name import make_optimizer
from firstlight.training.optimizers.from_keras import optimizer_from_keras
from firstlight.training.optimizers.optimizer import Optimizer

__all__ = ["Optimizer", "make_optimizer", "optimizer_from_keras"]
