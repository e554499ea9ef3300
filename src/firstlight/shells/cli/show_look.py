"""The screen of a look inside a network: the gist, and where the page is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.shells.cli.terminal import heading, say, say_path, show_table
from firstlight.shells.cli.text import number, shape

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.insight import KernelAtWork, Look

METHODS = {"grad_cam": "Grad-CAM", "integrated_gradients": "Integrated gradients"}


def look_document(look: Look) -> dict[str, Any]:
    """The look for a program: without the pictures, which `firstlight.look` gives in Python."""
    work = look.kernel
    return {
        "run": look.run,
        "image": look.image_name,
        "true": look.true,
        "answers": look.answers,
        "units": look.units,
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "shape": layer.shape,
                "min": layer.values.min(),
                "max": layer.values.max(),
            }
            for layer in look.layers
        ],
        "filters": [{"layer": one.layer, "shape": one.weights.shape} for one in look.filters],
        "kernel": None
        if work is None
        else {
            "layer": work.layer,
            "filter": work.filter,
            "row": work.row,
            "column": work.column,
            "channels": work.channels,
            "patch": work.patch,
            "weights": work.weights,
            "channel_sums": work.channel_sums,
            "bias": work.bias,
            "total": work.total,
            "activation": work.activation,
            "value": work.value,
        },
        "saliency": [
            {
                "method": found.method,
                "of": look.of,
                "difference": found.difference,
                "correlations": None if found.check is None else found.check.correlations,
                "sentence": found.sentence(),
            }
            for found in look.saliency
        ],
        "softmax": look.softmax,
        "numbers": look.numbers,
        "parameters": look.parameters,
        "notes": look.notes,
    }


def show_look(console: Console, look: Look, save: Path | None) -> None:
    """What the network says, what its layers answer, a kernel, and what saliency is worth."""
    heading(console, f"{look.run}, {look.image_name}")
    say(console, look.headline())
    for note in look.notes:
        say(console, f"Note: {note}")
    heading(console, "What each layer answers")
    rows = [
        (
            layer.name,
            layer.kind,
            shape(layer.shape),
            *map(number, (float(layer.values.min()), float(layer.values.max()))),
        )
        for layer in look.layers
    ]
    columns = ("layer", "kind", "shape", "min", "max")
    show_table(console, columns, rows, words=("layer", "kind", "shape"))
    if look.kernel is not None:
        _show_kernel(console, look.kernel)
    heading(console, look.question)
    for found in look.saliency:
        say(console, f"{METHODS[found.method]}: {found.sentence()}")
    heading(console, "The numbers, step by step")
    for opened in look.numbers:
        last = opened.steps[-1]
        how = f" = {last.how}" if last.how else ""
        say(console, f"{opened.name}{how} = {number(opened.value)}. {opened.meaning}")
    console.print()
    if save is None:
        say(console, "Give --save FOLDER for the pictures and every step.")
    else:
        say_path(console, "Page", save / "index.html")


def _show_kernel(console: Console, work: KernelAtWork) -> None:
    heading(console, "A kernel at work")
    height, width, channels = work.weights.shape
    count = height * width * channels
    after = "" if work.activation == "linear" else f"; {work.activation} makes it"
    value = "" if work.activation == "linear" else f" {number(work.value)}"
    say(
        console,
        f"Filter {work.filter} of {work.layer} at row {work.row}, column {work.column}: "
        f"{count:,} numbers times {count:,} weights add up to {number(work.total - work.bias)}, "
        f"with the bias {number(work.bias)} to {number(work.total)}{after}{value}.",
    )
