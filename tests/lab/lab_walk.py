"""A newcomer's walk through the steps, by mouse or by keyboard alone.

Each step is written once, for a hand that presses, picks and types; a step that is new is added
to `WALK`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab_pages import PATIENCE
from playwright.sync_api import Locator, Page, expect

FURTHEST = 200  # presses of Tab, once round the page


class Hand(Protocol):
    """What a newcomer can do with a page."""

    page: Page

    def press(self, target: Locator) -> None:
        """A button, a link or a summary."""

    def pick(self, target: Locator) -> None:
        """One of several radio buttons."""

    def choose(self, target: Locator, option: str) -> None:
        """An entry of a list."""

    def type(self, target: Locator, text: str) -> None:
        """Text in place of what stands in a field."""

    def draw(self, pad: Locator) -> None:
        """A stroke from the top to the bottom."""


@dataclass
class Mouse:
    page: Page

    def press(self, target: Locator) -> None:
        target.click()

    def pick(self, target: Locator) -> None:
        target.check()

    def choose(self, target: Locator, option: str) -> None:
        # The list that opens is the browser's own, not the page's.
        target.select_option(option)

    def type(self, target: Locator, text: str) -> None:
        target.click(click_count=3)
        self.page.keyboard.type(text)

    def draw(self, pad: Locator) -> None:
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box is not None
        middle, top = box["x"] + box["width"] / 2, box["y"]
        self.page.mouse.move(middle, top + 0.2 * box["height"])
        self.page.mouse.down()
        self.page.mouse.move(middle, top + 0.8 * box["height"], steps=10)
        self.page.mouse.up()


@dataclass
class Keyboard:
    page: Page

    def press(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def pick(self, target: Locator) -> None:
        # Tab stops at the one that holds; arrows go on from there.
        name = target.get_attribute("name")
        named = f"document.activeElement.name === {name!r}"
        self._tab(lambda: bool(self.page.evaluate(named)), f"the choice {name}")
        for _ in range(10):
            if target.is_checked():
                return
            self.page.keyboard.press("ArrowRight")
        raise AssertionError(f"no arrow leads to it in {name}")

    def choose(self, target: Locator, option: str) -> None:
        self._reach(target)
        for _ in range(60):
            if target.input_value() == option:
                return
            # Each may bring news from the server, which the next one has to wait for.
            before = target.input_value()
            self.page.keyboard.press("ArrowDown")
            expect(target).not_to_have_value(before)
        raise AssertionError(f"no arrow leads to {option}")

    def type(self, target: Locator, text: str) -> None:
        self._reach(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def draw(self, pad: Locator) -> None:
        self._reach(pad)
        for _ in range(4):
            self.page.keyboard.press("ArrowUp")
        for _ in range(8):
            self.page.keyboard.press("Shift+ArrowDown")

    def _reach(self, target: Locator) -> None:
        expect(target).to_be_visible(timeout=PATIENCE)
        expect(target).to_be_enabled()
        # Looked up anew after each key: news from the server may put another element there.
        focused = "(element) => document.activeElement === element"
        self._tab(lambda: bool(target.evaluate(focused)), str(target))
        # Whoever goes by keyboard has to see where they are.
        assert target.evaluate(SHOWN), f"the focus on {target} cannot be seen"

    def _tab(self, there: Callable[[], bool], words: str) -> None:
        for _ in range(FURTHEST):
            if there():
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {words}")


# Whether the element with the focus, or what stands around it, is marked as such.
SHOWN = """(element) => [element, element.parentElement].some((one) => {
  const style = getComputedStyle(one);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
})"""


def data(hand: Hand) -> None:
    page = hand.page
    hand.pick(page.get_by_role("radio", name="This folder"))
    hand.press(page.get_by_role("button", name="digits.npz"))
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("28×28 pixels")).to_be_visible()
    hand.choose(page.get_by_role("combobox", name="Class"), "3")
    expect(page.get_by_role("img", name="3, ").first).to_be_visible()
    hand.pick(page.get_by_role("radio", name="Standardised"))
    expect(page.get_by_text("minus the mean")).to_be_visible()


def build(hand: Hand) -> None:
    page = hand.page
    hand.choose(page.get_by_role("combobox", name="Start from"), "intermediate")
    expect(page.locator(".layer")).to_have_count(4)
    hand.press(page.locator(".layer").first.get_by_role("button", expanded=False))
    hand.type(page.get_by_label("Filters"), "8")
    expect(page.locator(".layer").first).to_contain_text("24×24×8")
    # A narrow window has room for the buttons of the open layer alone.
    hand.press(page.locator(".layer .name").nth(2))
    hand.press(page.get_by_role("button", name="Remove Flatten"))
    hand.press(page.get_by_role("button", name="Add Flatten here"))
    expect(page.get_by_role("link", name="Train this network")).to_be_visible()


def train(hand: Hand) -> None:
    page = hand.page
    hand.type(page.get_by_role("textbox", name="Epochs", exact=True), "4")
    hand.press(page.get_by_role("button", name="Start training"))
    expect(page.get_by_text("Tested once, on images it had never seen")).to_be_visible(
        timeout=PATIENCE
    )
    hand.pick(page.get_by_role("radio", name="Accuracy"))
    hand.press(page.get_by_text("More settings"))
    hand.press(page.get_by_text("in numbers"))
    expect(page.get_by_role("row", name="4 ").last).to_be_visible()


def inside(hand: Hand) -> None:
    page = hand.page
    expect(page.get_by_role("slider", name="Place in the answer")).to_be_visible(timeout=PATIENCE)
    hand.press(page.get_by_role("button", name="Forward"))
    hand.press(page.get_by_role("button", name="Play"))
    hand.press(page.get_by_role("button", name="Pause"))
    hand.press(page.get_by_role("button", name="Filter 2 of ").first)
    expect(page.get_by_role("combobox", name="Filter", exact=True)).to_have_value("2")
    hand.press(page.get_by_role("button", name="Show where it comes from"))
    expect(page.get_by_role("heading", name="Integrated gradients")).to_be_visible(timeout=PATIENCE)
    hand.press(page.get_by_text("Softmax: from logits"))
    expect(page.get_by_role("columnheader", name="logit")).to_be_visible()


def try_it(hand: Hand) -> None:
    page = hand.page
    says = page.locator(".says")
    expect(says).to_have_text("Draw with mouse, pen or finger.", timeout=PATIENCE)
    hand.draw(page.get_by_role("application", name="Drawing pad"))
    expect(says).to_contain_text("It says")
    hand.press(page.get_by_role("button", name="Undo"))
    hand.press(page.locator(".answers button").first)
    expect(page.locator(".one-image .best .class")).to_be_visible()


def export(hand: Hand) -> None:
    page = hand.page
    hand.press(page.get_by_role("button", name="Make ONNX file"))
    file = page.get_by_role("link", name="Save digits-own-network.onnx")
    expect(file).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("main")).to_contain_text("the largest difference is")
    with page.expect_download() as download:
        hand.press(file)
    assert download.value.suggested_filename == "digits-own-network.onnx"
    hand.press(page.get_by_text("Not as in the run"))
    with page.context.expect_page() as opened:
        hand.press(page.get_by_role("link", name="Open in a new tab"))
    expect(opened.value.get_by_role("heading", name="digits-own-network")).to_be_visible()
    opened.value.close()


# The title of each step in the rail, and what a newcomer does there.
WALK: list[tuple[str, Callable[[Hand], None]]] = [
    ("Data", data),
    ("Build", build),
    ("Train", train),
    ("Look inside", inside),
    ("Try it", try_it),
    ("Export", export),
]
