"""Records of a look inside a network: what its layers answer, a kernel at work, saliency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Task
from firstlight.core.notebook import short
from firstlight.core.opened_numbers import LayerParameters, OpenedNumber, Softmax

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LayerAnswer:
    """What one layer answers for one image.

    Attributes:
        name: the layer's name; `outer/inner` where a model holds models.
        kind: its Keras class (`Conv2D`).
        values: `(H, W, C)` feature maps, or `(K,)` numbers.
    """

    name: str
    kind: str
    values: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape without the batch axis."""
        return self.values.shape

    @property
    def has_places(self) -> bool:
        """Whether its numbers belong to places in the image."""
        return self.values.ndim == 3 and min(self.values.shape[:2]) > 1


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of one convolution.

    Attributes:
        layer: the layer's name.
        kind: its Keras class.
        weights: `(height, width, channels, filters)`; of a depthwise or grouped convolution
            the channels of one group.
        bias: `(filters,)`, zeros where the layer has none.
    """

    layer: str
    kind: str
    weights: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class KernelAtWork:
    """How one number of a convolution's answer comes about: patch times weights, added up.

    Attributes:
        layer: the layer's name.
        filter: the filter's number.
        row, column: the position in the filter's answer.
        received: `(H, W, C)` what the layer receives.
        answer: `(H', W')` what the filter answers everywhere, after the activation.
        rows, columns: of `received`, under the kernel; below 0 or beyond the end in the padding.
        channels: `(C',)` of `received`, those that the filter looks at.
        patch: `(height, width, C')` the numbers under the kernel, 0 in the padding.
        weights: `(height, width, C')` of the filter.
        bias: of the filter, 0 where the layer has none.
        activation: the name of the layer's activation function.
    """

    layer: str
    filter: int
    row: int
    column: int
    received: Floats
    answer: Floats
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    channels: NDArray[np.int64]
    patch: Floats
    weights: Floats
    bias: float
    activation: str

    @property
    def inside(self) -> NDArray[np.bool_]:
        """`(height, width)`: False where the kernel reaches over the edge into the padding."""
        return _inside(self.received, self.rows, self.columns)

    @property
    def products(self) -> NDArray[np.float64]:
        """`(height, width, C')` each number of the patch times its weight."""
        return self.patch.astype(np.float64) * self.weights

    @property
    def channel_sums(self) -> NDArray[np.float64]:
        """`(C',)` the products of each channel added up."""
        return self.products.sum(axis=(0, 1))

    @property
    def largest_channels(self) -> NDArray[np.int64]:
        """`(C',)` places in `channels`: those with the largest sum, of either sign, first."""
        return np.argsort(-np.abs(self.channel_sums), kind="stable")

    @property
    def total(self) -> float:
        """All products and the bias added up: the number before the activation."""
        return float(self.products.sum()) + self.bias

    @property
    def value(self) -> float:
        """The number after the activation: what the layer answers at this position."""
        return float(self.answer[self.row, self.column])


@dataclass(frozen=True, eq=False)
class SlidingKernel:
    """One filter of a convolution with all that its answer to one image is made from.

    Attributes:
        layer: the layer's name.
        filter: the filter's number.
        received: `(H, W, C)` what the layer receives.
        answer: `(H', W')` what the filter answers, after the activation.
        channels: `(C',)` of `received`, those that the filter looks at.
        weights: `(height, width, C')` of the filter.
        bias: of the filter, 0 where the layer has none.
        activation: the name of the layer's activation function.
        before: rows and columns of padding before the first.
        strides: rows and columns from one place to the next.
        dilation: rows and columns from one weight to the next.
    """

    layer: str
    filter: int
    received: Floats
    answer: Floats
    channels: NDArray[np.int64]
    weights: Floats
    bias: float
    activation: str
    before: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]

    def at(self, row: int, column: int) -> KernelAtWork:
        """The kernel at work for one number of the answer."""
        rows, columns = (
            place * self.strides[axis]
            - self.before[axis]
            + self.dilation[axis] * np.arange(self.weights.shape[axis])
            for axis, place in enumerate((row, column))
        )
        height, width = self.received.shape[:2]
        taken = self.received[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
        inside = _inside(self.received, rows, columns)
        return KernelAtWork(
            layer=self.layer,
            filter=self.filter,
            row=row,
            column=column,
            received=self.received,
            answer=self.answer,
            rows=rows,
            columns=columns,
            channels=self.channels,
            patch=np.where(inside[..., None], taken[..., self.channels], np.float32(0)),
            weights=self.weights,
            bias=self.bias,
            activation=self.activation,
        )


def _inside(
    received: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which crossings of rows and columns lie in `received`."""
    height, width = received.shape[:2]
    within = (rows >= 0) & (rows < height)
    return within[:, None] & ((columns >= 0) & (columns < width))


@dataclass(frozen=True)
class SanityCheck:
    """Whether a saliency map depends on what the network has learned.

    The same map is made of the same network with each layer's weights shuffled, several times,
    and held against the map itself. Source: Adebayo et al. 2018, "Sanity checks for saliency
    maps", arXiv:1810.03292.

    Attributes:
        correlations: Spearman's rank correlation of the map with each of the others, -1 to 1; 0
            where a shuffled network makes an even map, which has no ranks.
        example: `(H, W)` the first of the others.
    """

    correlations: tuple[float, ...]
    example: Floats

    @property
    def correlation(self) -> float:
        """The mean of the correlations."""
        return float(np.mean(self.correlations))

    @property
    def passed(self) -> bool:
        """Whether shuffled weights make another map: a correlation of less than 0.5 in size."""
        return abs(self.correlation) < 0.5

    def sentence(self) -> str:
        """What the check says, for a person.

        Example:
            >>> SanityCheck((0.1, 0.0), np.zeros((2, 2))).sentence()[:59]
            'Shuffled weights make another picture: the rank correlation'
        """
        number = (
            f"the rank correlation is {self.correlation:.2f} (1: the same, 0: nothing in common)"
        )
        if self.passed:
            return f"Shuffled weights make another picture: {number}. So it depends on learning."
        return (
            f"Shuffled weights make much the same picture: {number}. So it shows the image more "
            "than what was learned: do not read it as the network's reasons."
        )


@dataclass(frozen=True, eq=False)
class Saliency:
    """Where in an image an answer comes from.

    Attributes:
        method: `grad_cam` or `integrated_gradients`.
        output: the number of the class, or of the measured number, that it is about.
        values: `(H, W)`. Of Grad-CAM, in no unit: for a class what speaks for it, 0 or more; for
            a measured number what raises it (positive) and lowers it (negative). Of integrated
            gradients, each pixel's share of the difference between two answers, all channels
            together, in logits or in the number's unit.
        layer: whose feature maps Grad-CAM weighs; "" otherwise.
        difference: of integrated gradients: the answer for the image minus that for the baseline,
            which the values add up to; None otherwise.
        steps: of integrated gradients: how many images on the way from the baseline were asked
            about; 0 otherwise.
        check: the sanity check, or None where it was not made.
    """

    method: Literal["grad_cam", "integrated_gradients"]
    output: int
    values: Floats
    layer: str = ""
    difference: float | None = None
    steps: int = 0
    check: SanityCheck | None = None

    def sentence(self) -> str:
        """What the sanity check says of the map, or that the map is empty."""
        if not self.values.any():
            return "The map is empty: nothing in these feature maps speaks for it on average."
        return "" if self.check is None else self.check.sentence()


@dataclass(frozen=True, eq=False)
class Look:
    """Everything that `firstlight look` shows of one image in one network.

    Attributes:
        run: the run's name.
        image: `(H, W, C)` as it is stored.
        image_name: where it came from.
        true: its class, or its values by name; None where they are not known.
        answers: the answer of the network: probabilities by class, or values by name.
        units: of the values, by name ("" where none is known); empty for classes.
        of: the class or the measured number that saliency is about.
        layers: what each layer answers, in the network's order.
        filters: of each convolution.
        kernel: the kernel at work, or None where the network has no convolution.
        saliency: one or two maps with their checks.
        softmax: the last step to the probabilities, or None where there is none.
        numbers: loss and score of the run, opened.
        parameters: of each layer that has any.
        evolution: for each epoch that is kept, its number (0: before training) and the filters of
            the first convolution then.
        notes: what else to know, as sentences.
    """

    run: str
    image: NDArray[Any]
    image_name: str
    true: str | dict[str, float] | None
    answers: dict[str, float]
    units: dict[str, str]
    of: str
    layers: tuple[LayerAnswer, ...]
    filters: tuple[Filters, ...]
    kernel: KernelAtWork | None
    saliency: tuple[Saliency, ...]
    softmax: Softmax | None
    numbers: tuple[OpenedNumber, ...]
    parameters: tuple[LayerParameters, ...]
    evolution: tuple[tuple[int, Filters], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """Whether the network tells classes apart or measures."""
        return "measure" if self.units else "classify"

    @property
    def question(self) -> str:
        """What saliency answers, as a heading."""
        return (
            f"Where the {'answer' if self.task == 'classify' else 'value of'} {self.of} comes from"
        )

    def headline(self) -> str:
        """What the network says of the image, and what is true, in a sentence."""
        if self.task == "classify":
            best = max(self.answers, key=lambda name: self.answers[name])
            said = f"It says {best}, with a probability of {100 * self.answers[best]:.2f} %"
            return f"{said}; true is {self.true}." if self.true is not None else f"{said}."
        true = self.true if isinstance(self.true, dict) else {}
        parts = []
        for name, value in self.answers.items():
            known = f" (true: {short(true[name], self.units[name])})" if name in true else ""
            parts.append(f"{name} = {short(value, self.units[name])}{known}")
        return f"It says {', '.join(parts)}."
