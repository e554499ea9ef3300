"""Loss, softmax, score and parameter count as tables of their steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firstlight.core.insight import Look
from firstlight.core.notebook import readable
from firstlight.core.opened_numbers import LayerParameters, OpenedNumber, Softmax

CLASSES = 20
SOFTMAX = (
    "The last layer adds up one number for each class, its logit, of any size and sign. Softmax "
    "makes probabilities of them: take e to the power of each, and divide by the sum of them all. "
    "So they are above 0 and add up to 1, and a logit that is larger by 1 means a probability "
    "e = 2.718 times as large."
)
PARAMETERS = (
    "A parameter is a number that belongs to the network and not to the image. Each layer has "
    "arrays of them, and an array holds as many as its sizes multiplied."
)


@dataclass(frozen=True)
class Opened:
    """A number taken apart, as a page shows it.

    Attributes:
        title: what it is, with its value.
        meaning: what that means, in a sentence or a few.
        heads: of the columns.
        rows: a step of the calculation each.
        words: how many columns, from the left, hold words; the others hold numbers.
    """

    title: str
    meaning: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int


def opened_tables(look: Look) -> tuple[Opened, ...]:
    """The softmax, the opened numbers and the parameters of a look, those that there are.

    Example:
        >>> import numpy as np
        >>> from firstlight.core.opened_numbers import Step
        >>> number = OpenedNumber("loss", "How far off it is.", (Step("the loss", "", 0.5),))
        >>> look = Look("digits", np.zeros((4, 4, 1), np.uint8), "a.png", None, {"7": 0.9}, {},
        ...     "7", (), (), None, (), None, (number,), ())
        >>> [opened.title for opened in opened_tables(look)]
        ['Loss: 0.5']
    """
    return tuple(_opened(look))


def _opened(look: Look) -> Iterator[Opened]:
    if look.softmax is not None:
        yield _softmax(look.softmax, list(look.answers))
    yield from map(_number, look.numbers)
    if look.parameters:
        yield _parameters(look.parameters)


def _softmax(softmax: Softmax, names: list[str]) -> Opened:
    order = range(len(softmax.logits))
    if len(order) > CLASSES:
        order = (-softmax.logits).argsort(kind="stable")[:CLASSES].tolist()
    rows = [
        (
            names[k],
            f"{softmax.logits[k]:.4f}",
            readable(softmax.exponentials[k]),
            readable(softmax.probabilities[k]),
        )
        for k in order
    ]
    rows.append(("sum", "", readable(softmax.total), "1"))
    heads = ("class", "logit", "exponential", "probability")
    return Opened("Softmax: from logits to probabilities", SOFTMAX, heads, tuple(rows), 1)


def _number(number: OpenedNumber) -> Opened:
    rows = tuple((step.what, step.how, readable(step.value)) for step in number.steps)
    title = f"{number.name.capitalize()}: {readable(number.value)}"
    return Opened(title, number.meaning, ("step", "calculation", "value"), rows, 2)


def _parameters(parameters: tuple[LayerParameters, ...]) -> Opened:
    rows = []
    for layer in parameters:
        *first, last = [part.in_words() for part in layer.parts]
        names = [(layer.name, layer.kind), *[("", "")] * len(first)]
        counts = [*[""] * len(first), f"{layer.count:,}"]
        rows += [
            (*name, part, count)
            for name, part, count in zip(names, (*first, last), counts, strict=True)
        ]
    total = sum(layer.count for layer in parameters)
    rows.append(("all layers", "", "", f"{total:,}"))
    heads = ("layer", "kind", "each array", "parameters")
    return Opened(f"Parameters: {total:,}", PARAMETERS, heads, tuple(rows), 3)
