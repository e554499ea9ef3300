"""The step Try it in a real browser: drawing, the confusion matrix, own images, values."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from lab_client import LabProcess
from lab_pages import IN_TWO_WINDOWS, PATIENCE, findings, wide_as_the_window
from PIL import Image
from playwright.sync_api import Page, expect

import firstlight as fl

pytestmark = pytest.mark.slow
EMPTY = "Draw with mouse, pen or finger."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a network has learnt to read digits, and another one to measure spots."""
    folder = tmp_path_factory.mktemp("start")
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:12, :12]
    size = random.uniform(1, 3, 300)
    images = np.exp(-((rows - 6) ** 2 + (columns - 6) ** 2) / (2 * size[:, None, None] ** 2))
    images += random.normal(0, 0.1, images.shape)
    np.savez(folder / "spots.npz", images=images.astype(np.float32), size=size.astype(np.float32))
    fl.train(folder / "spots.npz", target=("size",), runs=folder / "runs", name="spots", epochs=3)
    fl.train("mnist", runs=folder / "runs", name="digits", epochs=3)
    return folder


@pytest.fixture
def lab(folder: Path, start_lab: Callable) -> Iterator[LabProcess]:
    with start_lab(folder) as process:
        yield process


def open_step(page: Page, run: str) -> None:
    page.get_by_role("link", name="Try it").click()
    page.get_by_role("combobox", name="Run").select_option(run)
    expect(page.locator(".answers canvas").first).to_be_visible(timeout=PATIENCE)
    if run == "digits":
        # Loading the network comes first, whatever is asked meanwhile.
        expect(page.locator(".says")).to_have_text(EMPTY, timeout=PATIENCE)


def test_a_network_reads_what_is_drawn_with_the_mouse(
    open_page: Callable[..., Page], picture: Callable
) -> None:
    from lab_strokes import draw

    page = open_page()
    open_step(page, "digits")
    says = page.locator(".says")
    for digit in range(10):
        draw(page, digit)
        expect(says).to_contain_text(f"It says {digit},")
        best = page.locator(".seen .best")
        expect(best.locator(".class")).to_have_text(str(digit))
        expect(page.get_by_role("img", name="What the network sees")).to_be_visible()
        if digit == 3:
            page.locator(".answers button").first.click()
            picture(page, "try")
        page.get_by_role("button", name="Clear").click()
        expect(says).to_have_text(EMPTY)
    # Undo takes back one stroke after the other.
    draw(page, 4)
    page.get_by_role("button", name="Undo").click()
    expect(says).to_contain_text("It says")
    page.get_by_role("button", name="Undo").click()
    expect(says).to_have_text(EMPTY)
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_everything_by_keyboard(open_page: Callable[..., Page]) -> None:
    page = open_page()
    open_step(page, "digits")
    says = page.locator(".says")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate(f"document.activeElement.matches('{selector}')"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached")

    tab_to(".pad")
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    expect(page.get_by_role("log")).to_have_text("Row 4, column 8")
    for _ in range(8):
        page.keyboard.press("Shift+ArrowDown")
    expect(says).to_contain_text("It says 1,")
    expect(page.get_by_role("log")).to_contain_text("1, ")
    for _ in range(8):
        page.keyboard.press("Control+z")
    expect(says).to_have_text(EMPTY)
    page.keyboard.press("Space")
    expect(says).to_contain_text("It says")

    tab_to(".matrix button")
    for _ in range(9):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="images of 1 that it called 1")).to_be_visible()
    first = page.locator(".matrix-and-cell .answers span").first
    expect(first).to_have_text("1")
    tab_to(".answers button")
    page.keyboard.press("Enter")
    expect(page.locator(".one-image .best .class")).to_have_text("1")


def test_a_cell_and_the_worst_mistakes_open_their_images(
    open_page: Callable[..., Page], folder: Path
) -> None:
    report = json.loads((folder / "runs/digits/report.json").read_text("utf-8"))
    confusion = np.array(report["confusion"])
    page = open_page()
    open_step(page, "digits")
    right = int(confusion[0, 0])
    page.get_by_role("button", name=f"{right} images of 0 called 0").click()
    cell = page.locator(".matrix-and-cell")
    expect(cell.get_by_role("heading")).to_have_text(f"{right} images of 0 that it called 0")
    expect(cell.get_by_text(f"1–24 of {right}")).to_be_visible()
    cell.get_by_role("button", name="Next").click()
    expect(cell.get_by_text(f"25–48 of {right}")).to_be_visible()
    wrong = int(confusion.sum() - confusion.trace())
    mistakes = page.get_by_role("region", name="Worst mistakes")
    expect(mistakes.get_by_text(f"of {wrong}")).to_be_visible()
    expect(mistakes.locator(".answers span").first).to_have_text(re.compile(r"\d, not \d"))


def test_own_images_are_chosen_or_pasted(open_page: Callable[..., Page], tmp_path: Path) -> None:
    digits = fl.load("mnist").test.images[:3, :, :, 0]
    for number, digit in enumerate(digits):
        Image.fromarray(digit).save(tmp_path / f"{number}.png")
    (tmp_path / "words.png").write_text("no picture")
    page = open_page()
    open_step(page, "digits")
    own = page.get_by_role("region", name="Your own images")
    page.locator("input[type=file]").set_input_files(sorted(tmp_path.iterdir()))
    expect(own.get_by_text("3 images read")).to_be_visible(timeout=PATIENCE)
    assert own.locator(".answers span:first-of-type").all_inner_texts() == ["7", "2", "1"]
    expect(own.locator(".problem", has_text="words.png")).to_be_visible()
    page.evaluate(
        """async (url) => {
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 28;
          const blob = await new Promise((done) => canvas.toBlob(done));
          const data = new DataTransfer();
          data.items.add(new File([blob], "pasted.png", { type: "image/png" }));
          document.body.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
          );
        }"""
    )
    expect(own.get_by_text("1 image read")).to_be_visible(timeout=PATIENCE)
    expect(own.locator(".one-image")).to_contain_text("pasted.png")
    expect(own.locator(".one-image")).to_contain_text("does not look like the images")


def test_what_was_tried_can_be_looked_into(
    open_page: Callable[..., Page], tmp_path: Path, folder: Path
) -> None:
    from lab_strokes import draw

    seven = fl.load("mnist").test.images[0, :, :, 0]
    Image.fromarray(seven).save(tmp_path / "mine.png")
    page = open_page()
    open_step(page, "digits")
    answer = page.locator("section", has=page.get_by_role("heading", name="Its answer"))

    draw(page, 3)
    expect(page.locator(".says")).to_contain_text("It says 3")
    page.get_by_role("link", name="Look inside").nth(1).click()
    expect(answer).to_contain_text("says 3", timeout=PATIENCE)
    expect(page.get_by_text("Shown is your drawing.")).to_be_visible()

    open_step(page, "digits")
    page.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
    own = page.get_by_role("region", name="Your own images")
    own.get_by_role("link", name="Look inside").click(timeout=PATIENCE)
    expect(answer).to_contain_text("says 7", timeout=PATIENCE)
    expect(page.get_by_text("Shown is mine.png")).to_be_visible()

    open_step(page, "digits")
    mistakes = page.get_by_role("region", name="Worst mistakes")
    mistakes.locator(".answers button").first.click()
    said, _, true = mistakes.locator(".answers span").first.inner_text().partition(", not ")
    mistakes.get_by_role("link", name="Look inside").click()
    expect(answer).to_contain_text(f"true is {true}", timeout=PATIENCE)
    expect(answer).to_contain_text(f"says {said}")


def test_a_point_opens_its_image(open_page: Callable[..., Page], picture: Callable) -> None:
    page = open_page()
    open_step(page, "spots")
    points = page.get_by_role("slider", name="Test images by their true size")
    points.focus()
    page.keyboard.press("End")
    chosen = page.locator(".matrix-and-cell .one-image")
    expect(chosen).to_contain_text("truly")
    last = chosen.inner_text()
    page.keyboard.press("ArrowLeft")
    expect(chosen).not_to_have_text(last)
    first = page.locator(".point").first
    first.scroll_into_view_if_needed()
    box = first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 3, box["y"] + 3)
    expect(points).to_have_attribute("aria-valuenow", "1")
    expect(page.locator(".pad")).to_have_count(0)
    page.get_by_role("region", name="Furthest off").locator(".answers button").first.click()
    picture(page, "try-values")


@IN_TWO_WINDOWS
def test_the_step_is_sound(
    open_page: Callable[..., Page], size: tuple[int, int], scheme: str
) -> None:
    from lab_strokes import draw

    page = open_page(size, scheme)
    for run in ("digits", "spots"):
        open_step(page, run)
        if run == "digits":
            draw(page, 5)
            expect(page.locator(".says")).to_contain_text("It says")
        page.locator(".answers button").first.click()
        expect(page.locator(".one-image").first).to_be_visible()
        assert findings(page) == []
        assert wide_as_the_window(page)
