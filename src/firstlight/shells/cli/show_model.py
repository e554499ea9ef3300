"""Screens of networks: the shape doctor's walk and findings, and the list of recipes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from firstlight.shells.cli.terminal import heading, say, say_path, show_table
from firstlight.shells.cli.text import bytes_text, clean, large, shape

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.findings import Checkup, Finding

WIDE = 100
STYLES = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def show_checkup(console: Console, checkup: Checkup, fix: Path | None) -> None:
    """The walk through the network, layer by layer, then every finding with its fix.

    Args:
        console: where to write.
        checkup: what the shape doctor says.
        fix: the file for the mended network, or None where it was not asked for.
    """
    if checkup.layers:
        _show_walk(console, checkup)
    for finding in checkup.findings:
        _show_finding(console, finding)
    if not checkup.findings:
        say(console, "Nothing to mend.")
    elif fix is not None and checkup.mended is None:
        say(console, "Nothing was written: none of this can be mended by a change of layers alone.")
    elif fix is not None:
        console.print()
        say_path(console, "Mended", fix)
        say(console, f"Train it with --model {fix}")


def _show_walk(console: Console, checkup: Checkup) -> None:
    image = shape(checkup.layers[0].received)
    heading(console, f"The network {checkup.model}, for one image of {image}")
    # What a layer receives is what the row above makes: it is left out where there is no room.
    wide = console.width >= WIDE
    show_table(
        console,
        ("layer", *(["in"] * wide), "out", "parameters", "FLOPs", "memory", "sees"),
        [
            (
                layer.name,
                *([shape(layer.received)] * wide),
                shape(layer.makes),
                f"{layer.parameters:,}",
                large(layer.flops),
                bytes_text(layer.activation_bytes),
                "all" if layer.receptive_field is None else shape(layer.receptive_field),
            )
            for layer in checkup.layers
        ],
        words=("layer",),
    )
    parameters = sum(layer.parameters for layer in checkup.layers)
    flops = sum(layer.flops for layer in checkup.layers)
    say(console, f"In all {parameters:,} parameters and {large(flops)} FLOPs for one image.")
    say(console, "Sees: height x width in pixels of the image that one output number depends on.")
    console.print()


def _show_finding(console: Console, finding: Finding) -> None:
    where = f" in {finding.layer}" if finding.layer else ""
    console.print(
        Text.assemble(
            (f"{finding.level}{clean(where)}: ", STYLES[finding.level]), clean(finding.message)
        )
    )
    if finding.fix is not None:
        console.print(Text.assemble(("  fix: ", "bold"), clean(finding.fix.sentence)))


def show_models(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """The recipes, each with what it is for and what it costs."""
    show_table(
        console,
        ("model", "parameters", "FLOPs", "what it is"),
        [
            (
                row["name"],
                "too small" if row["parameters"] is None else f"{row['parameters']:,}",
                "-" if row["flops"] is None else large(row["flops"]),
                row["summary"],
            )
            for row in rows
        ],
        words=("model", "what it is"),
    )
    if any(row["parameters"] is None for row in rows):
        say(console, "Too small: this network needs larger images.")
    say(console, "FLOPs: floating-point operations for one image.")
