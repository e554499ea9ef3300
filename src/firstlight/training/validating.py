"""Loss and metric of a network's answers, as Keras's `evaluate` would give them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from firstlight.core.dataset import Images
from firstlight.core.settings import TrainSettings
from firstlight.core.stored import ImageArray
from firstlight.training.losses import make_loss
from firstlight.training.metrics import Metric
from firstlight.training.tensors import as_tensor

# `(N, H, W, C)` images and `(N, S)` numbers beside them, or None, in; `(N, K)` probabilities or
# `(N, T)` values out.
Predict = Callable[[ImageArray, NDArray[np.float32] | None], NDArray[np.float32]]
Validate = Callable[[Predict], dict[str, float]]


def constant_score(
    metric: str, targets: NDArray[Any], held_out: NDArray[Any], classes: int
) -> float | None:
    """The metric of the same answer for every image: what a network has to beat.

    Args:
        metric: one of `core.settings.METRICS`.
        targets: of the training images, `(N,)` class numbers or `(N, T)` values; the answer is
            made from them: the share of each class, or the mean of each value.
        held_out: of the images that are asked about, in the same form.
        classes: how many there are; 0 for values.

    Returns:
        The metric; None where it is not defined.

    Example:
        >>> constant_score("accuracy", np.array([0, 0, 1]), np.array([0, 1, 1, 1]), 2)
        0.25
        >>> constant_score("mae", np.array([[1.0], [3.0]]), np.array([[2.0], [6.0]]), 0)
        2.0
    """
    if classes:
        answer = np.bincount(targets, minlength=classes) / len(targets)
    else:
        answer = targets.mean(axis=0)
    score = Metric(metric)
    answers = np.broadcast_to(answer, (len(held_out), len(answer))).astype(np.float32)
    score.update(torch.from_numpy(answers), torch.from_numpy(np.asarray(held_out)))
    value = score.result()
    return value if math.isfinite(value) else None


class Validator:
    """Asks a network about images and returns its loss and metric.

    Regularisers are not in the loss: they are the network's and not the images'.

    Args:
        images: the validation part.
        settings: every field filled in; `loss`, `label_smoothing` and `metric` are used.

    Attributes:
        answers: what the network answered when it was last asked, `(N, K)` probabilities or
            `(N, T)` values; None before that.
    """

    def __init__(self, images: Images, settings: TrainSettings) -> None:
        self.answers: NDArray[np.float32] | None = None
        self._images = images
        self._settings = settings
        self._targets = as_tensor(images.targets)

    def __call__(self, predict: Predict) -> dict[str, float]:
        """Loss and metric of what `predict` answers."""
        self.answers = predict(self._images.images, self._images.side)
        answers, targets, settings = torch.from_numpy(self.answers), self._targets, self._settings
        # Probabilities, not logits: nothing is left to be activated.
        loss = make_loss(
            str(settings.loss),
            "linear",
            answers.shape[1],
            targets.ndim == 1,
            settings.label_smoothing,
        )
        metric = Metric(str(settings.metric))
        metric.update(answers, targets)
        return {"loss": loss(answers, targets).item(), metric.name: metric.result()}
