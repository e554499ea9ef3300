"""A newcomer in a real browser: from nothing to a tested network, by mouse and by keyboard.

Needs a Chromium. `--lab-pictures docs/images` makes the pictures of docs/lab.md anew.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_client import LabProcess
from lab_pages import (
    PATIENCE,
    choose_mnist,
    set_field,
)
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(tmp_path: Path, start_lab: Callable) -> Iterator[LabProcess]:
    with start_lab(tmp_path) as process:
        yield process


def test_a_newcomer_with_a_mouse(open_page: Callable[..., Page], picture: Callable) -> None:
    page = open_page()
    expect(page.get_by_text("Choose images first")).to_be_visible()
    choose_mnist(page)
    expect(page.get_by_text("55,000 train, 5,000 validation, 10,000 test")).to_be_visible()
    page.get_by_role("combobox", name="Class").select_option("7")
    expect(page.get_by_text("1–48 of 5,743")).to_be_visible()
    expect(page.get_by_role("img", name="7, ").nth(47)).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("49–96 of 5,743")).to_be_visible()
    page.get_by_role("combobox", name="Class").select_option("all")
    page.get_by_role("radio", name="Standardised").check()
    expect(page.get_by_text("minus the mean")).to_be_visible()
    expect(page.get_by_text("1–48 of 55,000")).to_be_visible()
    picture(page, "data")

    page.get_by_role("link", name="Train a network on these images").click()
    set_field(page, "Epochs", "2")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("main")).to_contain_text("images/s", timeout=PATIENCE)
    expect(page.get_by_role("main")).to_contain_text("left", timeout=PATIENCE)
    # A second tab sees the same, and so does the first one when it is loaded again.
    other = open_page(signed_in=True)
    other.goto(other.url.partition("#")[0] + "#train")
    expect(other.get_by_role("main")).to_contain_text("mnist-compact", timeout=PATIENCE)
    other.close()
    page.reload()
    expect(page.get_by_text("Tested once, on images it had never seen")).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_role("textbox", name="Epochs", exact=True)).to_have_value("2")

    set_field(page, "Batch size", "1024")
    set_field(page, "Learning rate", "0.001")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("checkbox", name="Draw mnist-compact-2")).to_be_checked()
    page.get_by_role("button", name="mnist-compact-2").click()
    expect(page.get_by_text("Tested once, on images it had never seen")).to_be_visible(
        timeout=PATIENCE
    )
    page.get_by_role("radio", name="Loss").check()
    expect(page.locator(".chart canvas")).to_be_visible()
    picture(page, "train")
    page.get_by_text("Epochs of mnist-compact-2 in numbers").click()
    expect(page.locator("pre")).to_contain_text("--batch-size 1024")


def test_a_newcomer_with_a_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_page()
    expect(page.get_by_text("Choose images first")).to_be_visible()

    def focused() -> str:
        return page.evaluate("document.activeElement.id || document.activeElement.innerText")

    def tab_to(words: str) -> int:
        for count in range(60):
            if focused().startswith(words):
                return count
            page.keyboard.press("Tab")
        raise AssertionError(f"{words} cannot be reached: {focused()}")

    page.keyboard.press("Tab")
    assert focused() == "Skip to the step"
    page.keyboard.press("Enter")
    assert tab_to("mnist") <= 3
    page.keyboard.press("Enter")
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)
    tab_to("Train a network")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "content"
    assert tab_to("Start training") <= 2
    page.keyboard.press("Tab")
    assert focused() == "field-model"
    for _ in range(2):
        page.keyboard.press("Tab")
    assert focused() == "field-epochs"
    page.keyboard.type("1")
    # From wherever the focus is; what was typed counts.
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("log")).to_contain_text("mnist-compact: ", timeout=PATIENCE)
    expect(page.get_by_role("main")).to_contain_text("epoch 1 of 1", timeout=PATIENCE)
    expect(page.get_by_text("Tested once, on images it had never seen")).to_be_visible(
        timeout=PATIENCE
    )


def test_a_run_that_is_stopped_and_one_that_is_killed(
    open_page: Callable[..., Page], lab: LabProcess, picture: Callable
) -> None:
    page = open_page()
    choose_mnist(page)
    page.get_by_role("link", name="3 Train").click()
    set_field(page, "Epochs", "200")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("main")).to_contain_text("images/s", timeout=PATIENCE)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".in-words")).to_contain_text("go on with --resume")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("row", name="mnist-compact")).to_contain_text(
        "Training", timeout=PATIENCE
    )
    process = process_of(lab, "mnist-compact")
    os.kill(process, signal.SIGKILL)
    expect(page.get_by_role("row", name="mnist-compact")).to_contain_text(
        "Killed", timeout=PATIENCE
    )
    expect(page.locator(".in-words")).to_contain_text("signal 9")
    picture(page, "killed")


def process_of(lab: LabProcess, run: str) -> int:
    from firstlight.core.run_folder import RunFolder

    writer = RunFolder(lab.runs / run).writer()
    assert writer is not None
    return writer[0]


def test_what_cannot_be_is_said_beside_it(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.get_by_role("link", name="3 Train").click()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    set_field(page, "Epochs", "0")
    expect(page.get_by_role("alert")).to_contain_text("takes 1 or more")
    set_field(page, "Epochs", "many")
    expect(page.get_by_role("alert")).to_contain_text("A whole number was expected")
    set_field(page, "Epochs", "3")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_own_images_from_the_folder_and_as_an_upload(
    open_page: Callable[..., Page], lab: LabProcess, halves: Callable[[Path], None]
) -> None:
    (lab.folder / "mine").mkdir()
    halves(lab.folder / "mine" / "halves.npz")
    page = open_page()
    page.get_by_role("radio", name="This folder").check()
    page.get_by_role("button", name="mine/").click()
    page.get_by_role("button", name="halves.npz").click()
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("8×8 pixels")).to_be_visible()
    page.get_by_role("radio", name="Upload").check()
    page.locator("input[type=file]").first.set_input_files(lab.folder / "mine" / "halves.npz")
    page.get_by_role("link", name="3 Train").click()
    expect(page.get_by_text("halves.npz", exact=True)).to_be_visible(timeout=PATIENCE)
    assert (lab.runs / ".lab/uploads/halves.npz/halves.npz").is_file()
