"""What each verb shows on the screen and where it puts its files."""

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calls import only_call

from firstlight.core.delivery import Delivery
from firstlight.core.reports import Report
from firstlight.core.scores import Score

FILES = ["a.png", "[bold]b.png", "'-c\x07.png"]


def test_explore_tells_what_was_read_and_what_was_not(api: SimpleNamespace, cli: Any) -> None:
    files = cli("explore", "photos", "--json").document()["files"]
    assert files == {
        "read": 18,
        "refused": [{"file": "bad\x1b[31m.png", "reason": "no image: the file is empty"}],
    }
    shown = cli("explore", "photos").out
    assert "18 files read, 1 left out." in shown
    assert r"bad\x1b[31m.png" in shown


def test_explore_shows_numbers_labels_duplicates_and_sizes(api: SimpleNamespace, cli: Any) -> None:
    lines = [" ".join(line.split()) for line in cli("explore", "photos").out.splitlines()]
    assert "train 12 8x6x3 uint8 0 255 33.3 78.9" in lines
    assert "0 [red]cat[/red] 9 2 1 1 0 0 0" in lines
    assert "3 naïve 学 1 0 1 0 0 0 1" in lines
    assert "In two parts at once: 0 in train/validation, 2 in train/test, 0 in" in lines
    assert "16 12 6" in lines
    assert "Balance: 12 images of the largest class for one of the smallest." in lines
    assert "Note: 16x12 images were brought to 8x6." in lines


def test_explore_saves_where_it_is_told(api: SimpleNamespace, calls: list[Any], cli: Any) -> None:
    ended = cli("explore", "photos", "--save", "look", "--seed", "3")
    assert only_call(calls) == ("explore", ("photos",), {"save": Path("look"), "seed": 3})
    assert "Page    look/index.html" in ended.out


def test_check_ends_with_2_where_there_are_errors(api: SimpleNamespace, cli: Any) -> None:
    ended = cli("check", "mnist", "--model", "net.yaml")
    assert ended.code == 2
    assert "error in dense: Dense gives 12x12x10 answers" in ended.out
    assert "fix: put Flatten() before it" in ended.out
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "pool 12x12x16 0 9.22 k 9.2 kB 6x6" in lines
    assert "In all 586 parameters and 516 k FLOPs for one image." in lines
    document = cli("check", "mnist", "--json").document()
    assert document["checkup"]["findings"][0]["fix"]["edits"][0]["layer"]["kind"] == "Flatten"


def test_fix_never_writes_over_a_file_by_itself(
    api: SimpleNamespace,
    calls: list[Any],
    cli: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli("check", "mnist", "--model", "nets/net.yaml", "--fix")
    assert only_call(calls)[2] == {"model": "nets/net.yaml", "fix": Path("net-mended.yaml")}
    assert "Train it with --model net-mended.yaml" in ended.out
    Path("net-mended.yaml").write_text("kept")
    ended = cli("check", "mnist", "--model", "nets/net.yaml", "--fix")
    assert ended.code == 2
    assert "net-mended.yaml exists already" in ended.err
    cli("check", "mnist", "--fix", "--output", "net-mended.yaml")
    assert calls[-1][2] == {"fix": Path("net-mended.yaml")}


def test_fix_says_where_nothing_can_be_written(
    api: SimpleNamespace, cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkup = replace(api.check(), mended=None)
    api.check = lambda *arguments, **settings: checkup
    ended = cli("check", "mnist", "--model", "net.py:make_model", "--fix")
    assert "Nothing was written" in ended.out
    assert "Mended" not in ended.out


def test_wide_screens_show_what_each_layer_receives(
    api: SimpleNamespace, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert "24x24x16  12x12x16" in cli("check", "mnist").out


def test_train_shows_plan_epochs_report_and_files(api: SimpleNamespace, cli: Any) -> None:
    shown = cli("train", "mnist").out
    assert shown.startswith("data    odd [bold]\nmodel   compact\nrecipe  2 epochs\n")
    rows = [" ".join(line.split()) for line in shown.splitlines() if "/2" in line]
    assert rows == [
        "1/2 0.2500 93.21 % 0.1250 98.76 % 12,346 4.2 s",
        "2/2 0.1250 93.21 % 0.0625 98.76 % 12,346 4.2 s",
    ]
    assert "66.67 %  20.77 % to 93.85 % (95 % interval)" in shown
    assert "Report  runs/odd-compact/report.html" in shown


def test_quiet_leaves_the_report(api: SimpleNamespace, cli: Any) -> None:
    shown = cli("train", "mnist", "--quiet").out
    assert "recipe" not in shown
    assert "66.67 %" in shown


def test_evaluate_document_is_strict_json(api: SimpleNamespace, cli: Any) -> None:
    document = cli("evaluate", "odd-compact", "--json").document()
    assert document["scores"]["loss"]["value"] is None
    assert document["scores"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert document["refused"][0]["reason"] == "no image: the file is empty"


def test_predictions_as_csv_start_no_formula(
    api: SimpleNamespace, cli: Any, tmp_path: Path
) -> None:
    output = tmp_path / "answers.csv"
    assert cli("predict", "odd-compact", "a.png", "--output", output).code == 0
    with output.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["file", "class", "probability"]
    assert rows[1][:2] == ["a.png", "[red]cat[/red]"]
    assert float(rows[1][2]) == 0.9
    assert rows[3][:2] == ["'-c\x07.png", "'=1+1"]


def test_csv_and_json_go_to_stdout_alone(api: SimpleNamespace, cli: Any) -> None:
    ended = cli("predict", "r", "a.png", "--format", "csv")
    shown = ended.out
    assert r"left out bad\x1b[31m.png: no image" in ended.err
    assert [row[0] for row in csv.reader(io.StringIO(shown))] == ["file", *FILES]
    as_format = json.loads(cli("predict", "r", "a.png", "--format", "json").out)
    assert as_format == cli("predict", "r", "a.png", "--json").document()
    assert as_format["predictions"][0]["class"] == "[red]cat[/red]"
    assert as_format["refused"][0]["file"] == "bad\x1b[31m.png"


def test_compare_tells_chance_scores_and_settings(
    api: SimpleNamespace, calls: list[Any], cli: Any
) -> None:
    shown = cli("compare", "one", "two", "--save", "both").out
    assert only_call(calls) == (
        "compare",
        (["one", "two"],),
        {"runs": Path("runs"), "save": Path("both")},
    )
    assert "two is better than one by more than chance." in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "one 90.00 %" in lines
    assert "model simple compact" in lines
    assert "epochs - 3" in lines
    assert "Page both/index.html" in lines


def test_a_network_that_images_are_too_small_for_is_listed(api: SimpleNamespace, cli: Any) -> None:
    row = {"name": "simple", "summary": "one layer", "parameters": None, "flops": None}
    api.list_models = lambda *arguments, **settings: [*api_rows(), row]
    lines = [" ".join(line.split()) for line in cli("models", "tiny.npz").out.splitlines()]
    assert "simple too small - one layer" in lines
    assert "compact 421,642 5 M the fast default" in lines
    assert "Too small: this network needs larger images." in lines
    api.list_models = lambda *arguments, **settings: api_rows()
    assert "Too small" not in cli("models").out


def api_rows() -> list[dict[str, Any]]:
    return [{"name": "compact", "summary": "the fast default", "parameters": 421_642, "flops": 5e6}]


@pytest.mark.parametrize("verb", [("evaluate", "r"), ("predict", "r", "a.png")], ids=" ".join)
def test_code_in_a_model_file_is_trusted_by_name_only(
    verb: tuple[str, ...], api: SimpleNamespace, calls: list[Any], cli: Any
) -> None:
    cli(*verb)
    cli(*verb, "--trust-code", "layers.py")
    assert [settings["trust_code"] for _, _, settings in calls] == [None, Path("layers.py")]


def test_doctor_tells_why_no_gpu(api: SimpleNamespace, cli: Any) -> None:
    shown = cli("doctor").out
    assert "this machine shows none" in shown
    assert "OMP_NUM_THREADS=2" in shown
    assert "not installed" in shown


@pytest.mark.parametrize("place", ["nodir/ans.csv", "file/ans.csv", "folder.csv"])
def test_an_output_that_cannot_be_written_is_refused_before_predicting(
    place: str, api: SimpleNamespace, calls: list[Any], cli: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    output = tmp_path / place
    ended = cli("predict", "odd-compact", "a.png", "--output", str(output))
    assert ended.code == 2
    named = output if output.is_dir() else output.parent
    assert str(named) in " ".join(ended.err.split())
    assert calls == []


def test_a_read_only_place_is_refused_before_predicting(
    api: SimpleNamespace,
    calls: list[Any],
    cli: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    ended = cli("predict", "odd-compact", "a.png", "--output", str(tmp_path / "ans.csv"))
    assert (ended.code, calls) == (2, [])
    assert str(tmp_path) in ended.err


def test_notes_of_a_report_are_warnings(api: SimpleNamespace, cli: Any) -> None:
    report = replace(api.evaluate(), notes=("170 of these [bold] images were used in training.",))
    api.evaluate = lambda *_, **__: report
    words = "warning: 170 of these [bold] images were used in training."
    lines = cli("evaluate", "odd-compact").out.splitlines()
    assert lines.index(words) < next(k for k, line in enumerate(lines) if "accuracy" in line)


def test_a_fit_worse_than_the_mean_is_told(
    api: SimpleNamespace, cli: Any, rods_report: Report
) -> None:
    report = rods_report
    api.evaluate = lambda *_, **__: replace(report, scores={**report.scores, "r2": Score(-0.2)})
    words = "warning: It is worse than always answering the mean of the true values"
    assert words in " ".join(cli("evaluate", "odd-compact").out.split())
    api.evaluate = lambda *_, **__: report
    assert "worse" not in cli("evaluate", "odd-compact").out


def test_convert_tells_what_came_out_and_what_did_not(
    api: SimpleNamespace, calls: list[Any], cli: Any
) -> None:
    ended = cli("convert", "a.pkl", "a b.npz")
    assert calls == [("convert", ("a.pkl", "a b.npz"), {"trust_pickle": False})]
    assert "6 x 4 x 5" in ended.out
    assert "The column [red]cat[/red] is left out: it holds int and, in row 1, str." in ended.out
    assert "firstlight explore 'a b.npz' --target" in ended.out
    cli("convert", "a.pkl", "a.npz", "--trust-pickle")
    assert calls[1][2] == {"trust_pickle": True}


def test_what_is_taken_out_is_told(api: SimpleNamespace, calls: list[Any], cli: Any) -> None:
    where = {"runs": Path("runs"), "trust_code": None}
    ended = cli("eject", "odd-compact", "--to", "a b.ipynb", "--unexecuted")
    assert calls == [("eject", ("odd-compact", Path("a b.ipynb")), {"executed": False} | where)]
    assert "trains" not in ended.err
    assert "Written a b.ipynb\nWritten a b-data.npz\n" in ended.out
    assert "Not as in the run\n- All is float32.\n" in ended.out
    assert "Keras trains the network again" in cli("eject", "it", "--to", "it.ipynb").err
    calls.pop()
    ended = cli("export", "odd-compact", "--to", "onnx", "--output", "it.onnx", "--runs", "there")
    where["runs"] = Path("there")
    assert calls[1] == ("export", ("odd-compact", "onnx", Path("it.onnx")), where)
    assert "largest difference is 3.6e-07." in " ".join(ended.out.split())
    api.export = lambda *_, **__: Delivery("odd", ("odd.keras",), 0, 0.0)
    assert "a copy of the run's own file" in cli("export", "odd-compact", "--to", "keras").out


@pytest.mark.parametrize("option", ["--group", "--group-column"])
def test_an_option_with_two_names(
    option: str, api: SimpleNamespace, calls: list[Any], cli: Any
) -> None:
    cli("explore", "photos", option, "field")
    assert only_call(calls)[2] == {"group_column": "field", "save": None}


def test_look_asks_for_what_was_given_and_says_the_gist(
    api: SimpleNamespace, calls: list[Any], cli: Any
) -> None:
    given = ("--image", "12", "--layer", "conv", "--filter", "3", "--position", "4, 5")
    shown = cli("look", "odd-compact", *given, "--side", "z=8", "--save", "inside").out
    verb, arguments, settings = only_call(calls)
    assert (verb, arguments) == ("look", ("odd-compact", 12))
    assert settings == {
        "of": None,
        "layer": "conv",
        "filter": 3,
        "position": (4, 5),
        "side": {"z": 8.0},
        "save": Path("inside"),
        "runs": Path("runs"),
        "trust_code": None,
    }
    words = " ".join(shown.split())
    assert "1 numbers times 1 weights add up to 2, with the bias 0.5 to 2.5; relu makes it" in words
    assert "much the same picture: the rank correlation is 0.62" in words
    assert "accuracy = 3 / 4 = 0.75. The share." in words
    assert "inside/index.html" in words


def test_look_takes_a_file(api: SimpleNamespace, calls: list[Any], cli: Any) -> None:
    document = cli("look", "odd-compact", "--image", "a.png", "--json").document()
    assert only_call(calls)[1] == ("odd-compact", "a.png")
    assert document["layers"] == [
        {"name": "conv", "kind": "Conv2D", "shape": [1, 1, 1], "min": 2.0, "max": 2.0}
    ]
    assert document["kernel"]["total"] == 2.5
    assert document["saliency"][0]["correlations"] == [0.75, 0.5]
