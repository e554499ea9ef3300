"""Where in an image an answer comes from: Grad-CAM and integrated gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.errors import ModelError, SettingError
from firstlight.core.insight import Saliency
from firstlight.explain.opening import OpenModel, Side
from firstlight.models.answer_rules import ending_of

# Images on the way from the baseline: at first, and at the most.
FEWEST, MOST = 32, 1024
AT_ONCE = 256 * 28 * 28  # pixels
CLOSE = 0.005  # of all shares together, by which their sum may be off


def grad_cam(
    opened: OpenModel,
    image: NDArray[Any],
    output: int,
    layer: str | None = None,
    side: Side = None,
    signed: bool = False,
) -> Saliency:
    """Which places in the last feature maps speak for a class: Grad-CAM.

    Each feature map counts by the mean of the gradient of the class's logit over it; the sum,
    without what speaks against the class, is brought to the size of the image.

    Source: Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via
    gradient-based localization", arXiv:1610.02391, equations 1 and 2.

    Args:
        opened: from `open_model`.
        image: `(H, W, C)` as it is stored.
        output: the class or the measured number.
        layer: whose feature maps; None: the last ones behind an activation function, since before
            it no map has a zero of its own.
        side: `(S,)` numbers beside the image, for a network that takes them.
        signed: keep what speaks against it, too: for measured numbers.

    Raises:
        ModelError: no layer answers with feature maps, there is none of that name, or there is no
            such output.
        SettingError: that layer answers with something else.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("intermediate", (28, 28, 1), 10, "classify"))
        >>> grad_cam(opened, np.ones((28, 28, 1)), 7).values.shape
        (28, 28)
    """
    values = opened.network.run(*_with_gradient(opened.inputs(image[None], side)))
    name = _last_maps(opened, values) if layer is None else layer
    opened.layer(name)
    maps = values[opened.network.tensor_of(name)]
    if maps.dim() != 4:
        raise SettingError(
            f"{name} answers with a row of numbers, where feature maps were expected: choose a "
            "layer before them, such as a convolution."
        )
    score = opened.score(values, output)
    (gradient,) = torch.autograd.grad(score.sum(), maps, materialize_grads=True)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    coarse = (weights * maps).sum(dim=1, keepdim=True)
    coarse = coarse if signed else torch.relu(coarse)
    fine = torch.nn.functional.interpolate(
        coarse, image.shape[:2], mode="bilinear", align_corners=False
    )
    return Saliency("grad_cam", output, fine[0, 0].detach().numpy(), name)


def integrated_gradients(
    opened: OpenModel,
    image: NDArray[Any],
    output: int,
    baseline: NDArray[Any] | None = None,
    side: Side = None,
) -> Saliency:
    """How much each pixel adds to an answer, on the way from an empty image to this one.

    The gradient is added up along the straight line from the baseline to the image (midpoint rule)
    with twice as many steps until the shares add up to the difference of the two answers, as they
    must, within 0.5 % of their sizes together, or there are 1,024 of them.

    Source: Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks",
    arXiv:1703.01365, section 3.

    Args:
        opened: from `open_model`.
        image: `(H, W, C)` as it is stored.
        output: the class, whose logit is shared out, or the measured number.
        baseline: `(H, W, C)`; None: black (0) for whole numbers, the mean of each channel of the
            image for others.
        side: `(S,)` numbers beside the image, which stay as they are.

    Raises:
        ModelError: image or baseline do not fit the network, or there is no such output.

    Example:
        >>> from firstlight.explain import open_model
        >>> from firstlight.models import build_model
        >>> opened = open_model(build_model("intermediate", (28, 28, 1), 10, "classify"))
        >>> found = integrated_gradients(opened, np.ones((28, 28, 1), np.uint8), 7)
        >>> bool(np.isclose(found.values.sum(), found.difference, atol=0.01))
        True
    """
    start = empty_image(image) if baseline is None else baseline
    ends = [opened.inputs(one[None].astype(np.float32), side) for one in (start, image)]
    (begin, *beside), (end, *_) = ends
    with torch.no_grad():
        scores = [opened.score(opened.network.run(*one), output).item() for one in ends]
    difference, steps = scores[1] - scores[0], FEWEST
    while True:
        total = torch.zeros_like(end[0], dtype=torch.float64)
        for positions in _midpoints(steps, image.shape):
            path = (begin + positions[:, None, None, None] * (end - begin)).requires_grad_()
            others = [one.expand(len(path), -1) for one in beside]
            score = opened.score(opened.network.run(path, *others), output)
            total += torch.autograd.grad(score.sum(), path)[0].double().sum(dim=0)
        shares = (total / steps * (end - begin)[0]).numpy()
        missing = abs(shares.sum() - difference)
        if missing <= CLOSE * np.abs(shares).sum() or steps >= MOST:
            break
        steps *= 2
    values = shares.sum(axis=2).astype(np.float32)
    return Saliency("integrated_gradients", output, values, "", difference, steps)


def empty_image(image: NDArray[Any]) -> NDArray[np.float32]:
    """Black for whole numbers; for others an even image of each channel's mean.

    Example:
        >>> empty_image(np.array([[[1.0], [2.0]]])).ravel().tolist()
        [1.5, 1.5]
    """
    empty = np.zeros(image.shape, np.float32)
    if image.dtype.kind == "f":
        empty += image.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    return empty


def _midpoints(steps: int, shape: tuple[int, ...]) -> Iterator[Tensor]:
    """The middles of so many equal steps from 0 to 1, as many at once as fit."""
    middles = (torch.arange(steps, dtype=torch.float64) + 0.5) / steps
    size = max(1, AT_ONCE // (shape[0] * shape[1]))
    yield from middles.float().split(size)


def _with_gradient(inputs: list[Tensor]) -> list[Tensor]:
    """The inputs, the image asking for its gradient: so that every layer's is there."""
    return [inputs[0].requires_grad_(), *inputs[1:]]


def _last_maps(opened: OpenModel, values: dict[int, Tensor]) -> str:
    """The last layer that answers with feature maps, if there is any behind an activation."""
    maps = [name for name in opened.layers if _has_places(values[opened.network.tensor_of(name)])]
    active = [name for name in maps if _is_active(opened.layer(name))]
    if not maps:
        raise ModelError(
            f"{opened.model.name} has no feature maps, which Grad-CAM needs: use a network with a "
            "convolution, or integrated gradients."
        )
    return (active or maps)[-1]


def _has_places(answer: Tensor) -> bool:
    return answer.dim() == 4 and min(answer.shape[2:]) > 1


def _is_active(layer: Any) -> bool:
    """Whether a layer ends with an activation function: numbers before one have no zero."""
    return ending_of(layer) != "linear" or type(layer).__name__ in ("ELU", "LeakyReLU", "PReLU")
