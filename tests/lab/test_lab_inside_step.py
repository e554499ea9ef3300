"""Step Look inside in a real browser: by mouse, by keyboard, on digits and on maps of the sky."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_client import LabProcess
from lab_pages import IN_TWO_WINDOWS, PATIENCE, findings, wide_as_the_window
from playwright.sync_api import Locator, Page, expect

import firstlight as fl

pytestmark = pytest.mark.slow

NET = """
- Conv2D: {filters: 8, kernel_size: 5, activation: relu}
- MaxPooling2D: {pool_size: 2}
- Conv2D: {filters: 12, kernel_size: 3, padding: same, activation: relu}
- GlobalAveragePooling2D
- Dense: {units: outputs%s}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on MNIST, and one that measures and keeps the finished network only."""
    folder = tmp_path_factory.mktemp("inside-step")
    (folder / "digits.yaml").write_text(NET % ", activation: softmax")
    (folder / "glow.yaml").write_text(NET % "")
    sky = np.random.default_rng(0).normal(size=(80, 24, 24, 1)).astype("float32")
    np.savez(folder / "sky.npz", images=sky, targets=np.abs(sky).mean(axis=(1, 2, 3)))
    usual: dict[str, Any] = {"runs": folder / "runs", "threads": 1, "learning_rate": 0.01}
    kept = fl.train(
        folder / "sky.npz", name="sky", model=str(folder / "glow.yaml"), epochs=1, **usual
    )
    for snapshot in kept.files.snapshots.iterdir():
        snapshot.unlink()
    fl.train("mnist", name="digits", model=str(folder / "digits.yaml"), epochs=2, **usual)
    return folder


@pytest.fixture
def lab(trained: Path, start_lab: Callable) -> Iterator[LabProcess]:
    with start_lab(trained) as process:
        yield process


@pytest.fixture
def open_inside(open_page: Callable[..., Page], lab: LabProcess) -> Callable[..., Page]:
    """Step Look inside with a run."""

    def make(run: str = "digits", *given: object) -> Page:
        page = open_page(*given)
        page.get_by_role("link", name="Look inside").click()
        page.get_by_role("combobox", name="Run", exact=True).select_option(run)
        expect(page.locator(".sum")).to_contain_text(": the same.", timeout=PATIENCE)
        return page

    return make


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Place in the answer")


def layer(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Layer", exact=True)


def test_by_mouse(open_inside: Callable[..., Page], picture: Callable) -> None:
    page = open_inside()
    image = fl.load("mnist").test
    expect(page.get_by_text(f"true is {image.targets[0]}.")).to_be_visible()
    expect(layer(page)).to_have_value("conv2d")
    picture(page, "inside", whole=False)

    # A click into the answer: it has 24 by 24 places, in the right half of the drawing.
    maps = page.locator(".kernel-maps canvas")
    box = maps.bounding_box()
    assert box is not None
    maps.click(position={"x": box["width"] - 6, "y": 6})
    expect(slider(page)).to_have_value("23")
    expect(page.locator(".transport")).to_contain_text("row 0, column 23")
    page.get_by_role("button", name="Forward").click()
    expect(page.locator(".transport")).to_contain_text("row 1, column 0")
    page.get_by_role("button", name="Back", exact=True).click()
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".transport")).to_contain_text("row 2, ")
    page.get_by_role("button", name="Pause").click()
    stopped = slider(page).input_value()
    page.wait_for_timeout(300)
    assert slider(page).input_value() == stopped

    # A filter of the second convolution, which has 8 channels.
    page.get_by_role("button", name="Filter 5 of conv2d_1 ").click()
    expect(layer(page)).to_have_value("conv2d_1")
    expect(page.get_by_role("combobox", name="Filter", exact=True)).to_have_value("5")
    expect(page.locator(".sum")).to_contain_text("from 7 other channels")
    expect(page.locator(".sum")).to_contain_text(": the same.")
    before = page.locator(".sum dd").first.inner_text()
    channel = page.get_by_role("combobox", name="Channel", exact=True)
    channel.select_option(str((int(channel.input_value()) + 1) % 8))
    expect(page.locator(".sum dd").first).not_to_have_text(before)
    # Every place, padding and all.
    for _ in range(12):
        slider(page).press("ArrowRight")
        expect(page.locator(".sum")).to_contain_text(": the same.")

    page.get_by_role("combobox", name="Class").select_option("4")
    fours = np.flatnonzero(image.targets == 4)
    page.get_by_role("button", name=f"Image {fours[2]}: 4").click()
    expect(page.get_by_text("true is 4.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Image", exact=True)).to_have_value(str(fours[2]))
    page.get_by_role("textbox", name="Image", exact=True).fill("17")
    page.get_by_role("textbox", name="Image", exact=True).press("Enter")
    expect(page.get_by_text(f"true is {image.targets[17]}.")).to_be_visible()


def test_an_image_of_ones_own(
    open_inside: Callable[..., Page], lab: LabProcess, tmp_path: Path
) -> None:
    digits = fl.load("mnist").test
    np.save(tmp_path / "two.npy", digits.images[:2])
    (tmp_path / "words.png").write_text("no picture")
    page = open_inside()
    number = page.get_by_role("textbox", name="Image", exact=True)
    number.fill("17")
    number.press("Enter")
    expect(page.get_by_text(f"true is {digits.targets[17]}.")).to_be_visible()
    answer = page.locator("section", has=page.get_by_role("heading", name="Its answer"))
    file = page.locator("input[type=file]")
    # What cannot be read leaves the image in its place.
    file.set_input_files(tmp_path / "words.png")
    expect(page.locator(".problem", has_text="words.png")).to_be_visible(timeout=PATIENCE)
    expect(answer).to_contain_text(f"true is {digits.targets[17]}.")
    file.set_input_files(tmp_path / "two.npy")
    expect(page.get_by_text("is not one of the test images")).to_be_visible(timeout=PATIENCE)
    expect(answer).not_to_contain_text("true is")
    number = page.get_by_role("textbox", name="Image of yours")
    expect(number).to_have_value("0")
    expect(page.locator(".sum")).to_contain_text(": the same.")
    says = answer.get_by_text("It says")
    first = says.inner_text()
    number.fill("1")
    number.press("Enter")
    expect(says).not_to_have_text(first)
    second = says.inner_text()
    # It is there still after another step, and after the page was loaded anew.
    page.get_by_role("link", name="Export").click()
    page.get_by_role("link", name="Look inside").click()
    expect(page.get_by_text("Shown is two.npy")).to_be_visible(timeout=PATIENCE)
    page.reload()
    expect(number).to_have_value("1", timeout=PATIENCE)
    expect(says).to_have_text(second, timeout=PATIENCE)
    page.get_by_role("button", name="Image 4: 4").click()
    expect(answer).to_contain_text("true is 4.")
    # It is gone when the lab was started anew: a test image takes its place.
    file.set_input_files(tmp_path / "two.npy")
    expect(page.get_by_text("Shown is two.npy")).to_be_visible(timeout=PATIENCE)
    shutil.rmtree(lab.runs / ".lab/tried")
    page.reload()
    expect(answer).to_contain_text("true is 7.", timeout=PATIENCE)
    gone = page.locator(".problem", has_text="upload it again. Shown is test image 0.")
    expect(gone).to_be_visible()
    page.get_by_role("button", name="Image 4: 4").click()
    expect(answer).to_contain_text("true is 4.")
    expect(gone).to_have_count(0)


def test_the_network_comes_to_be(open_inside: Callable[..., Page]) -> None:
    page = open_inside()
    weights = page.get_by_role("slider", name="Its weights")
    before = {"sum": page.locator(".sum").inner_text(), "said": headline(page)}
    picture = page.locator(".filter .weights canvas").first
    drawn = picture.evaluate("canvas => canvas.toDataURL()")
    weights.press("Home")
    expect(page.get_by_text("before training")).to_be_visible()
    expect(page.locator(".chosen")).not_to_contain_text(before["said"])
    expect(page.locator(".sum")).not_to_have_text(before["sum"])
    expect(page.locator(".sum")).to_contain_text(": the same.")
    assert picture.evaluate("canvas => canvas.toDataURL()") != drawn
    weights.press("End")
    expect(page.locator(".chosen")).to_contain_text(before["said"])


def headline(page: Page) -> str:
    return page.locator(".chosen p").inner_text()


def test_saliency_and_opened_numbers(open_inside: Callable[..., Page], picture: Callable) -> None:
    page = open_inside()
    card = page.locator("section", has=page.get_by_role("heading", name="Where the answer"))
    card.get_by_role("combobox", name="What speaks for").select_option("3")
    card.get_by_role("button", name="Show where it comes from").click()
    expect(card.get_by_role("heading", name="Integrated gradients")).to_be_visible(timeout=PATIENCE)
    expect(card).to_contain_text("the rank correlation is")
    expect(page.get_by_role("log")).to_contain_text("Grad-CAM: ")
    expect(card.get_by_role("img", name="with shuffled weights")).to_have_count(2)
    picture(card, "inside-saliency", whole=False)
    # What is shown is of this class: another one is asked for anew.
    card.get_by_role("combobox", name="What speaks for").select_option("5")
    expect(card.get_by_role("heading", name="Grad-CAM")).to_have_count(0)

    page.get_by_text("Softmax: from logits").click()
    expect(page.get_by_role("columnheader", name="logit")).to_be_visible()
    page.get_by_text("Parameters: ").click()
    # By hand: 8 kernels of 5x5, 12 of 3x3x8, 12 to 10, each with its bias.
    total = (5 * 5 + 1) * 8 + (3 * 3 * 8 + 1) * 12 + (12 + 1) * 10
    expect(page.get_by_role("row", name="all layers")).to_contain_text(f"{total:,}")


def test_by_keyboard(open_inside: Callable[..., Page]) -> None:
    page = open_inside()

    def focused() -> str:
        return page.evaluate(
            "(e => e.ariaLabel || e.labels?.[0]?.innerText || e.innerText"
            " || e.querySelector('[aria-label]')?.ariaLabel || '')(document.activeElement)"
        )

    def tab_to(words: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if focused().startswith(words):
                return
        raise AssertionError(f"{words} cannot be reached: {focused()}")

    page.locator("main").focus()
    tab_to("Its weights")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("after 2 epochs")).to_be_visible()
    page.keyboard.press("ArrowRight")
    tab_to("Image 4")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Image", exact=True)).to_have_value("4")
    tab_to("Play")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    tab_to("Place in the answer")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".transport")).to_contain_text("row 0, column 1")
    tab_to("Every product")
    page.keyboard.press("Enter")
    products = page.get_by_role("group", name="Every product")
    expect(products.locator("tbody tr")).to_have_count(25)
    tab_to("Filter 2 of conv2d")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Filter", exact=True)).to_have_value("2")
    tab_to("Show where it comes from")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Integrated gradients")).to_be_visible(timeout=PATIENCE)


def test_measured_numbers_and_a_finished_network_alone(open_inside: Callable[..., Page]) -> None:
    page = open_inside("sky")
    expect(page.get_by_text("Only the finished network is kept")).to_be_visible()
    expect(page.get_by_role("slider", name="Its weights")).to_have_count(0)
    expect(page.get_by_role("row", name="target")).to_be_visible()
    expect(page.locator(".inside .beside")).to_contain_text("Colours: orange")
    page.get_by_role("button", name="Show where it comes from").click()
    expect(page.get_by_role("heading", name="Grad-CAM")).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Rmse: ").click()
    expect(page.get_by_role("row", name="its square root")).to_be_visible()


def test_nothing_moves_for_who_asks_for_that(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("link", name="Look inside").click()
    expect(page.locator(".sum")).to_contain_text(": the same.", timeout=PATIENCE)
    expect(page.get_by_role("button", name="Forward")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_have_count(0)


@IN_TWO_WINDOWS
def test_the_step_is_sound(
    open_inside: Callable[..., Page], picture: Callable, size: tuple[int, int], scheme: str
) -> None:
    page = open_inside("digits", size, scheme)
    page.get_by_role("button", name="Show where it comes from").click()
    expect(page.get_by_role("heading", name="Integrated gradients")).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Every product as a table").click()
    for name in ("Softmax", "Loss", "Accuracy", "Parameters"):
        page.get_by_text(f"{name}: ").click()
    assert findings(page) == []
    assert wide_as_the_window(page)
