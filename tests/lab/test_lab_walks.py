"""All steps from the first to the last, as a newcomer goes through them, by mouse and by keyboard.

Together the walks see each step in light and dark, in a wide and in a narrow window.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_client import LabProcess
from lab_pages import DESKTOP, PHONE, findings, wide_as_the_window
from lab_walk import WALK, Hand, Keyboard, Mouse
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def lab(
    tmp_path: Path, start_lab: Callable, digits: Callable[[Path], None]
) -> Iterator[LabProcess]:
    digits(tmp_path / "digits.npz")
    with start_lab(tmp_path) as process:
        yield process


@pytest.mark.parametrize(
    ("means", "size", "scheme"),
    [
        (Mouse, DESKTOP, "light"),
        (Mouse, PHONE, "dark"),
        (Keyboard, DESKTOP, "dark"),
        (Keyboard, PHONE, "light"),
    ],
    ids=[
        "mouse-desktop-light",
        "mouse-phone-dark",
        "keyboard-desktop-dark",
        "keyboard-phone-light",
    ],
)
def test_a_walk(
    open_page: Callable[..., Page],
    picture: Callable,
    means: Callable[[Page], Hand],
    size: tuple[int, int],
    scheme: str,
) -> None:
    page = open_page(size, scheme)
    hand = means(page)
    rail = page.get_by_role("navigation", name="Steps").get_by_role("link")
    titles = [re.sub(r"^\d\s*", "", words) for words in rail.all_text_contents()]
    assert titles == [title for title, _ in WALK], "a step is missing in the walk"
    for number, (title, walk) in enumerate(WALK, 1):
        hand.press(rail.nth(number - 1))
        expect(page.get_by_role("heading", name=title, level=1)).to_be_attached()
        assert (title, findings(page)) == (title, [])
        walk(hand)
        assert (title, findings(page)) == (title, [])
        assert wide_as_the_window(page), title
        if title == "Train" and (size, scheme) == (PHONE, "dark"):
            page.get_by_text("More settings").click()
            page.get_by_text("in numbers").click()
            picture(page, "phone")
