"""The screen of `firstlight eject` and `firstlight export`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firstlight.shells.cli.terminal import heading, say, say_path

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.delivery import Delivery


def show_delivery(console: Console, delivery: Delivery) -> None:
    """The files, how far they were held against the run, and what is not as in it."""
    for file in delivery.files:
        say_path(console, "Written", file)
    console.print()
    for sentence in delivery.checked():
        say(console, sentence)
    if delivery.notes:
        heading(console, "Not as in the run")
        for note in delivery.notes:
            say(console, f"- {note}")
