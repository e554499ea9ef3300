"""The step Try it on the server: its numbers are the report's and those of `predict`."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_client import LabProcess, Tab
from PIL import Image
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

import firstlight as fl
from firstlight.core.run_folder import RunFolder

CELL = {"kind": "cell", "true": 0, "predicted": 0}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, start_lab: Callable) -> Iterator[LabProcess]:
    folder = tmp_path_factory.mktemp("start")
    with start_lab(folder, quick=True) as process:
        process.sign_in()
        yield process


@pytest.fixture(scope="module")
def digits(lab: LabProcess) -> fl.Run:
    """A run on some of MNIST, trained for so short a time that it makes mistakes."""
    mnist = fl.load("mnist").train
    np.savez(lab.folder / "digits.npz", images=mnist.images[:1200], labels=mnist.targets[:1200])
    return fl.train(lab.folder / "digits.npz", runs=lab.runs, name="digits", epochs=2)


@pytest.fixture(scope="module")
def spots(lab: LabProcess) -> fl.Run:
    """A run that measures two values of images in floating point, with intervals."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:12, :12]
    size, bright = random.uniform(1, 3, 400), random.uniform(1, 5, 400)
    shape = np.exp(-((rows - 6) ** 2 + (columns - 6) ** 2) / (2 * size[:, None, None] ** 2))
    images = bright[:, None, None] * shape + random.normal(0, 0.2, (400, 12, 12))
    arrays = {"images": images, "size": size, "bright": bright}
    np.savez(lab.folder / "spots.npz", **{k: v.astype(np.float32) for k, v in arrays.items()})
    return fl.train(
        lab.folder / "spots.npz", target=("size", "bright"), runs=lab.runs, name="spots", epochs=2
    )


@pytest.fixture
def tab(lab: LabProcess) -> Iterator[Tab]:
    with lab.tab() as tab:
        yield tab


def ask(tab: Tab, which: dict[str, Any], start: int = 0, count: int = 120, run: str = "digits"):
    return tab.ask("answers", run=run, which=which, start=start, count=count)


def pictures(answered: dict[str, Any]) -> np.ndarray:
    """The images on its sheet, (N, H, W, 3)."""
    sheet = np.array(Image.open(io.BytesIO(base64.b64decode(answered["sheet"]))))
    height, width = answered["height"], answered["width"]
    places = [divmod(k, answered["columns"]) for k in range(len(answered["images"]))]
    return np.stack(
        [
            sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
            for row, column in places
        ]
    )


def test_the_confusion_matrix_is_scikit_learns(tab: Tab, digits: fl.Run) -> None:
    answer = tab.ask("test-report", run="digits")
    report = digits.report
    said = report.predictions.values.argmax(axis=1)
    assert answer["confusion"] == confusion_matrix(report.targets, said).tolist()
    rows = answer["per_class"]
    expected = precision_recall_fscore_support(report.targets, said, zero_division=0)
    for name, column in zip(("precision", "recall", "f1", "count"), expected, strict=True):
        np.testing.assert_allclose([row[name] for row in rows], column)
    assert (answer["count"], answer["classes"]) == (report.count, list(report.classes))


def test_each_cell_opens_its_images(tab: Tab, digits: fl.Run) -> None:
    report, images = digits.report, fl.load(digits.folder.parent.parent / "digits.npz").test
    said = report.predictions.values.argmax(axis=1)
    for true, predicted in [(0, 0), (7, 9), (3, 5)]:
        found = ask(tab, {"kind": "cell", "true": true, "predicted": predicted})
        positions = [one["position"] for one in found["images"]]
        expected = np.flatnonzero((report.targets == true) & (said == predicted))
        assert (found["total"], sorted(positions)) == (len(expected), expected.tolist())
        if positions:
            values = [one["values"] for one in found["images"]]
            np.testing.assert_allclose(values, report.predictions.values[positions], atol=1e-7)
            shown = pictures(found)
            assert np.array_equal(shown[..., 0], images.images[positions][..., 0])
            assert {one["truth"] for one in found["images"]} == {str(true)}


def test_the_worst_mistakes_come_a_page_at_a_time(tab: Tab, digits: fl.Run) -> None:
    values, targets = digits.report.predictions.values, digits.report.targets
    wrong = values.argmax(axis=1) != targets
    first = ask(tab, {"kind": "worst", "target": 0}, count=2)
    rest = ask(tab, {"kind": "worst", "target": 0}, start=2)
    assert (first["total"], first["start"], rest["start"]) == (wrong.sum(), 0, 2)
    everyone = [one["position"] for one in first["images"] + rest["images"]]
    assert len(everyone) == min(wrong.sum(), 122)
    sure = values[everyone].max(axis=1)
    assert wrong[everyone].all()
    assert sure[0] == values[wrong].max()
    assert (np.diff(sure) <= 0).all()


def test_measured_values_are_those_of_the_report(tab: Tab, spots: fl.Run) -> None:
    answer = tab.ask("test-report", run="spots")
    report = spots.report
    level, ends = report.predictions.interval(0.9)
    assert (answer["level"], answer["pad"], answer["confusion"]) == (level, None, [])
    assert "measures values" in answer["no_pad"]
    for k, found in enumerate(answer["values"]):
        rows = found["positions"]
        assert sorted(rows) == list(range(report.count))
        assert found["true"] == sorted(found["true"])
        np.testing.assert_array_equal(found["true"], report.targets[rows, k])
        np.testing.assert_array_equal(found["said"], report.predictions.values[rows, k])
        np.testing.assert_array_equal(found["low"], ends[rows, k, 0])
        np.testing.assert_array_equal(found["high"], ends[rows, k, 1])
    held = [row.covered.value for row in report.trust[0].coverage]
    assert len(held) == 4
    for share in held:
        assert any(f"held {100 * share:.3g} %" in words for words in answer["values"][0]["words"])
    # One of the images, and those that are furthest off.
    one = ask(tab, {"kind": "one", "position": 7}, run="spots")["images"]
    assert one[0]["name"] == report.predictions.names[7]
    np.testing.assert_array_equal(one[0]["low"], ends[7, :, 0])
    worst = ask(tab, {"kind": "worst", "target": 1}, run="spots", count=3)["images"]
    off = np.abs(report.predictions.values - report.targets)[:, 1]
    assert [one["position"] for one in worst] == (-off).argsort()[:3].tolist()


def test_a_drawing_is_asked_about_as_a_file_is(tab: Tab, digits: fl.Run, tmp_path: Path) -> None:
    report = tab.ask("test-report", run="digits")
    pad = report["pad"]
    assert (pad["width"], pad["height"], pad["dark"], pad["digits"]) == (112, 112, True, True)
    seven = fl.load("mnist").test.images[0, :, :, 0]
    ink = np.roll(seven.repeat(4, axis=0).repeat(4, axis=1), (-12, 14), (0, 1))
    answer = tab.ask("drawn", run="digits", ink=base64.b64encode(ink.tobytes()).decode())
    seen = pictures(answer)[0]
    Image.fromarray(seen).convert("L").save(tmp_path / "seen.png")
    expected = fl.predict(digits, tmp_path / "seen.png")
    (found,) = answer["images"]
    np.testing.assert_allclose(found["values"], expected.values[0], atol=1e-6)
    assert found["unlike"] == bool(expected.unlike[0])
    assert np.corrcoef(seen[..., 0].ravel(), seven.ravel())[0, 1] > 0.97


def drop(lab: LabProcess, tab: Tab, run: str, files: dict[str, bytes], **side: float) -> Any:
    """What a network says of files."""
    return tab.ask("dropped", run=run, upload=lab.upload(tab, files), side=side)


def as_npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def as_png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def test_dropped_images_get_what_predict_says(
    lab: LabProcess, tab: Tab, digits: fl.Run, spots: fl.Run, tmp_path: Path
) -> None:
    seven, large = fl.load("mnist").test.images[0, :, :, 0], np.full((50, 70), 200, np.uint8)
    files = {"a.png": as_png(seven), "large.png": as_png(large), "words.png": b"no picture"}
    (tmp_path / "one").mkdir()
    for name, content in files.items():
        (tmp_path / "one" / name).write_bytes(content)
    compare(drop(lab, tab, "digits", files), fl.predict(digits, tmp_path / "one"), 2, 1)

    with np.load(lab.folder / "spots.npz") as arrays:
        images = arrays["images"]
    files = {"b.npy": as_npy(np.concatenate([images[:5], 0 * images[:1] + 50]))}
    (tmp_path / "b.npy").write_bytes(files["b.npy"])
    answer = drop(lab, tab, "spots", files)
    expected = fl.predict(spots, tmp_path / "b.npy")
    compare(answer, expected, 6, 0)
    _, ends = expected.interval(0.9)
    np.testing.assert_allclose([one["low"] for one in answer["images"]], ends[..., 0], rtol=1e-5)
    np.testing.assert_allclose([one["high"] for one in answer["images"]], ends[..., 1], rtol=1e-5)
    assert answer["images"][5]["unlike"]


def compare(answer: dict[str, Any], expected: Any, count: int, refused: int) -> None:
    found = answer["images"]
    assert (answer["total"], len(found), len(answer["refused"])) == (count, count, refused)
    np.testing.assert_allclose([one["values"] for one in found], expected.values, rtol=1e-4)
    assert [one["unlike"] for one in found] == expected.unlike.tolist()
    assert answer["notes"] == list(expected.notes)
    for one, other in zip(answer["refused"], expected.refused, strict=True):
        assert one["file"] == Path(other.file).name


def test_what_cannot_be_read_is_refused_in_a_sentence(
    lab: LabProcess, tab: Tab, digits: fl.Run, spots: fl.Run
) -> None:
    gaps = np.full((1, 12, 12), np.nan, np.float32)
    broken = {
        "nan.npy": ("spots", as_npy(gaps), "Finite pixels"),
        "endless.npy": ("spots", as_npy(gaps * 0 + np.inf), "Finite pixels"),
        "other.npy": ("spots", as_npy(np.zeros((1, 12, 12), np.uint8)), "float32"),
        "objects.npy": ("spots", as_npy(np.array([{}])), "objects.npy"),
        "cut.npy": ("spots", as_npy(gaps)[:200], "cut.npy"),
        "bomb.png": ("digits", png_of_size(100_000, 100_000), "bomb.png"),
        "empty.png": ("digits", b"", "empty.png"),
    }
    for name, (run, content, words) in broken.items():
        answer = drop(lab, tab, run, {name: content})
        assert answer["kind"] == "refused"
        assert words in answer["sentence"]
        assert str(lab.folder) not in answer["sentence"]
    missing = tab.ask("dropped", run="digits", upload="nothing", side={})
    assert "upload it again" in missing["sentence"]
    beside = drop(lab, tab, "digits", {"a.png": as_png(np.zeros((9, 9), np.uint8))}, z=3.0)
    assert "takes an image alone" in beside["sentence"]


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that claims to be so large."""
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    checked = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + checked


def test_an_upload_to_train_on_and_one_to_try_are_not_taken_for_each_other(
    lab: LabProcess, tab: Tab, digits: fl.Run
) -> None:
    image = {"a.png": as_png(np.zeros((28, 28), np.uint8))}
    kept, tried = lab.upload(tab, image, keep=True), lab.upload(tab, image)
    assert tab.ask("dropped", run="digits", upload=tried, side={})["total"] == 1
    answer = tab.ask("dropped", run="digits", upload=kept, side={})
    assert "no upload called" in answer["sentence"]
    source = {"place": "upload", "name": tried}
    edit = {"kind": "source", "source": source}
    answer = tab.ask("edit", revision=tab.revision, change=edit)
    assert "no upload called" in answer["sentence"]


def test_only_the_latest_images_stay_and_none_after_the_end(
    tmp_path: Path, start_lab: Callable
) -> None:
    tried = tmp_path / "runs/.lab/tried"
    (tried / "notes").mkdir(parents=True)
    with start_lab(tmp_path) as lab:
        lab.sign_in()
        with lab.tab() as tab:
            names = [lab.upload(tab, {"a.png": b""}) for _ in range(18)]
        [own] = [folder for folder in tried.iterdir() if folder.name != "notes"]
        assert {folder.name for folder in own.iterdir()} == set(names[2:])
        assert len(set(names)) == 18
        assert own.stat().st_mode & 0o777 == 0o700
    # What this lab has not made is left alone.
    assert [folder.name for folder in tried.iterdir()] == ["notes"]


def test_no_image_is_brought_through_a_link(tmp_path: Path, start_lab: Callable) -> None:
    mine = [tmp_path / "mine" / str(number) for number in range(20)]
    for folder in mine:
        folder.mkdir(parents=True)
    (tmp_path / "start/runs/.lab").mkdir(parents=True)
    (tmp_path / "start/runs/.lab/tried").symlink_to(tmp_path / "mine")
    with start_lab(tmp_path / "start") as lab:
        lab.sign_in()
        with lab.tab() as tab:
            refused = tab.ask("upload", name="a.png", keep=False)
    assert "reached through a link" in refused["sentence"]
    assert all(folder.is_dir() for folder in mine)
    assert len(list((tmp_path / "mine").iterdir())) == 20


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ({"kind": "cell", "true": 10, "predicted": 0}, "classes 0 to 9"),
        ({"kind": "one", "position": 10**9}, "test images"),
    ],
)
def test_images_that_are_not_there(
    tab: Tab, digits: fl.Run, which: dict[str, Any], words: str
) -> None:
    assert words in ask(tab, which)["sentence"]


def test_a_network_that_measures_has_no_confusion_matrix(tab: Tab, spots: fl.Run) -> None:
    assert "measures values" in ask(tab, CELL, run="spots")["sentence"]
    assert "values 0 to 1" in ask(tab, {"kind": "worst", "target": 2}, run="spots")["sentence"]
    ink = base64.b64encode(bytes(144)).decode()
    assert "measures values" in tab.ask("drawn", run="spots", ink=ink)["sentence"]


@pytest.mark.parametrize("size", [0, 111 * 112, 112 * 113, 40_000])
def test_a_drawing_of_another_size(tab: Tab, digits: fl.Run, size: int) -> None:
    answer = tab.ask("drawn", run="digits", ink=base64.b64encode(bytes(size)).decode())
    assert "another size" in answer["sentence"]


def test_a_report_that_is_damaged_is_said_so(lab: LabProcess, tab: Tab, digits: fl.Run) -> None:
    """Others are still answered for."""
    copy = lab.runs / "damaged"
    for name in ("run.json", "model.keras", "predictions.npz", "split.npz"):
        copy.mkdir(exist_ok=True)
        (copy / name).write_bytes((RunFolder(digits.folder).path / name).read_bytes())
    (copy / "report.json").write_text(json.dumps({"task": "classify"}))
    assert "damaged" in tab.ask("test-report", run="damaged")["sentence"]
    assert tab.ask("test-report", run="digits")["kind"] == "test-report"
