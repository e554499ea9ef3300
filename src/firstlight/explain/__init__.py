"""The explain room: a look inside a trained network.

What each layer answers for an image, how one number of a convolution comes about, where in the
image an answer comes from, and what loss, softmax, accuracy and parameter count are, step by step.
Everything begins with `open_model`; what comes out are records of `core.insight`.
"""

from firstlight.explain.answers import filters_of, layer_answers
from firstlight.explain.kernels import kernel_at_work, sliding_kernel
from firstlight.explain.losses import open_loss, opens_loss
from firstlight.explain.numbers import open_score, open_softmax
from firstlight.explain.opening import OpenModel, open_model
from firstlight.explain.parameters import open_parameters
from firstlight.explain.saliency import grad_cam, integrated_gradients
from firstlight.explain.sanity import checked

__all__ = [
    "OpenModel",
    "checked",
    "filters_of",
    "grad_cam",
    "integrated_gradients",
    "kernel_at_work",
    "layer_answers",
    "open_loss",
    "open_model",
    "open_parameters",
    "open_score",
    "open_softmax",
    "opens_loss",
    "sliding_kernel",
]
