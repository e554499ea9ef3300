"""The order in which a network's modules run, and reorderings that give the same numbers faster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn

from firstlight.training.activations import Activation
from firstlight.training.lowerings.pooling import MaxPooling

# Activations that are cut off the end and folded into the loss, which is exact on logits.
HEADS = ("softmax", "sigmoid")


@dataclass(frozen=True)
class Step:
    """One module's call: `parts[part]` of the tensors `inputs` makes the tensor `output`.

    Tensors are numbered; `finished` are those that nothing needs after it: they are let go.
    """

    part: int
    inputs: tuple[int, ...]
    output: int
    finished: tuple[int, ...] = ()


def pool_before_relu(
    steps: Sequence[Step], parts: Sequence[nn.Module], answers: Sequence[int]
) -> list[Step]:
    """Swap each ReLU that stands right before a max pooling with it.

    The largest of several numbers cut at zero is the largest of them, cut at zero: after the
    pooling, a quarter of the numbers is left to cut.
    """
    done = list(steps)
    uses = Counter([*answers, *(key for step in steps for key in step.inputs)])
    for number in range(len(done) - 1):
        one, two = done[number], done[number + 1]
        relu, pool = parts[one.part], parts[two.part]
        alone = two.inputs == (one.output,) and uses[one.output] == 1
        if alone and _is_relu(relu) and type(pool) is MaxPooling:
            done[number] = replace(one, part=two.part)
            done[number + 1] = replace(two, part=one.part)
    return done


def with_releases(steps: Sequence[Step], answers: Sequence[int]) -> list[Step]:
    """The steps, each with the tensors that nothing needs after it."""
    last: dict[int, int] = {}
    for number, step in enumerate(steps):
        last |= dict.fromkeys((*step.inputs, step.output), number)
    finished: dict[int, list[int]] = {number: [] for number in range(len(steps))}
    for key, end in last.items():
        if key not in answers:
            finished[end].append(key)
    return [replace(step, finished=tuple(finished[number])) for number, step in enumerate(steps)]


def cut_heads(
    steps: list[Step], parts: Sequence[nn.Module], answers: Sequence[int], inputs: int
) -> tuple[tuple[str, ...], list[int]]:
    """Take a softmax or sigmoid off each end, where nothing else reads it.

    Args:
        steps: of the whole network; those that are cut off are taken out of it.
        parts: the modules.
        answers: the tensors that the network answers.
        inputs: how many tensors, the first ones, the network receives.

    Returns:
        For each answer the name of what was cut off, or `linear`, and the tensors before it.
    """
    makers = {step.output: step for step in steps}
    heads: list[str] = []
    ends: list[int] = []
    for answer in answers:
        maker = makers.get(answer)
        if maker is not None and maker.inputs[0] >= inputs and _is_head(parts[maker.part]):
            heads.append(str(parts[maker.part].name))
            ends.append(maker.inputs[0])
        else:
            heads.append("linear")
            ends.append(answer)
    needed = {*ends, *(key for step in steps for key in step.inputs)}
    steps[:] = [step for step in steps if step.output in needed or step.output not in answers]
    return tuple(heads), ends


def _is_relu(module: nn.Module) -> bool:
    return isinstance(module, Activation) and module.name == "relu"


def _is_head(module: nn.Module) -> bool:
    return isinstance(module, Activation) and module.name in HEADS
