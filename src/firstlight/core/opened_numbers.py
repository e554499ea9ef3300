"""Records of numbers taken apart: loss, softmax, score and parameter count, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Step:
    """One line of a calculation.

    Attributes:
        what: what is calculated, in words.
        how: the calculation with its numbers (`exp(3.2)`), "" where the number is given.
        value: what comes out.
    """

    what: str
    how: str
    value: float


@dataclass(frozen=True)
class OpenedNumber:
    """A number that a report shows, taken apart into the steps that make it.

    Attributes:
        name: `softmax`, `loss`, `accuracy`, `rmse`, `parameters`.
        meaning: what it is, in a sentence.
        steps: the calculation; the last one gives the number.
    """

    name: str
    meaning: str
    steps: tuple[Step, ...]

    @property
    def value(self) -> float:
        """The number."""
        return self.steps[-1].value


@dataclass(frozen=True, eq=False)
class Softmax:
    """Logits made probabilities.

    Attributes:
        logits: `(K,)` what the last layer adds up for each class.
        exponentials: `(K,)` e to the power of each.
        total: their sum.
        probabilities: `(K,)` each one's share of the sum.
    """

    logits: NDArray[np.float64]
    exponentials: NDArray[np.float64]
    total: float
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class ParameterArray:
    """One array of a layer's parameters.

    Attributes:
        name: `kernel`, `bias`, `gamma`, ...
        sizes: each axis's length and what it counts: `((5, "high"), (5, "wide"), ...)`.
        trained: whether training moves it.
    """

    name: str
    sizes: tuple[tuple[int, str], ...]
    trained: bool

    @property
    def count(self) -> int:
        """The product of its sizes."""
        return int(np.prod([size for size, _ in self.sizes]))

    def in_words(self) -> str:
        """The product as a person reads it.

        Example:
            >>> ParameterArray("bias", ((16, "filters"),), True).in_words()
            'bias: 16 filters = 16'
            >>> ParameterArray("moving_mean", ((1, "channels"),), False).in_words()
            'moving_mean: 1 channel = 1, not trained'
        """
        # Of one, the first word loses its s: 1 channel in.
        factors = [
            f"{size:,} {counts if size != 1 else counts.replace('s', '', 1)}".rstrip()
            for size, counts in self.sizes
        ]
        product = f"{self.name}: {' × '.join(factors) or '1'} = {self.count:,}"
        return product if self.trained else f"{product}, not trained"


@dataclass(frozen=True)
class LayerParameters:
    """A layer's parameter count as the products that it is.

    Attributes:
        name: the layer's name.
        kind: its Keras class.
        parts: for each of its arrays what it is called, its sizes with what each one counts,
            and whether training moves it.
    """

    name: str
    kind: str
    parts: tuple[ParameterArray, ...]

    @property
    def count(self) -> int:
        """All of its parameters."""
        return sum(part.count for part in self.parts)
