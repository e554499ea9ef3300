"""The screen of `firstlight doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firstlight.shells.cli.terminal import heading, say, show_table
from firstlight.shells.cli.text import bytes_text

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.environment import Environment


def show_environment(console: Console, environment: Environment) -> None:
    """Versions, devices and why a GPU is not used, threads, bfloat16, Keras backends."""
    say(console, environment.system)
    heading(console, "Packages")
    show_table(
        console,
        ("package", "version"),
        [(name, version or "not installed") for name, version in environment.versions.items()],
        words=("package", "version"),
    )
    heading(console, "Devices")
    show_table(
        console,
        ("device", "name", "memory", "fast bfloat16"),
        [
            (
                device.kind,
                device.name,
                bytes_text(device.memory),
                "yes" if device.bfloat16 else "no",
            )
            for device in environment.devices
        ],
        words=("device", "name", "fast bfloat16"),
    )
    say(console, f"GPU: {environment.gpu}")
    say(console, f"bfloat16: {environment.bfloat16}")
    limits = ", ".join(f"{name}={value}" for name, value in environment.thread_variables.items())
    say(
        console,
        f"Threads: {environment.threads}; this process may use {environment.cores} cores"
        + (f" ({limits} is set)." if limits else "."),
    )
    heading(console, "Keras backends")
    show_table(
        console,
        ("backend", "version", "chosen"),
        [
            (backend.name, backend.version or "not installed", "yes" if backend.chosen else "")
            for backend in environment.backends
        ],
        words=("backend", "version", "chosen"),
    )
    say(
        console,
        "firstlight's own engine trains with torch, whichever backend KERAS_BACKEND chooses. Only "
        "for a layer that the engine does not know the backend has to be torch.",
    )
