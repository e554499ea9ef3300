"""The command line on the real api: a small folder of images, from files to predictions."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

# Runs command lines one after the other in one process: importing Keras once is enough.
DRIVER = """
import contextlib, io, json, sys
from firstlight.shells.cli.main import run
ended = []
for arguments in json.loads(sys.argv[1]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run(arguments)
    ended.append([code, out.getvalue()])
print(json.dumps(ended))
"""
VERBS = {
    "train": ["train", "photos", "--epochs", "1", "--name", "first", "--split", "random"],
    "again": ["train", "photos", "--epochs", "2", "--name", "second", "--split", "random"],
    "explore": ["explore", "photos", "--split", "random", "--save", "look"],
    "check": ["check", "photos", "--split", "random", "--model", "broken.yaml", "--fix"],
    "evaluate": ["evaluate", "first"],
    "predict": ["predict", "first", "photos/dark", "photos/broken.png"],
    "compare": ["compare", "first", "second"],
    "look": ["look", "first", "--save", "inside"],
    "models": ["models", "photos", "--split", "random"],
    "doctor": ["doctor"],
    "missing": ["evaluate", "no-such-run"],
}
BROKEN = """
- Conv2D: {filters: 4, kernel_size: 3, activation: relu}
- Dense: {units: 2, activation: softmax}
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, Any]]:
    """Exit code and JSON document of each verb."""
    root = tmp_path_factory.mktemp("work")
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        folder = root / "photos" / name
        folder.mkdir(parents=True)
        for number in range(30):
            pixels = np.clip(random.normal(level, 20, (28, 28)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    (root / "photos" / "dark" / "broken.png").write_bytes(b"\x89PNG, but not for long")
    (root / "broken.yaml").write_text(BROKEN)
    lines = [[*arguments, "--json"] for arguments in VERBS.values()]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(lines)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    return {
        verb: (code, json.loads(out)) for verb, (code, out) in zip(VERBS, results, strict=True)
    } | {"folder": (0, root)}


def test_every_verb_ends_as_it_should(ended: dict[str, tuple[int, Any]]) -> None:
    codes = {verb: code for verb, (code, _) in ended.items()}
    failed = {"check": 2, "missing": 2}
    assert codes == dict.fromkeys([*VERBS, "folder"], 0) | failed


def test_explore_lists_the_broken_file(ended: dict[str, tuple[int, Any]]) -> None:
    files = ended["explore"][1]["files"]
    assert files["read"] == 60
    assert [Path(entry["file"]).name for entry in files["refused"]] == ["broken.png"]
    assert files["refused"][0]["reason"]


def test_train_says_where_it_wrote(ended: dict[str, tuple[int, Any]]) -> None:
    document = ended["train"][1]
    folder = Path(document["folder"])
    assert folder == ended["folder"][1] / "runs" / "first"
    assert (folder / "report.html").is_file()
    assert [epoch["epoch"] for epoch in document["history"]] == [1]


def test_evaluate_repeats_the_report_of_train(ended: dict[str, tuple[int, Any]]) -> None:
    assert ended["evaluate"][1]["confusion"] == ended["train"][1]["report"]["confusion"]


def test_predict_answers_each_image_and_refuses_the_broken_one(
    ended: dict[str, tuple[int, Any]],
) -> None:
    document = ended["predict"][1]
    assert len(document["predictions"]) == 30
    assert {row["class"] for row in document["predictions"]} <= {"dark", "light"}
    assert "dark/broken.png" in " ".join(entry["file"] for entry in document["refused"])


def test_compare_names_the_setting_that_differs(ended: dict[str, tuple[int, Any]]) -> None:
    assert ended["compare"][1]["settings"]["epochs"] == {"first": 1, "second": 2}


def test_check_writes_the_mended_network(ended: dict[str, tuple[int, Any]]) -> None:
    document = ended["check"][1]
    codes = [finding["code"] for finding in document["checkup"]["findings"]]
    assert codes
    mended = ended["folder"][1] / document["mended_file"]
    assert mended.name == "broken-mended.yaml"
    assert mended.read_text()


def test_an_error_is_a_document_too(ended: dict[str, tuple[int, Any]]) -> None:
    error = ended["missing"][1]["error"]
    assert error["kind"] == "RunError"
    assert "no-such-run" in error["message"]


def test_look_opens_what_was_trained(ended: dict[str, tuple[int, Any]]) -> None:
    code, document = ended["look"]
    assert code == 0
    assert sum(document["answers"].values()) == pytest.approx(1)
    assert document["numbers"][-1]["name"] == "accuracy"
