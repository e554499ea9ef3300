"""Simulated maps in the lab, from an empty cache to a network that measures on them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_client import LabProcess
from lab_pages import DESKTOP, PATIENCE, PHONE, findings, set_field, wide_as_the_window
from playwright.sync_api import Page, expect

from firstlight import api

pytestmark = pytest.mark.slow


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the user's in which nothing has been simulated."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def lab(tmp_path: Path, cache: Path, start_lab: Callable) -> Iterator[LabProcess]:
    with start_lab(tmp_path) as process:
        yield process


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_maps_that_are_not_there_are_offered_and_given_up(
    open_page: Callable[..., Page], cache: Path, size: tuple[int, int]
) -> None:
    page = open_page(size, "dark" if size == PHONE else "light")
    page.get_by_role("button", name="reionisation").click()
    offer = page.get_by_role("button", name="Simulate maps")
    expect(offer).to_be_visible(timeout=PATIENCE)
    assert findings(page) == []
    assert wide_as_the_window(page)
    # Nothing has been done before it was asked for.
    assert not list(cache.glob("firstlight/reionisation/*"))
    offer.press("Enter")
    bar = page.get_by_role("progressbar", name="Simulating boxes")
    expect(bar).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(" of 24", exact=False).last).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Cancel").click()
    expect(bar).to_have_count(0)
    expect(page.get_by_text("Nothing chosen yet")).to_be_visible()


def test_a_start_before_the_maps_are_read_takes_the_network_for_maps(lab: LabProcess) -> None:
    api.simulate(boxes=6, cells=32)
    lab.sign_in()
    with lab.tab() as tab:
        change = {"kind": "settings", "values": {"epochs": 100_000}}
        assert tab.ask("edit", revision=0, change=change)["kind"] == "done"
        source = {"place": "builtin", "name": "reionisation"}
        change = {"kind": "source", "source": source}
        assert tab.ask("edit", revision=1, change=change)["kind"] == "done"
        run = tab.ask("start", revision=2, name="early")["run"]
        ready = tab.until(lambda news: news["kind"] == "run" and news["run"]["settings"])
        assert (run, ready["run"]["settings"]["model"]) == ("early", "maps")
        assert tab.ask("stop", run="early")["kind"] == "done"
        tab.until(lambda news: news["kind"] == "run" and news["run"]["state"] == "stopped")


def test_a_network_measures_on_maps(open_page: Callable[..., Page], picture: Callable) -> None:
    api.simulate(boxes=6, cells=32)
    page = open_page()
    page.get_by_role("button", name="reionisation").click()
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Targets")).to_be_visible()
    # What the maps say of themselves stands in the fields in grey; each can be changed.
    page.get_by_text("How to read them").click()
    page.get_by_text("Telescope, other columns, rare formats").click()
    expect(page.get_by_role("textbox", name="Target", exact=True)).to_have_attribute(
        "placeholder", "xHI"
    )
    expect(page.get_by_role("textbox", name="Side", exact=True)).to_have_attribute(
        "placeholder", "z"
    )
    telescope = page.get_by_role("combobox", name="Telescope")
    expect(telescope.get_by_role("option").first).to_have_text("standard")
    assert findings(page) == []
    telescope.select_option("hard")
    expect(telescope).to_have_value("hard")
    set_field(page, "Keep", "0.1 < xHI")
    expect(page.get_by_text("Only images with 0.1 < xHI are used")).to_be_visible(timeout=PATIENCE)

    page.get_by_role("link", name="2 Build").click()
    # The map, and its redshift as one channel more.
    expect(page.get_by_role("main")).to_contain_text("32×32 images with 1 number beside each")
    # A value and how far off it may be.
    expect(page.get_by_role("listitem").last).to_contain_text("Output 2")
    page.get_by_role("link", name="3 Train").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("maps")
    expect(page.get_by_role("combobox", name="Loss")).to_have_value("")
    set_field(page, "Epochs", "3")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("Tested once, on images it had never seen")).to_be_visible(
        timeout=PATIENCE
    )
    words = page.get_by_text("Tested once, on images it had never seen")
    for score in ("rmse 0.", "mae 0.", "bias", "r2"):
        expect(words).to_contain_text(score)
    page.get_by_role("radio", name="Rmse").check()
    picture(page, "maps")
    page.get_by_text("Epochs of reionisation-maps in numbers").click()
    expect(page.locator("pre")).to_contain_text("--target xHI --side z")
    expect(page.locator("pre")).to_contain_text("--telescope hard")
    assert findings(page) == []
    assert wide_as_the_window(page)
