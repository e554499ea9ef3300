"""The learning-rate range test: train a little while the learning rate grows.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.dataset import Images
from firstlight.core.errors import TrainingError
from firstlight.core.range_test import RangeTest
from firstlight.core.settings import TrainSettings
from firstlight.core.telescope import Telescope
from firstlight.training.augmenting import Augmentation
from firstlight.training.batches import Batches
from firstlight.training.class_weights import class_weights
from firstlight.training.keras_learner import KerasNetwork
from firstlight.training.learner import make_learner
from firstlight.training.lowering import Network
from firstlight.training.machine import Machine
from firstlight.training.observing import view_of
from firstlight.training.streaming import make_batches

FIRST, LAST, STEPS = 1e-6, 10.0, 210
# Of the bell curve that smooths, in steps: a sixth of a factor of ten in the learning rate.
WIDTH = 5.0
# The loss of the beginning is the mean of so many steps, whose rates move nothing yet (up to 4e-6).
BEGINNING = 20
# A mean of so many steps at twice the loss of the beginning is the end.
RECENT = 5
# Close enough to the lowest loss: what is left of the fall there. The lowest itself stands next to
# the rates at which training fails, or anywhere, where all images have been learned by heart.
LEFT = 0.03
RULE = f"the smallest learning rate at which the loss had made {1 - LEFT:.0%} of its fall"
# What the smoothed loss has to fall by, as a share of that at the beginning.
LEAST_FALL = 0.05

Step = Callable[[float], float]
Watch = Callable[[int, int, float, float], None]


def range_test(step: Step, watch: Watch | None = None) -> RangeTest:
    """Call `step` with learning rates from 1e-6 to 10, each a little larger than the last.

    It ends early when the mean loss of five steps is twice that of the first twenty, or a loss is
    not finite.

    Args:
        step: trains for one batch with the learning rate that it is given; returns the loss
            from before.
        watch: called after each step with its number (from 1), how many there may be, the rate
            and the loss.

    Raises:
        TrainingError: the loss fell at no learning rate.

    Example:
        >>> error = [1.0]
        >>> def step(rate):  # towards the lowest point of error squared
        ...     before = error[0]
        ...     error[0] -= rate * 2 * before
        ...     return before**2
        >>> f"{range_test(step).lowest:.1f}"
        '0.7'
    """
    rates: list[float] = []
    losses: list[float] = []
    end = f"the largest learning rate, {LAST:g}, was reached"
    for number, rate in enumerate(np.geomspace(FIRST, LAST, STEPS).tolist()):
        loss = step(rate)
        if not math.isfinite(loss):
            end = f"the loss became {loss} at a learning rate of {rate:.2g}"
            break
        rates.append(rate)
        losses.append(loss)
        if watch is not None:
            watch(number + 1, STEPS, rate, loss)
        if np.mean(losses[-RECENT:]) > 2 * np.mean(losses[:BEGINNING]):
            end = f"the loss was twice that of the beginning at a learning rate of {rate:.2g}"
            break
    return _judged(rates, losses, end)


def _judged(rates: list[float], losses: list[float], end: str) -> RangeTest:
    smoothed = smooth(losses)
    start = float(np.mean(losses[:BEGINNING])) if losses else 0.0
    lowest = int(np.argmin(smoothed)) if losses else 0
    if lowest < BEGINNING or smoothed[lowest] > (1 - LEAST_FALL) * start:
        raise TrainingError(
            f"the loss fell at no learning rate from {FIRST:g} on ({end}): look at images and "
            "targets with firstlight explore, or try another --model or --optimizer. A network "
            "that takes long to begin to learn shows nothing here: train it with several rates."
        )
    close = smoothed[lowest] + LEFT * (start - smoothed[lowest])
    suggested = rates[int(np.argmax(smoothed <= close))]
    steepest = int(np.argmin(np.gradient(smoothed)[: lowest + 1]))
    return RangeTest(
        tuple(rates),
        tuple(losses),
        tuple(smoothed.tolist()),
        rates[lowest],
        rates[steepest],
        float(f"{suggested:.2g}"),
        RULE,
        end,
    )


def smooth(losses: list[float]) -> NDArray[np.float64]:
    """Each loss as the mean of its neighbours before and after, weighted by a bell curve.

    Unlike a running mean it does not lag behind, which would move every rate up.

    Example:
        >>> smooth([2.0, 1.0, 3.0, 2.0]).round(2).tolist()
        [1.98, 1.99, 2.01, 2.02]
    """
    steps = np.arange(len(losses))
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / WIDTH) ** 2)
    return np.asarray(weights @ np.asarray(losses) / weights.sum(axis=1))


def training_step(
    network: Network | KerasNetwork,
    images: Images,
    settings: TrainSettings,
    machine: Machine,
    telescope: Telescope | None = None,
) -> Step:
    """What `range_test` calls: trains the network on one batch after the other, without end.

    Args:
        network: it is moved to the machine's device and trained.
        images: the training images, `(N, H, W, C)`, with their targets.
        settings: every field filled in.
        machine: what to compute on.
        telescope: through which the images are seen, or None.

    Example:
        >>> from firstlight.models import build_model, resolve_settings
        >>> from firstlight.training import lower
        >>> model = build_model("simple", (20, 20, 1), 3, "classify")
        >>> names = np.array(list("abcd"))
        >>> images = Images(np.zeros((4, 20, 20, 1), np.uint8), np.arange(4) % 3, names)
        >>> settings = resolve_settings(TrainSettings(model="simple", batch_size=2), "classify")
        >>> machine = Machine(torch.device("cpu"), "float32", 1)
        >>> step = training_step(lower(model), images, settings, machine)
        >>> 0 < step(0.001) < 10
        True
    """
    device = machine.device
    network.to(device)
    augmentation = Augmentation.parse(settings.augment)
    size = int(settings.batch_size or 1)
    view = view_of(images, telescope, device)
    batches = make_batches(
        images.images, images.targets, size, settings.seed, augmentation, device, view, images.side
    )
    network.eval()
    with torch.no_grad():
        outputs = int(network(*batches.first()).shape[-1])
    classify = images.targets.ndim == 1
    # An average of the weights would change none of the losses.
    settings = replace(settings, average=None)
    learner, _ = make_learner(network, settings, machine, outputs, classify)
    of_class = class_weights(settings.class_weights, images.targets)
    weights = None if of_class is None else torch.from_numpy(of_class).to(device)
    torch.manual_seed(settings.seed)
    coming = _without_end(batches)

    def step(rate: float) -> float:
        inputs, targets = next(coming)
        of_images = None if weights is None else weights[targets]
        return learner.step(inputs, targets, of_images, rate)[0]

    return step


def _without_end(batches: Batches) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    epoch = 0
    while True:
        batches.start_epoch(epoch)
        for position in range(len(batches)):
            yield batches.batch(epoch, position)
        epoch += 1
