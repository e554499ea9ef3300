"""What the lab takes out of runs: made by real processes, downloaded, and held against the run."""

import asyncio
import json
import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import onnxruntime
import pytest
from lab_client import LabProcess, Tab

import firstlight as fl
from firstlight.models import import_keras
from firstlight.shells.lab.export_step import ExportStep
from firstlight.shells.lab.stream import Stream

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, halves: Callable[[Path], None]) -> Path:
    """A folder with a finished run, `first`."""
    folder = tmp_path_factory.mktemp("finished")
    halves(folder / "halves.npz")
    fl.train(folder / "halves.npz", runs=folder / "runs", name="first", epochs=2)
    return folder


def copied(finished: Path, folder: Path) -> Path:
    """The same run in another folder, to be changed."""
    return Path(shutil.copytree(finished / "runs/first", folder / "runs/first"))


@pytest.fixture(scope="module")
def served(finished: Path, start_lab: Callable) -> Iterator[LabProcess]:
    with start_lab(finished) as process:
        process.sign_in()
        yield process
    # What it has made goes with it.
    assert list((finished / "runs/.lab/exports").iterdir()) == []


def ended(run: str, form: str) -> Callable[[dict], bool]:
    def wanted(news: dict) -> bool:
        export = news.get("export", {"state": "making"})
        return (export.get("run"), export.get("form")) == (run, form) and export[
            "state"
        ] != "making"

    return wanted


def make(tab: Tab, form: str, run: str = "first") -> dict:
    assert tab.ask("make_export", run=run, form=form)["kind"] == "done"
    return tab.until(ended(run, form), timeout=120)["export"]


def fetch(lab: LabProcess, form: str, name: str) -> bytes:
    status, headers, body = lab.get(f"/export/first/{form}/{name}")
    assert status == 200
    # Saved under this name, and never taken for a page.
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    assert headers["content-type"] == "application/octet-stream"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    return body


def test_keras_and_onnx_answer_as_the_run_does(served: LabProcess, tmp_path: Path) -> None:
    keras = import_keras()
    images = np.load(served.folder / "halves.npz")["images"][..., None].astype(np.float32)
    with served.tab() as tab:
        kept = make(tab, "keras")
        written = make(tab, "onnx")
        exports = tab.ask("exports", run="first")
    assert [file["name"] for file in kept["files"]] == ["first.keras"]
    assert kept["sentences"] == ["It is a copy of the run's own file."]
    model = fetch(served, "keras", "first.keras")
    assert model == (served.runs / "first/model.keras").read_bytes()
    assert kept["files"][0]["size"] == len(model)

    asked = re.fullmatch(
        r"Asked about (\d+) test images, it answers as the run does: the largest difference is "
        r"(\S+)\.",
        written["sentences"][0],
    )
    assert asked is not None
    assert int(asked[1]) == 9
    session = onnxruntime.InferenceSession(fetch(served, "onnx", "first.onnx"))
    (answers,) = session.run(None, {"image": images})
    (tmp_path / "again.keras").write_bytes(model)
    own = keras.saving.load_model(tmp_path / "again.keras", compile=False)(images)
    assert np.abs(answers - keras.ops.convert_to_numpy(own)).max() < 1e-5 > float(asked[2])

    # What was made is there for a page that comes later, with the commands that do the same.
    states = {one["form"]: one["state"] for one in exports["exports"]}
    assert states == {"keras": "made", "onnx": "made"}
    assert exports["commands"] == {
        "keras": "firstlight export first --to keras",
        "onnx": "firstlight export first --to onnx",
        "script": "firstlight eject first --to first.py",
        "notebook": "firstlight eject first --to first.ipynb",
        "run": "python -m zipfile -c first.zip runs/first",
    }


def test_a_script_with_its_images_and_a_notebook_that_was_run(served: LabProcess) -> None:
    with served.tab() as tab:
        script = make(tab, "script")
        assert tab.ask("make_export", run="first", form="notebook")["kind"] == "done"
        told = tab.until(
            lambda news: (
                news["kind"] == "export" and "Training (" in str(news["export"]["sentences"])
            ),
            timeout=120,
        )["export"]
        notebook = tab.until(ended("first", "notebook"), timeout=120)["export"]
    assert [file["name"] for file in script["files"]] == ["first.py", "first-data.npz"]
    code = fetch(served, "script", "first.py").decode()
    assert 'np.load("first-data.npz")' in code
    assert not re.search("import.*firstlight", code)
    data = np.load(BytesIO(fetch(served, "script", "first-data.npz")))
    assert sum(len(data[f"{part}_images"]) for part in ("train", "validation", "test")) == 60

    assert told["sentences"] == ["Running the notebook: Training (4 of 6)"]
    names = ["first.ipynb", "first-data.npz", "first.keras"]
    assert [file["name"] for file in notebook["files"]] == names
    cells = nbformat.reads(fetch(served, "notebook", "first.ipynb").decode(), 4).cells
    codes = [cell for cell in cells if cell.cell_type == "code"]
    assert len(codes) == 6
    printed = "".join(output.get("text", "") for cell in codes for output in cell.outputs)
    found = re.search(r"accuracy +(\S+)   firstlight: +(\S+)", printed)
    assert found is not None
    assert notebook["sentences"][1] == (
        f"Trained anew by Keras, it reaches accuracy {float(found[1]):.4g}; the run has "
        f"{float(found[2]):.4g}."
    )
    report = json.loads((served.runs / "first/report.json").read_text())
    assert float(found[2]) == pytest.approx(report["scores"]["accuracy"]["value"], abs=1e-4)


def test_the_run_folder_in_one_file(served: LabProcess) -> None:
    with served.tab() as tab:
        made = make(tab, "run")
    folder = served.runs / "first"
    there = {path for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(BytesIO(fetch(served, "run", "first.zip"))) as archive:
        files = [one for one in archive.infolist() if not one.is_dir()]
        assert {one.filename for one in files} == {str(p.relative_to(served.runs)) for p in there}
        for one in files:
            assert archive.read(one) == (served.runs / one.filename).read_bytes()
    assert made["sentences"] == [
        f"{len(there)} files, read back and compared with their checksums."
    ]


def test_the_report_is_a_page_that_can_do_nothing(served: LabProcess) -> None:
    status, headers, page = served.get("/report/first")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page == (served.runs / "first/report.html").read_bytes()
    policy = headers["content-security-policy"].split("; ")
    assert "sandbox" in policy  # and nothing allowed with it
    assert "default-src 'none'" in policy
    assert not any(one.startswith(("script-src", "connect-src")) for one in policy)
    # A folder of a stranger may have a link where the report should be.
    other = served.runs / "second"
    other.mkdir()
    for name in ("run.json", "model.keras"):
        (other / name).write_bytes((served.runs / "first" / name).read_bytes())
    assert served.get("/report/second")[0] == 404
    (other / "report.html").symlink_to(served.folder / "halves.npz")
    status, _, words = served.get("/report/second")
    assert (status, b"holds a link, report.html" in words) == (404, True)
    with served.tab() as tab:
        refused = make(tab, "run", "second")
    assert (refused["state"], refused["files"]) == ("failed", [])
    assert "holds a link, report.html" in refused["sentences"][0]


def test_only_what_was_made_and_is_still_there(served: LabProcess) -> None:
    with served.tab() as tab:
        make(tab, "keras")
        (place,) = (served.runs / ".lab/exports").iterdir()
        file = place / "first/keras/first.keras"
        beside = file.with_name("beside.keras")
        file.rename(beside)
        assert served.get("/export/first/keras/beside.keras")[0] == 404
        assert served.get("/export/first/keras/first.keras")[0] == 404
        file.symlink_to(beside)
        assert served.get("/export/first/keras/first.keras")[0] == 404
        # Made again, it is right again.
        make(tab, "keras")
        fetch(served, "keras", "first.keras")
        # A network that was trained anew since has not been taken out yet.
        model = served.runs / "first/model.keras"
        os.utime(model, ns=(1, model.stat().st_mtime_ns + 1_000_000))
        assert tab.ask("exports", run="first")["exports"] == []


def test_a_missing_extra_is_named(
    finished: Path, start_lab: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnx.py").write_text("raise ImportError('it is not there', name='onnx')\n")
    paths = [str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    with start_lab(finished) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            refused = make(tab, "onnx")
        assert refused["state"] == "failed"
        assert refused["sentences"] == [
            'ONNX files need onnx, which is not installed: pip install "firstlight[onnx]".'
        ]
        assert lab.get("/export/first/onnx/first.onnx")[0] == 404


def test_what_labs_have_left_behind_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    exports, elsewhere = tmp_path / "runs/.lab/exports", tmp_path / "elsewhere"
    names = ("0" * 16, "1" * 16, "notes")
    for folder in (exports, elsewhere):
        for name in names:
            (folder / name).mkdir(parents=True)
            if name != "1" * 16:
                os.utime(folder / name, (1, 1))
    (exports / ("2" * 16)).symlink_to(elsewhere / ("0" * 16))
    asyncio.run(ExportStep(tmp_path, tmp_path / "runs", Stream()).open())
    assert {one.name for one in exports.iterdir()} == {"1" * 16, "2" * 16, "notes"}
    # A folder of runs from a stranger, whose links lead to what is yours.
    (tmp_path / "theirs/.lab").mkdir(parents=True)
    (tmp_path / "theirs/.lab/exports").symlink_to(elsewhere)
    asyncio.run(ExportStep(tmp_path, tmp_path / "theirs", Stream()).open())
    assert {one.name for one in elsewhere.iterdir()} == set(names)


def test_nothing_is_written_through_a_link(
    finished: Path, start_lab: Callable, tmp_path: Path
) -> None:
    copied(finished, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs/.lab").mkdir()
    (tmp_path / "runs/.lab/exports").symlink_to(tmp_path / "elsewhere")
    with start_lab(tmp_path) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            refused = make(tab, "run")
    assert "reached through a link" in refused["sentences"][0]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def processes_in(folder: Path) -> list[int]:
    """Processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(entry / "cwd")).is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_notebook_that_takes_too_long_is_stopped(
    tmp_path: Path, finished: Path, start_lab: Callable
) -> None:
    run = copied(finished, tmp_path)
    information = json.loads((run / "run.json").read_text())
    information["settings"]["epochs"] = 1_000_000
    (run / "run.json").write_text(json.dumps(information))
    with start_lab(tmp_path) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            tab.ask("make_export", run="first", form="notebook")
            tab.until(lambda news: "Training (" in str(news.get("export")), timeout=120)
            exports = lab.runs / ".lab/exports"
            assert len(processes_in(exports)) == 1
            # Another one waits for its turn, and its turn comes.
            tab.ask("make_export", run="first", form="keras")
            waiting = tab.until(lambda news: news["kind"] == "export")["export"]
            assert waiting["sentences"] == ["It waits until the one before it is done."]
            assert tab.ask("stop_export", run="first", form="notebook")["kind"] == "done"
            tab.until(lambda news: news["kind"] == "export_gone")
            assert tab.until(ended("first", "keras"))["export"]["state"] == "made"
            assert tab.ask("stop_export", run="first", form="notebook")["kind"] == "refused"
            until = time.time() + 30
            while processes_in(exports) and time.time() < until:
                time.sleep(0.1)
            assert processes_in(exports) == []
