"""The step Train in a real browser: diagnoses, the learning-rate finder, runs compared."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from lab_client import LabProcess
from lab_pages import (
    DESKTOP,
    IN_TWO_WINDOWS,
    PATIENCE,
    PHONE,
    findings,
    set_field,
    wide_as_the_window,
)
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(tmp_path: Path, start_lab: Callable) -> Iterator[LabProcess]:
    random = np.random.default_rng(5)
    labels = random.integers(0, 4, 800)
    patterns = random.integers(0, 200, (4, 20, 20))
    images = np.clip(patterns[labels] + random.normal(0, 25, (800, 20, 20)), 0, 255)
    np.savez(tmp_path / "patterns.npz", images=images.astype(np.uint8), labels=labels)
    with start_lab(tmp_path) as process:
        yield process


def choose(page: Page, name: str = "patterns.npz") -> None:
    page.get_by_role("radio", name="This folder").check()
    page.get_by_role("button", name=name).click()
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="3 Train").click()


def train(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        set_field(page, name.replace("_", " "), value)
    page.get_by_role("button", name="Start training").click()


@IN_TWO_WINDOWS
def test_a_diagnosis_says_what_to_try_and_a_button_sets_it(
    open_page: Callable[..., Page], picture: Callable, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(size, scheme)
    choose(page)
    page.get_by_role("combobox", name="Model").select_option("simple")
    train(page, Epochs="3", Learning_rate="30")
    wrong = page.get_by_role("list", name="How the training of patterns-simple went")
    expect(wrong).to_contain_text("The learning rate is too high", timeout=PATIENCE)
    # The units are asked at the end.
    expect(wrong).to_contain_text("Part of the network is dead", timeout=PATIENCE)
    assert findings(page) == []
    assert wide_as_the_window(page)
    if (size, scheme) == (DESKTOP, "light"):
        picture(page, "diagnosis")
    wrong.get_by_role("button", name="Use learning rate 0.01").first.click()
    expect(page.get_by_role("textbox", name="Learning rate", exact=True)).to_have_value("0.01")
    expect(wrong.get_by_role("button", name="Set: learning rate 0.01").first).to_be_disabled()


@IN_TWO_WINDOWS
def test_a_learning_rate_is_found_and_used(
    open_page: Callable[..., Page], picture: Callable, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(size, scheme)
    page.get_by_role("link", name="3 Train").click()
    expect(page.get_by_role("button", name="Find a learning rate")).to_be_disabled()
    page.get_by_role("link", name="1 Data").click()
    choose(page)
    page.get_by_role("combobox", name="Model").select_option("simple")
    page.get_by_role("button", name="Find a learning rate").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("progressbar", name="Progress of the search")).to_have_count(0)
    page.get_by_role("button", name="Find a learning rate").press("Enter")
    use = page.get_by_role("button", name="Use 0.")
    expect(use).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("img", name="The loss while the learning rate grows")).to_be_visible()
    assert findings(page) == []
    assert wide_as_the_window(page)
    if (size, scheme) == (DESKTOP, "light"):
        picture(page, "rate")
    suggestion = use.inner_text().removeprefix("Use ")
    use.press("Enter")
    field = page.get_by_role("textbox", name="Learning rate", exact=True)
    expect(field).to_have_value(suggestion)
    expect(page.get_by_role("button", name=f"Set: {suggestion}")).to_be_disabled()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_runs_are_compared(
    open_page: Callable[..., Page], picture: Callable, size: tuple[int, int]
) -> None:
    page = open_page(size)
    choose(page)
    page.get_by_role("combobox", name="Model").select_option("simple")
    for name, rate in (("patterns-simple", "0.0001"), ("patterns-simple-2", "0.003")):
        train(page, Epochs="2", Learning_rate=rate)
        row = page.get_by_role("row").filter(has=page.get_by_text(name, exact=True)).first
        expect(row).to_contain_text("Finished", timeout=PATIENCE)
    # The run before stays drawn beside the new one.
    table = page.get_by_role("group", name="Runs compared").get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["What", " patterns-simple-2", " patterns-simple"]
    )
    rows = table.get_by_role("row")
    expect(rows.nth(1)).to_have_text("Learning rate0.0030.0001")
    expect(rows.nth(2)).to_contain_text("Parameters")
    expect(rows.nth(3)).to_contain_text("Validation accuracy")
    expect(table.get_by_role("row", name="Test accuracy")).to_contain_text(" to ")
    assert findings(page) == []
    assert wide_as_the_window(page)
    if size == DESKTOP:
        picture(page, "compared")
    page.get_by_role("checkbox", name="Draw patterns-simple", exact=True).uncheck()
    expect(table).to_have_count(0)
