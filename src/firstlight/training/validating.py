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


def validator(images: Images, settings: TrainSettings) -> Validate:
    """A function that asks a network about `images` and returns its loss and metric.

    Regularisers are not in the loss: they are the network's and not the images'.

    Args:
        images: the validation part.
        settings: every field filled in; `loss`, `label_smoothing` and `metric` are used.
    """
    name = str(settings.loss)
    smoothing = settings.label_smoothing
    classify = images.targets.ndim == 1
    targets = as_tensor(images.targets)

    def validate(predict: Predict) -> dict[str, float]:
        answers = torch.from_numpy(predict(images.images, images.side))
        # Probabilities, not logits: nothing is left to be activated.
        loss = make_loss(name, "linear", answers.shape[1], classify, smoothing)(answers, targets)
        metric = Metric(str(settings.metric))
        metric.update(answers, targets)
        return {"loss": loss.item(), metric.name: metric.result()}

    return validate
