"""Every code block of the documentation, the README and the examples is run.

- A `python` block is executed; all blocks of a page share one namespace.
- Of a `console` block each line that starts with `$ ` is run, as `firstlight ...` or `python ...`.
- A block with a title (```` ```python title="net.py" ````) is a file of that name.
- `<!-- exit code: 2 -->` above a block says that its commands end so,
  `<!-- not run: reason -->` that it is not run, and why.

Pages run in a temporary folder. `mnist` stands there for its first 600 images: the commands are
what is tested, and this way they take seconds.
"""

import json
import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md")]
)
FENCE = re.compile(
    r"^(?:<!-- (?P<remark>[^\n]*?) -->\n)?"
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
SHOWN_ONLY = {"text", "yaml", "json"}


@dataclass(frozen=True)
class Block:
    """A fenced block, the heading of the section that it is in, and where to find it."""

    language: str
    title: str | None
    remark: str
    text: str
    section: str
    place: str

    @property
    def exit_code(self) -> int:
        found = re.fullmatch(r"exit code: (\d+)", self.remark)
        return int(found[1]) if found else 0


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        before = text[: match.start("language")]
        headings = re.findall(r"^## (.+)$", before, re.MULTILINE)
        yield Block(
            match["language"],
            match["title"],
            match["remark"] or "",
            match["text"],
            section=headings[-1] if headings else "",
            place=f"{page.name}, line {before.count(chr(10)) + 1}",
        )


def commands_of(block: Block) -> list[list[str]]:
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages take for granted, and the current one."""
    import firstlight as fl

    whole = fl.load("mnist")
    arrays = {
        "x_train": whole.train.images[:600],
        "y_train": whole.train.targets[:600],
        "x_test": whole.test.images[:200],
        "y_test": whole.test.targets[:200],
    }
    np.savez(tmp_path / "mnist.npz", **{name: np.squeeze(a) for name, a in arrays.items()})
    Image.fromarray(whole.test.images[0, :, :, 0]).save(tmp_path / "digit.png")

    random = np.random.default_rng(0)
    rows = ["image,temperature,field"]
    for number, temperature in enumerate(random.uniform(3000, 9000, size=60)):
        pixels = random.normal(temperature / 50, 5, size=(16, 16)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"star_{number}.png")
        rows.append(f"star_{number}.png,{temperature:.1f},field {number % 12}")
    (tmp_path / "stars.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_command(command: list[str]) -> int:
    """Run one command in this process and return its exit code."""
    from firstlight.shells.cli.main import run

    match command:
        case ["firstlight", *arguments]:
            return run(["mnist.npz" if given == "mnist" else given for given in arguments])
        case ["python", script]:
            runpy.run_path(script, run_name="__main__")
            return 0
        case _:
            raise ValueError(f"the documentation's tests cannot run {command}")


def run_block(block: Block, namespace: dict[str, object]) -> None:
    """Write the block's file, or run it, in the current folder."""
    if block.title is not None:
        Path(block.title).write_text(block.text, encoding="utf-8")
    elif block.language == "python":
        code = block.text.replace('"mnist"', '"mnist.npz"')
        exec(compile(code, block.place, "exec"), namespace)
    else:
        assert block.language == "console", f"{block.place}: how is {block.language} run?"
        assert commands_of(block), f"{block.place}: a console block without a command"
        for command in commands_of(block):
            assert run_command(command) == block.exit_code, f"{block.place}: {shlex.join(command)}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_blocks_run(page: Path, folder: Path) -> None:
    if page.parent.parent.name == "examples":
        shutil.copytree(page.parent, folder, dirs_exist_ok=True)
    namespace: dict[str, object] = {}
    for block in blocks_of(page):
        shown_only = block.title is None and block.language in SHOWN_ONLY
        if not shown_only and not block.remark.startswith("not run: "):
            run_block(block, namespace)


def test_blocks_that_import_keras_choose_a_backend_first() -> None:
    # Where nobody has, Keras wants TensorFlow, which comes with neither; these tests would not
    # notice, since Keras is imported here already.
    for page in PAGES:
        for block in blocks_of(page):
            before, keras, _ = block.text.partition("import keras")
            if keras and block.language == "python" and block.title is None:
                assert "KERAS_BACKEND" in before, block.place


def test_every_fence_is_understood() -> None:
    for page in PAGES:
        fences = re.findall(r"^```\w+", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(fences) == len(list(blocks_of(page))), page.name


def test_python_page_lists_the_public_names() -> None:
    import firstlight as fl

    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^## `fl\.(\w+)", text, re.MULTILINE)) == sorted(fl.__all__)


def test_command_line_page_is_current() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "command_line_page.py"))
    page = ROOT / "docs" / "command-line.md"
    assert page.read_text(encoding="utf-8") == script["page"](), (
        "run `python scripts/command_line_page.py`"
    )


@pytest.mark.slow
def test_doctor_page_shows_each_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks_of(ROOT / "docs" / "shape-doctor.md"):
        if block.section and block.language == "console":
            code = block.section.strip("`")
            capsys.readouterr()
            run_command([*commands_of(block)[-1], "--json"])
            findings = json.loads(capsys.readouterr().out)["checkup"]["findings"]
            assert code in {finding["code"] for finding in findings}, block.place
        elif block.section:
            run_block(block, {})


def test_doctor_page_knows_every_code() -> None:
    rooms = (ROOT / "src" / "firstlight" / "models").glob("*.py")
    source = "".join(file.read_text(encoding="utf-8") for file in rooms)
    levels = {"error", "warning", "advice"}
    before = r"(?:\berror\(|\"(?:error|warning|advice)\",|\blevel,)"
    codes = set(re.findall(before + r"\s*\"([a-z][a-z-]+)\",", source)) - levels
    text = (ROOT / "docs" / "shape-doctor.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## `([\w-]+)`$", text, re.MULTILINE)) == codes
