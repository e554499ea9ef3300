"""The order in which a network's modules run, and reorderings that give the same numbers faster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from firstlight.training.activations import Activation
from firstlight.training.lowerings.pooling import MaxPooling


@dataclass(frozen=True)
class Step:
    """One module's call: `parts[part]` of the tensors `inputs` makes the tensor `output`.

    Tensors are numbered; `finished` are those that nothing needs after it: they are let go.
    """

    part: int
    inputs: tuple[int, ...]
    output: int
    finished: tuple[int, ...] = ()


def pool_before_relu(steps: Sequence[Step], parts: Sequence[nn.Module]) -> list[Step]:
    """Swap each ReLU that stands right before a max pooling with it.

    The largest of several numbers cut at zero is the largest of them, cut at zero: after the
    pooling, a quarter of the numbers is left to cut.
    """
    done = list(steps)
    uses = Counter(key for step in steps for key in step.inputs)
    for number in range(len(done) - 1):
        one, two = done[number], done[number + 1]
        relu, pool = parts[one.part], parts[two.part]
        alone = two.inputs == (one.output,) and uses[one.output] == 1
        if alone and _is_relu(relu) and type(pool) is MaxPooling:
            done[number] = replace(one, part=two.part)
            done[number + 1] = replace(two, part=one.part)
    return done


def with_releases(steps: Sequence[Step], answer: int) -> list[Step]:
    """The steps, each with the tensors that nothing needs after it."""
    last = {key: number for number, step in enumerate(steps) for key in step.inputs}
    last.pop(answer, None)
    return [
        replace(step, finished=tuple(key for key, end in last.items() if end == number))
        for number, step in enumerate(steps)
    ]


def _is_relu(module: nn.Module) -> bool:
    return isinstance(module, Activation) and module.name == "relu"
