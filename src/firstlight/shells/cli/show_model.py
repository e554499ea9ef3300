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

STYLES = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def show_checkup(console: Console, checkup: Checkup, written: Path | None, data: str) -> None:
    """The walk through the network, layer by layer, then every finding with its fix.

    Args:
        console: where to write.
        checkup: what the shape doctor says.
        written: the file that the mended network was written to, or None.
        data: the data argument, for the next command to type.
    """
    heading(console, f"The network {checkup.model}, for one image")
    show_table(
        console,
        ("layer", "in", "out", "parameters", "FLOPs", "memory", "sees"),
        [
            (
                layer.kind,
                shape(layer.received),
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
    for finding in checkup.findings:
        _show_finding(console, finding)
    if not checkup.findings:
        say(console, "Nothing to mend.")
    if written is not None:
        console.print()
        say_path(console, "Mended", written)
        say_path(console, "Next", f"firstlight train {data} --model {written}")


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
            (row["name"], f"{row['parameters']:,}", large(row["flops"]), row["summary"])
            for row in rows
        ],
        words=("model", "what it is"),
    )
    say(console, "FLOPs: floating-point operations for one image.")
