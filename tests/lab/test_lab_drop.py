"""Files and folders that are dropped on the page, as a file manager drops them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from lab_client import LabProcess
from lab_pages import PATIENCE, findings
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


DROPPED = """kind => {
  const data = new DataTransfer();
  if (kind === "file") data.items.add(new File(["x"], "a.npz"));
  else data.items.add("words", "text/plain");
  const init = {bubbles: true, cancelable: true, dataTransfer: data};
  const left = document.querySelector("header").dispatchEvent(new DragEvent("drop", init));
  return left ? "left to the browser" : "prevented";
}"""


@pytest.fixture
def lab(tmp_path: Path, start_lab: Callable) -> Iterator[LabProcess]:
    (tmp_path / "start").mkdir()
    with start_lab(tmp_path / "start") as process:
        yield process


def drag(page: Page, kind: str, *files: Path, over: str = ".drop") -> None:
    """What the browser is told while files are held over the page, or let go there."""
    box = page.locator(over).bounding_box()
    assert box is not None
    page.context.new_cdp_session(page).send(
        "Input.dispatchDragEvent",
        {
            "type": kind,
            "x": box["x"] + box["width"] / 2,
            "y": box["y"] + 20,
            "data": {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1},
        },
    )


def drop(page: Page, *files: Path) -> None:
    drag(page, "dragEnter", *files)
    drag(page, "dragOver", *files)
    expect(page.locator(".drop.over")).to_be_visible()
    drag(page, "drop", *files)
    expect(page.locator(".drop.over")).to_have_count(0)


def uploads(lab: LabProcess) -> list[str]:
    root = lab.runs / ".lab" / "uploads"
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


def test_a_file_and_a_folder_are_dropped(
    open_page: Callable[..., Page], lab: LabProcess, halves: Callable[..., None], tmp_path: Path
) -> None:
    halves(tmp_path / "halves.npz")
    random = np.random.default_rng(0)
    for name in ("cats", "dogs/young"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 255, (9, 9)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"ünï {number}.png")
    (tmp_path / "pets" / ".hidden").write_text("not for the lab")
    page = open_page()
    page.get_by_role("radio", name="Upload").check()
    drop(page, tmp_path / "halves.npz")
    expect(page.locator(".tiles canvas").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("8×8 pixels")).to_be_visible()
    assert uploads(lab) == ["halves.npz/halves.npz"]

    drop(page, tmp_path / "pets")
    expect(page.get_by_text("9×9 pixels")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("rowheader", name="dogs")).to_be_visible()
    there = [file for file in uploads(lab) if file.startswith("pets/")]
    assert len(there) == 40
    assert "pets/pets/dogs/young/ünï 19.png" in there
    assert findings(page) == []


def test_what_is_too_large_is_refused_before_it_is_copied(
    open_page: Callable[..., Page], lab: LabProcess, tmp_path: Path
) -> None:
    with (tmp_path / "huge.npz").open("wb") as file:
        file.truncate((512 << 20) + 1)  # without taking room on the disk
    page = open_page()
    page.get_by_role("radio", name="Upload").check()
    drop(page, tmp_path / "huge.npz")
    expect(page.get_by_role("alert")).to_contain_text("At most 20,000 files and 512 MB")
    expect(page.get_by_role("alert")).to_contain_text(f"below {lab.folder}")
    assert findings(page) == []
    assert uploads(lab) == []
    expect(page.get_by_text("Nothing chosen yet")).to_be_visible()


def test_what_is_dropped_beside_the_place_for_it_leaves_the_page_alone(
    open_page: Callable[..., Page], lab: LabProcess, halves: Callable[..., None], tmp_path: Path
) -> None:
    halves(tmp_path / "halves.npz")
    file = tmp_path / "halves.npz"
    page = open_page()
    page.get_by_role("radio", name="Upload").check()
    drag(page, "dragEnter", file)
    drag(page, "dragOver", file)
    expect(page.locator(".drop.over")).to_be_visible()
    drag(page, "dragOver", file, over="header")
    expect(page.locator(".drop.over")).to_have_count(0)
    drag(page, "drop", file, over="header")
    # A browser would open the file in place of the page, but for this; texts may be dropped.
    assert page.evaluate(DROPPED, "file") == "prevented"
    assert page.evaluate(DROPPED, "text") == "left to the browser"
    expect(page.get_by_text("Nothing chosen yet")).to_be_visible()
    assert uploads(lab) == []
