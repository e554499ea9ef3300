"""Asking a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.stored import ImageArray, StoredImages
from firstlight.training.lowering import Network
from firstlight.training.machine import Machine
from firstlight.training.tensors import as_tensor

if TYPE_CHECKING:
    from firstlight.training.keras_learner import KerasNetwork

# So many pixels at once: on a processor 256 images of 28 x 28, fewer larger ones. More of them
# would take twice the memory that training takes, and go out of the cache.
PIXELS_AT_ONCE = {"cpu": 256 * 28 * 28, "cuda": 4096 * 28 * 28}


def predict(
    network: Network | KerasNetwork,
    images: ImageArray,
    machine: Machine,
    side: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """What a network answers: `(N, K)` probabilities, or `(N, T)` values.

    Args:
        network: from `lower`; left in evaluation mode.
        images: `(N, H, W, C)` of any type. Images on disk are read in the order in which they lie
            there.
        machine: where the network is, and its precision.
        side: `(N, S)` numbers beside the images, for a network that takes them; else None.

    Example:
        >>> from firstlight.models import build_model
        >>> from firstlight.training import lower
        >>> network = lower(build_model("simple", (20, 20, 1), 3, "classify"))
        >>> machine = Machine(torch.device("cpu"), "float32", 1)
        >>> images = np.zeros((2, 20, 20, 1), np.uint8)
        >>> predict(network, images, machine).sum(axis=1).round(3).tolist()
        [1.0, 1.0]
    """
    if isinstance(images, StoredImages):
        order = images.disk_order()
        ordered = None if side is None else side[order]
        answers = _predict(network, images.select(order), machine, ordered)
        return answers[np.argsort(order)]
    return _predict(network, images, machine, side)


def _predict(
    network: Network | KerasNetwork,
    images: ImageArray,
    machine: Machine,
    side: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    network.to(machine.device).eval()
    at_once = PIXELS_AT_ONCE.get(machine.device.type, PIXELS_AT_ONCE["cpu"])
    size = max(1, at_once // (images.shape[1] * images.shape[2]))
    answers: Tensor | None = None
    with torch.inference_mode(), machine.arithmetic():
        # One empty batch where there are no images gives the answer its width.
        for start in range(0, max(1, len(images)), size):
            arrays = [images] if side is None else [images, side]
            inputs = [as_tensor(array[start : start + size]) for array in arrays]
            part = network.answers(network(*(one.to(machine.device) for one in inputs)))
            if answers is None:
                # Whole from the start: small pieces kept between large ones that are let go would
                # leave gaps in the memory, into which the next large ones do not fit.
                answers = torch.empty((len(images), *part.shape[1:]), dtype=part.dtype)
            answers[start : start + size] = part
    assert answers is not None
    return answers.numpy()
