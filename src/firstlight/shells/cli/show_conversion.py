"""The screen of `firstlight convert`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.text import Text

from firstlight.shells.cli.terminal import heading, say_path, show_table, warn
from firstlight.shells.cli.text import clean

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.conversion import Conversion


def show_conversion(console: Console, conversion: Conversion) -> None:
    """The arrays that were written, what was left out, and the command to look at them."""
    heading(console, "Arrays")
    rows = [
        (clean(name), " x ".join(map(str, shape)), kind)
        for name, (shape, kind) in conversion.arrays.items()
    ]
    show_table(console, ("array", "shape", "numbers"), rows, words=("array", "numbers"))
    for name, reason in conversion.left_out.items():
        warn(console, f"The column {name} is left out: it {reason}.")
    say_path(console, "Written", conversion.output)
    others = [name for name in conversion.arrays if name != "images"]
    target = f" --target {shlex.quote(others[0])}" if others else ""
    heading(console, "Look at them with")
    command = f"firstlight explore {shlex.quote(conversion.output)}{target}"
    console.print(Text(clean(command)), soft_wrap=True)
