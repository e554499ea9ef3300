"""Every verb against the stand-in for the api: what it asks for, shows, writes, and ends with."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calls import only_call

from firstlight.core.errors import DataError, FirstlightError, RunError, TrainingError

VERBS = [
    ("explore", "photos"),
    ("check", "mnist"),
    ("train", "mnist"),
    ("train", "--resume", "odd-compact"),
    ("evaluate", "odd-compact"),
    ("predict", "odd-compact", "a.png"),
    ("compare", "one", "two"),
    ("models",),
    ("doctor",),
    ("lr", "mnist"),
    ("convert", "a.pkl", "a.npz"),
    ("look", "odd-compact"),
    ("eject", "odd-compact", "--to", "script.py"),
    ("export", "odd-compact"),
]


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_json_is_the_only_thing_on_stdout(
    arguments: tuple[str, ...], api: SimpleNamespace, cli: Any
) -> None:
    ended = cli(*arguments, "--json")
    assert isinstance(ended.document(), dict)
    assert "a library prints to stdout" in ended.err


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
@pytest.mark.parametrize("columns", [80, 120])
def test_screens_fit_and_hold_no_control_characters(
    arguments: tuple[str, ...],
    columns: int,
    api: SimpleNamespace,
    cli: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    ended = cli(*arguments)
    lines = ended.out.splitlines()
    assert lines
    assert max(map(len, lines)) <= columns
    assert all(line.isprintable() for line in lines)


def test_odd_names_are_shown_as_they_are(api: SimpleNamespace, cli: Any) -> None:
    shown = cli("predict", "odd-compact", "a.png").out
    assert "[red]cat[/red]" in shown
    assert "[bold]b.png" in shown
    assert r"clear\x1b[2J\nscreen" in shown
    assert r"bad\x1b[31m.png" in shown


def test_given_settings_reach_the_api_and_no_others(
    api: SimpleNamespace, calls: list[Any], cli: Any
) -> None:
    cli(
        *("train", "photos", "--epochs", "3", "--learning-rate", "0.01", "--resize", "pad"),
        *("--target", "length", "--target", "width", "--runs", "elsewhere"),
    )
    verb, arguments, settings = only_call(calls)
    assert (verb, arguments) == ("train", ("photos",))
    assert settings == {
        "epochs": 3,
        "learning_rate": 0.01,
        "resize": "pad",
        "target": ("length", "width"),
        "runs": Path("elsewhere"),
    }


def test_resume_goes_on_with_a_run(api: SimpleNamespace, calls: list[Any], cli: Any) -> None:
    cli("train", "--resume", "odd-compact")
    assert only_call(calls) == ("resume", ("odd-compact",), {"runs": Path("runs")})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train",), "no DATA: give images to train on"),
        (("train", "mnist", "--resume", "r"), "leave DATA out"),
        (("train", "--resume", "r", "--batch-size", "8"), "leave --batch-size out"),
        (("train", "mnist", "--optimizer", "adm"), "--optimizer takes one of adam, adamw"),
        (("train", "mnist", "--epochs", "0"), "--epochs takes 1 or more, but 0 came"),
        (("train", "mnist", "--epochs", "many"), "Invalid value for '--epochs'"),
        (("train", "mnist", "--epoch", "3"), "--epochs"),
        (("look", "r", "--position", "3"), "--position takes a row and a column, such as 3,4"),
        (("look", "r", "--position", "3,x"), "but '3,x' came"),
        (("trian", "mnist"), "Did you mean 'train'?"),
        (("predict", "r"), "Missing argument 'FILE'"),
        (("predict", "r", "f", "--format", "xml"), "--format takes one of table, csv, json"),
        (("predict", "r", "f", "--output", "o.txt"), "--output writes .csv or .json"),
        (("check", "mnist", "--output", "o.yaml"), "give --fix too"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(
    arguments: tuple[str, ...], message: str, api: SimpleNamespace, calls: list[Any], cli: Any
) -> None:
    ended = cli(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("firstlight: ")
    assert ended.err.count("\n") == 1
    assert message in ended.err
    assert calls == []


def fail_with(error: BaseException) -> Any:
    def verb(*arguments: Any, **settings: Any) -> Any:
        raise error

    return verb


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("folder x holds no images."), 2, "folder x holds no images."),
        (RunError("no run called\x1b[2J r."), 2, r"no run called\x1b[2J r."),
        (TrainingError("the loss is not finite."), 2, "the loss is not finite."),
        (MemoryError(), 1, "the memory ran out"),
        (PermissionError(13, "Permission denied", "/x/y"), 2, "/x/y cannot be read or written"),
        (KeyError("weights"), 1, "this is firstlight's own fault, not yours (KeyError: 'weights')"),
        (KeyboardInterrupt(), 130, "interrupted."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_errors_end_with_one_line_and_their_code(
    error: BaseException, code: int, message: str, api: SimpleNamespace, cli: Any
) -> None:
    api.doctor = fail_with(error)
    ended = cli("doctor")
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.strip().startswith(f"firstlight: {message}")
    assert ended.err.strip().count("\n") == 0

    api.doctor = fail_with(error)
    ended = cli("doctor", "--json")
    assert ended.code == code
    assert ended.document()["error"]["kind"] == type(error).__name__
    assert ended.document()["error"]["message"].startswith(message)


def test_only_debug_shows_the_traceback(api: SimpleNamespace, cli: Any) -> None:
    api.doctor = fail_with(FirstlightError("broken."))
    assert "Traceback" not in cli("doctor").err
    assert "Traceback" in cli("doctor", "--debug").err
