"""Loss and metric of a network's answers, as Keras's `evaluate` would give them."""

from __future__ import annotations

from collections.abc import Callable

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
