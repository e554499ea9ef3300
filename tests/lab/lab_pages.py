"""What the tests in a real browser share. Without a Chromium they are left out."""

import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("no Chromium is installed: `apt-get install chromium`", allow_module_level=True)

from playwright.sync_api import Page, expect  # noqa: E402

AXE = Path(__file__).resolve().parents[2] / "lab/node_modules/axe-core/axe.min.js"
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
DESKTOP, PHONE = (1440, 900), (390, 844)
# Both sizes and both colours; the walks go through the other two windows as well.
IN_TWO_WINDOWS = pytest.mark.parametrize(
    ("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop light", "phone dark"]
)
PATIENCE = 120_000  # milliseconds; the machine may be busy
expect.set_options(timeout=30_000)


def choose_mnist(page: Page) -> None:
    page.get_by_role("button", name="mnist").click()
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)


def set_field(page: Page, name: str, value: str) -> None:
    field = page.get_by_role("textbox", name=name, exact=True)
    field.fill(value)
    field.press("Enter")


def findings(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands."""
    if not AXE.is_file():
        pytest.skip("axe-core is not there: run `npm ci` in lab/")
    # The page's own policy forbids scripts from elsewhere; the test's come through the debugger.
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")
    return [
        f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]
    ]


def wide_as_the_window(page: Page) -> bool:
    """Whether nothing sticks out to the side, and all six steps are in sight."""
    fits = "[document.documentElement, document.querySelector('nav')].every("
    return bool(page.evaluate(fits + "(one) => one.scrollWidth <= one.clientWidth)"))
