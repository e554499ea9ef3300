"""A lab of its own for each module of tests: a real process on a free port of this machine."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_attack import PLANTED
from lab_client import LabProcess

# Limits that a test can reach in a moment.
BOOT = """
import sys
from firstlight.shells.lab import application, guard, places, server
guard.UPLOAD_BYTES = places.UPLOAD_BYTES = 1 << 20
guard.SLOWEST, server.FIRST_WORDS, application.PATIENCE = 1.0, 1.0, 1.0
server.NEXT_WORDS = 1
from firstlight.shells.cli.main import main
main(sys.argv[1:])
"""


@contextmanager
def running(folder: Path, *, quick: bool = False) -> Iterator[LabProcess]:
    command = ["-c", BOOT] if quick else ["-m", "firstlight"]
    process = subprocess.Popen(
        [sys.executable, "-P", *command, "lab", "--no-browser", "--runs", "runs", "--port", "0"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", line)
        assert address is not None, line
        yield LabProcess(folder, int(address[1]), address[2], process)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(20)
        said = process.stdout.read()
        process.stdout.close()
    # Ctrl+C is the way to end it, and no error.
    assert (code, said.endswith("The lab is closed.\n")) == (0, True)


@pytest.fixture(scope="module")
def start_lab() -> Callable[..., object]:
    """Starts a lab in a folder, as a context."""
    return running


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabProcess]:
    """A lab with quick limits in a folder with `halves.npz`, a secret beside and links to it."""
    outer = tmp_path_factory.mktemp("outer")
    (outer / "secret").mkdir()
    (outer / "secret" / "secret.csv").write_text("do not read this")
    folder = outer / "start"
    (folder / ".hidden").mkdir(parents=True)
    (folder / "link").symlink_to(outer / "secret")
    os.mkfifo(folder / "pipe.npz")
    make_halves(folder / "halves.npz")
    upload = folder / "runs" / ".lab" / "uploads" / "there"
    upload.mkdir(parents=True)
    (upload / "out").symlink_to(outer / "secret")
    (upload.parent / "away").symlink_to(outer / "secret")
    # A run that lies elsewhere, and a file that this lab has not made where those lie that it has.
    for name in ("run.json", "model.keras", "report.html"):
        (outer / "secret" / name).write_text("do not read this")
    (folder / "runs" / "away").symlink_to(outer / "secret")
    planted = folder / "runs" / ".lab" / "exports" / PLANTED / "first" / "keras"
    planted.mkdir(parents=True)
    (planted / "first.keras").write_text("do not read this")
    with running(folder, quick=True) as process:
        process.sign_in()
        yield process


def make_halves(path: Path, count: int = 60) -> None:
    """Images whose upper or lower half is white: two classes that are told apart at once."""
    images = np.zeros((count, 8, 8), np.uint8)
    images[::2, 4:] = 255
    # No two are equal.
    images[:, 0, :2] = np.arange(2 * count).reshape(count, 2) % 251
    np.savez(path, images=images, labels=np.arange(count) % 2)


@pytest.fixture(scope="module")
def halves() -> Callable[..., None]:
    """Writes a data set of two classes."""
    return make_halves


@pytest.fixture(scope="module")
def digits() -> Callable[[Path], None]:
    """Writes 600 digits of MNIST."""
    import firstlight as fl

    def make(path: Path) -> None:
        images = fl.load("mnist").train
        np.savez(path, images=images.images[:600], labels=images.targets[:600])

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from lab_pages import ARGUMENTS, CHROMIUM
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any, lab: LabProcess) -> Iterator[Callable[..., Any]]:
    """Opens the lab in a new profile; in the end nothing may have gone wrong in the page."""
    from lab_pages import DESKTOP, PATIENCE

    contexts, wrong = [], []

    def make(
        size: tuple[int, int] = DESKTOP, scheme: Any = "light", signed_in: bool = False
    ) -> Any:
        if signed_in:
            context = contexts[0]
        else:
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
            )
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda asked: (
                wrong.append(asked.url)
                if not asked.url.startswith((f"http://{lab.host}/", f"ws://{lab.host}/", "blob:"))
                else None
            ),
        )
        page.goto(f"http://{lab.host}/" if signed_in else lab.address)
        page.locator(".line.live").wait_for()
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keeps a picture of a page for the documentation, where that is asked for.

    `whole=False`: of what is in the window, or of a part of the page.
    """
    folder = request.config.getoption("--lab-pictures")

    def take(shown: Any, name: str, whole: bool = True) -> None:
        if folder:
            how = {"full_page": True} if whole else {}
            shown.screenshot(path=Path(folder) / f"lab-{name}.png", **how)

    return take
