"""The doctor's rules about size: weights and memory that training cannot or should not take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from firstlight.core.findings import Edit, Finding, Fix, Layer, LayerCost
from firstlight.core.settings import TrainSettings
from firstlight.models.answer_rules import HUGE

# float32 weights, their gradient and Adam's two averages; a checkpoint leaves the gradient out.
_BYTES_IN_TRAINING = 16
_BYTES_IN_CHECKPOINT = 12
# An output kept for the way back, and its gradient.
_COPIES_OF_ACTIVATIONS = 2
_GIGABYTE = 1e9


def check_size(
    layers: Sequence[Layer] | None,
    rows: Sequence[LayerCost],
    settings: TrainSettings,
    memory: int | None,
) -> Iterator[Finding]:
    """Findings about a huge Dense layer, and about more memory than there is.

    Args:
        layers: the list of layers, or None where the network is no plain list.
        rows: the walk through the network.
        settings: the settings; the batch size is used.
        memory: bytes of memory, or None where it is not known.
    """
    total = sum(row.parameters for row in rows)
    for index, row in enumerate(rows):
        if row.kind == "Dense" and row.parameters > HUGE:
            yield _huge_dense(layers, rows, index, total)
            break
    if memory is None:
        return
    batch = settings.batch_size or 1
    weights = _BYTES_IN_TRAINING * total
    image = _COPIES_OF_ACTIVATIONS * sum(row.activation_bytes for row in rows)
    if weights + image > memory:
        yield Finding(
            "error",
            "memory",
            f"training needs at least {(weights + image) / _GIGABYTE:,.1f} GB of memory even for "
            f"one image at a time, and this machine has {memory / _GIGABYTE:,.1f} GB.",
            fix=Fix("use a smaller network or smaller images (--size)"),
        )
    elif weights + batch * image > 0.8 * memory:
        fitting = batch
        while fitting > 1 and weights + fitting * image > 0.8 * memory:
            fitting //= 2
        yield Finding(
            "warning",
            "memory",
            f"training with {batch} images in a batch needs about "
            f"{(weights + batch * image) / _GIGABYTE:,.1f} GB of memory, and this machine has "
            f"{memory / _GIGABYTE:,.1f} GB.",
            fix=Fix(f"use batches of {fitting}", settings={"batch_size": fitting}),
        )


def _huge_dense(
    layers: Sequence[Layer] | None, rows: Sequence[LayerCost], index: int, total: int
) -> Finding:
    """The layer that holds nearly all weights, since the whole image is flattened into it."""
    row = rows[index]
    numbers, units = row.received[-1], row.makes[-1]
    sentence = "put GlobalAveragePooling2D() in place of Flatten() (as --model vgg-gap has it)"
    edits: tuple[Edit, ...] = ()
    if layers is not None and index > 0 and layers[index - 1].kind == "Flatten":
        edits = (Edit("replace", index - 1, Layer("GlobalAveragePooling2D")),)
        left = total - (numbers - rows[index - 1].received[-1]) * units
        sentence += (
            f": {left / 1e6:,.1f} million weights are left, and the network takes images of any "
            "size"
        )
    sentence += "; or put more pooling before it"
    return Finding(
        "warning",
        "huge-dense-layer",
        f"{row.name} alone has {row.parameters / 1e6:,.0f} million of the network's "
        f"{total / 1e6:,.0f} million weights: each of its {units:,} units has one for each of the "
        f"{numbers:,} numbers that it receives. A checkpoint takes "
        f"{total * _BYTES_IN_CHECKPOINT / _GIGABYTE:,.1f} GB, and a run keeps two.",
        row.name,
        index,
        row.received,
        row.makes,
        Fix(sentence, edits),
    )
