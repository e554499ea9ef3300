"""The built page: made from the server's own types, small, and asking nobody else."""

import importlib.util
import re
from importlib.resources import files
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = files("firstlight.shells.lab") / "static"


def test_the_types_of_the_page_are_those_of_the_server() -> None:
    spec = importlib.util.spec_from_file_location("lab_types", ROOT / "scripts/lab_types.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    there = {file.name: file.read_text("utf-8") for file in module.FOLDER.iterdir()}
    assert there == module.typescript(), "run scripts/lab_types.py"


def test_the_page_is_small_and_whole() -> None:
    there = {entry.name: entry.read_bytes() for entry in BUILT.iterdir()}
    assert {"index.html", "lab.js", "index.css"} <= there.keys()
    assert sum(map(len, there.values())) < 250_000


def test_no_asset_comes_from_outside() -> None:
    for name in ("index.html", "lab.js", "index.css"):
        text = (BUILT / name).read_text("utf-8")
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", text))
        # The name of a language, which nobody asks for.
        assert {one for one in addresses if "w3.org" not in one} == set(), name
        assert "data:" not in re.sub(r"[A-Za-z]data:", "", text) or name == "lab.js"
