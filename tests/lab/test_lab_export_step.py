"""Step Export in a real browser: a newcomer takes a network out in every form."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_client import LabProcess
from lab_pages import DESKTOP, IN_TWO_WINDOWS, PATIENCE, findings, wide_as_the_window
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, digits: Callable[[Path], None]) -> Path:
    """A folder with a finished run, `digits-simple`."""
    folder = tmp_path_factory.mktemp("finished")
    digits(folder / "digits.npz")
    train = [sys.executable, "-P", "-m", "firstlight", "train", "digits.npz", "--quiet"]
    words = ["--name", "digits-simple", "--model", "simple", "--epochs", "3"]
    subprocess.run([*train, *words], cwd=folder, check=True)
    # The pictures are made here, and need not show where.
    information = json.loads((folder / "runs/digits-simple/run.json").read_text())
    information["command"] = information["command"].replace(f"{folder}/", "")
    (folder / "runs/digits-simple/run.json").write_text(json.dumps(information))
    return folder


@pytest.fixture
def lab(finished: Path, start_lab: Callable) -> Iterator[LabProcess]:
    with start_lab(finished) as process:
        yield process


def open_export(open_page: Callable[..., Page], *given: object) -> Page:
    page = open_page(*given)
    page.get_by_role("link", name="Export").click()
    expect(page.get_by_role("combobox", name="Run")).to_have_value("digits-simple")
    return page


def card(page: Page, title: str):
    return page.get_by_role("region", name=title)


def test_every_form_is_made_and_saved(
    open_page: Callable[..., Page], picture: Callable, tmp_path: Path
) -> None:
    page = open_export(open_page)
    for title in ("Keras file", "Script", "ONNX file", "Run folder"):
        card(page, title).get_by_role("button", name="Make").click()
    for title in ("Keras file", "Script", "ONNX file", "Run folder"):
        expect(card(page, title).get_by_role("button", name="Make again")).to_be_visible(
            timeout=PATIENCE
        )
    expect(card(page, "ONNX file")).to_contain_text("the largest difference is")
    with page.expect_download() as download:
        card(page, "ONNX file").get_by_role("link").click()
    assert download.value.suggested_filename == "digits-simple.onnx"
    download.value.save_as(tmp_path / "saved.onnx")
    assert (tmp_path / "saved.onnx").stat().st_size > 10_000

    notebook = card(page, "Notebook")
    # Pressed by keyboard, the button keeps the focus, whatever it says by then.
    notebook.get_by_role("button", name="Make Notebook").focus()
    page.keyboard.press("Enter")
    expect(notebook.get_by_role("button", name="Stop Notebook")).to_be_focused()
    expect(notebook).to_contain_text("Running the notebook", timeout=PATIENCE)
    page.reload()
    expect(notebook).to_contain_text("Trained anew by Keras, it reaches", timeout=PATIENCE)
    expect(page.get_by_role("log")).to_contain_text("Notebook: Asked about 90 test images")
    notebook.get_by_text("Not as in the run").click()
    expect(notebook).to_contain_text("Weights begin at")
    picture(page, "export")
    assert findings(page) == []
    # Another tab sees the same.
    other = open_export(open_page, DESKTOP, "light", True)
    expect(card(other, "Notebook")).to_contain_text("Trained anew by Keras")


def test_what_is_given_up_is_gone(open_page: Callable[..., Page]) -> None:
    page = open_export(open_page)
    notebook = card(page, "Notebook")
    notebook.get_by_role("button", name="Make").click()
    notebook.get_by_role("button", name="Stop").click()
    expect(notebook.get_by_role("button", name="Make Notebook")).to_be_visible(timeout=PATIENCE)
    expect(notebook.get_by_role("progressbar")).to_have_count(0)


def test_the_report_opens_as_it_should_look(open_page: Callable[..., Page]) -> None:
    page = open_export(open_page)
    wrong: list[str] = []
    page.context.on("console", lambda said: wrong.append(said.text))
    with page.context.expect_page() as opened:
        card(page, "Report").get_by_role("link", name="Open").click()
    report = opened.value
    expect(report.get_by_role("heading", name="digits-simple")).to_be_visible()
    # Its own style holds, and its pictures are there.
    assert report.evaluate("getComputedStyle(document.body).maxWidth") == "1088px"
    widths = report.evaluate("[...document.images].map((image) => image.naturalWidth)")
    assert len(widths) > 3
    assert min(widths) > 0
    assert wrong == []
    # It is nobody's page: it may neither run a script nor speak to the lab.
    report.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'it ran'";
      document.body.append(script);
    }""")
    assert report.title() != "it ran"
    assert "script" in wrong[0]
    assert report.evaluate("window.origin") == "null"


def test_the_command_is_copied(open_page: Callable[..., Page]) -> None:
    page = open_export(open_page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the command for the Script").click()
    expect(page.get_by_role("log")).to_contain_text("The command is copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "firstlight eject digits-simple --to digits-simple.py"


@IN_TWO_WINDOWS
def test_the_step_is_sound(
    open_page: Callable[..., Page], size: tuple[int, int], scheme: str
) -> None:
    page = open_export(open_page, size, scheme)
    card(page, "Keras file").get_by_role("button", name="Make").click()
    expect(card(page, "Keras file")).to_contain_text("It is a copy", timeout=PATIENCE)
    card(page, "Notebook").get_by_role("button", name="Make").click()
    expect(card(page, "Notebook").get_by_role("progressbar")).to_be_visible()
    assert findings(page) == []
    assert wide_as_the_window(page)
