"""The verb that opens the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstlight.shells.cli.application import Runs, app


@app.command(epilog="\b\nExamples:\n  firstlight lab\n  firstlight lab --runs my-runs --port 9000")
def lab(
    runs: Runs = Path("runs"),
    port: Annotated[
        int | None,
        typer.Option(
            metavar="INTEGER", help="port (default: 8474, or a free one)", min=0, max=65535
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="open a browser")] = True,
) -> None:
    """Open the lab in the browser: see images, build, train, look inside, take out.

    It answers on this machine only. Data are chosen below the folder where it is started.
    """
    from firstlight.shells.lab.server import serve

    def ready(address: str) -> None:
        print(f"The lab is at {address}", flush=True)
        print("The address works once. Ctrl+C closes the lab; trainings go on.", flush=True)
        if browser:
            import threading
            import webbrowser

            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    try:
        serve(Path.cwd(), runs, port, ready)
    except KeyboardInterrupt:
        print("The lab is closed.")
