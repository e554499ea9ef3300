"""Step Build in a real browser: a network built by mouse, by keyboard and by typing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_client import LabProcess
from lab_pages import IN_TWO_WINDOWS, PATIENCE, findings, wide_as_the_window
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(tmp_path: Path, start_lab: Callable) -> Iterator[LabProcess]:
    with start_lab(tmp_path) as process:
        yield process


def open_build(open_page: Callable[..., Page], recipe: str, *given: object) -> Page:
    """Step Build with a recipe's network."""
    page = open_page(*given)
    page.get_by_role("link", name="2 Build").click()
    start_from = page.get_by_label("Start from")
    start_from.select_option("residual")
    start_from.select_option(recipe)
    expect(start_from).to_have_value(recipe)
    return page


def titles(page: Page) -> list[str]:
    return page.locator(".layer .title").all_inner_texts()


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id || document.activeElement.innerText")


def test_by_mouse(open_page: Callable[..., Page], picture: Callable) -> None:
    page = open_build(open_page, "intermediate")
    expect(page.locator(".layer")).to_have_count(4)
    # By hand: 16 kernels of 5x5 and biases, then 12*12*16 numbers to 10 answers.
    parameters = (5 * 5 + 1) * 16 + (12 * 12 * 16 + 1) * 10
    expect(page.locator(".totals")).to_contain_text(f"{parameters:,} parameters")
    page.get_by_role("button", name="Remove Flatten").click()
    dense = page.locator(".layer").last
    expect(dense).to_have_class("layer wrong")
    expect(dense).to_contain_text("The network makes 12x12x10 answers")
    expect(page.locator(".totals")).to_contain_text("Mend what is red to train")
    expect(page.get_by_role("log")).to_contain_text("each image has one label")
    picture(page, "build-mend")
    page.get_by_role("button", name="Add Flatten here").click()
    expect(page.get_by_role("link", name="Train this network")).to_be_visible()
    assert titles(page) == ["Convolution", "Max pooling", "Flatten", "Dense"]

    page.locator(".layer").first.get_by_role("button", expanded=False).click()
    filters = page.get_by_label("Filters")
    filters.fill("4")
    expect(page.locator(".layer").first).to_contain_text("24×24×4")
    filters.fill("4x")
    expect(page.locator(".layer").first).to_contain_text("takes a whole number of 1 or more")
    expect(filters).to_have_value("4x")
    page.get_by_role("button", name="Set filters to 16").click()
    expect(filters).to_have_value("16")
    page.get_by_label("Padding").select_option("same")
    expect(page.locator(".layer").first).to_contain_text("28×28×16")
    page.get_by_label("Use bias").uncheck()
    expect(page.locator("#network-yaml")).to_have_value(
        "- Conv2D: {filters: 16, kernel_size: 5, activation: relu, padding: same, "
        "use_bias: false}\n- MaxPooling2D: {pool_size: 2}\n- Flatten\n"
        "- Dense: {units: outputs, activation: softmax}\n"
    )
    page.get_by_role("button", name="Dropout").click()
    expect(page.locator(".layer").nth(1)).to_contain_text("Dropout")
    page.get_by_label("Add another layer").select_option("GaussianNoise")
    expect(page.locator(".layer").nth(1)).to_contain_text("Gaussian noise")

    # Dragged from the first place to between the last two.
    page.locator(".layer .name").first.click()
    page.locator(".grip").first.drag_to(
        page.locator(".layer").last, target_position={"x": 300, "y": 5}
    )
    expect(page.locator(".layer").nth(4)).to_contain_text("Convolution")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".layer").first).to_contain_text("Convolution")
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".layer").nth(4)).to_contain_text("Convolution")


def test_by_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_build(open_page, "intermediate")
    first = page.locator(".layer .name").first
    first.focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator(".layer").nth(1)).to_contain_text("Convolution")
    assert focused(page).startswith("Convolution")
    expect(page.get_by_role("log")).to_contain_text("Convolution: place 2 of 4")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".layer").first).to_contain_text("Convolution")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Move Convolution down"
    # From within an argument too, whose field keeps the focus.
    for _ in range(2):
        page.keyboard.press("Tab")
    assert focused(page).endswith("-filters")
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    expect(page.locator(".layer").first).to_contain_text("24×24×7")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator(".layer").nth(1)).to_contain_text("Convolution")
    assert focused(page).endswith("-filters")
    page.get_by_role("button", name="Remove Max pooling").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".layer")).to_have_count(3)
    expect(page.get_by_role("log")).to_contain_text("Max pooling removed")
    assert focused(page).startswith("Convolution")
    page.keyboard.press("Control+Z")
    expect(page.locator(".layer")).to_have_count(4)
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator(".layer")).to_have_count(3)
    page.get_by_role("button", name="ReLU", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".layer").nth(1)).to_contain_text("ReLU")
    assert focused(page).startswith("ReLU")


def test_as_text(open_page: Callable[..., Page], lab: LabProcess) -> None:
    page = open_build(open_page, "simple")
    text = page.get_by_label("The network as YAML")
    text.fill("- Flatten\n- Dense: {units: 30, activation: relu}\n- Dense: {units: outputs}\n")
    expect(page.locator(".layer")).to_have_count(3)
    # By hand: 785 for each of the 30.
    expect(page.locator(".layer").nth(1)).to_contain_text("23.6 k")
    expect(page.get_by_role("button", name="Set activation to softmax")).to_be_visible()
    text.fill("- Flatten\n- Dense: {units: 3")
    expect(page.locator("#network-yaml-problem")).to_contain_text("no YAML that can be used")
    expect(page.locator(".layer")).to_have_count(3)
    expect(text).to_have_value("- Flatten\n- Dense: {units: 3")
    page.get_by_role("radio", name="Keras").check()
    expect(page.get_by_label("The network in Keras")).to_contain_text(
        'layers.Dense(30, activation="relu"),'
    )
    # Another tab, and the same after it is loaded again.
    other = open_page(signed_in=True)
    other.get_by_role("link", name="2 Build").click()
    expect(other.locator(".layer")).to_have_count(3)
    other.get_by_role("button", name="Remove Flatten").click()
    expect(page.locator(".layer")).to_have_count(2)
    page.reload()
    expect(page.locator(".layer")).to_have_count(2)
    expect(page.get_by_label("Start from")).to_have_value("own")


def test_what_was_built_is_trained(
    open_page: Callable[..., Page], lab: LabProcess, halves: Callable[[Path], None]
) -> None:
    halves(lab.folder / "halves.npz")
    page = open_page()
    page.get_by_role("radio", name="This folder").check()
    page.get_by_role("button", name="halves.npz").click()
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="2 Build").click()
    expect(page.get_by_text("8×8 images, 2 classes")).to_be_visible()
    page.get_by_label("Start from").select_option("simple")
    # Its kernel of 16x16 does not fit into 8x8 pixels.
    page.get_by_role("button", name="Set kernel size to 8").click()
    page.get_by_role("link", name="Train this network").click()
    expect(page.get_by_label("Model")).to_have_value("own network")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("main")).to_contain_text("halves-own-network")
    expect(page.get_by_text("Tested once, on images it had never seen")).to_be_visible(
        timeout=PATIENCE
    )
    written = lab.runs / ".lab/networks/halves-own-network.yaml"
    assert "kernel_size: 8" in written.read_text()


@IN_TWO_WINDOWS
def test_the_step_is_sound(
    open_page: Callable[..., Page], size: tuple[int, int], scheme: str
) -> None:
    page = open_build(open_page, "intermediate", size, scheme)
    expect(page.locator(".layer")).to_have_count(4)
    assert findings(page) == []
    assert wide_as_the_window(page)
    page.locator(".layer .name").nth(2).click()
    page.get_by_role("button", name="Remove Flatten").click()
    page.locator(".layer .name").first.click()
    page.get_by_text("More arguments").click()
    page.get_by_role("radio", name="Keras").check()
    expect(page.get_by_role("button", name="Add Flatten here")).to_be_visible()
    assert findings(page) == []
    assert wide_as_the_window(page)
    page.get_by_label("Start from").select_option("residual")
    expect(page.get_by_text("residual has branches")).to_be_visible()
    assert findings(page) == []
