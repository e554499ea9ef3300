"""Pieces of the command line: text, tables, progress, plain values, and the process itself."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from firstlight.core.dataset import Images
from firstlight.core.reports import Report
from firstlight.core.settings import DataSettings, TrainSettings
from firstlight.shells.cli.plain import plain
from firstlight.shells.cli.progress import training_progress
from firstlight.shells.cli.terminal import make_console, show_table
from firstlight.shells.cli.text import clean, duration, number

RUN = "import sys; from firstlight.shells.cli.main import main; main(sys.argv[1:])"


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80, color_system=None)


def written(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def step(number: int, loss: float = 0.5) -> dict[str, Any]:
    return {
        "kind": "step",
        "step": number,
        "steps_total": 10,
        "epoch": 1,
        "loss": loss,
        "images_per_second": 12000.0,
        "seconds_left": 75.0,
    }


def epoch(**values: float | None) -> dict[str, Any]:
    return {
        "kind": "epoch",
        "epoch": 1,
        "epochs": 1,
        "loss": 0.5,
        "images_per_second": 12000.0,
        "seconds": 61.0,
        **values,
    }


def test_a_terminal_sees_a_moving_line() -> None:
    screen = console(terminal=True)
    with training_progress(screen) as receive:
        receive({"kind": "start", "epochs": 1})
        receive(step(5))
    assert "epoch 1/1" in written(screen)
    assert "loss 0.5000  12,000 images/s  1:15 left" in written(screen)


def test_the_moving_line_has_the_training_metric_and_fits_in_80_columns() -> None:
    screen = console(terminal=True)
    with training_progress(screen) as receive:
        receive({"kind": "start", "epochs": 1})
        receive(step(5) | {"accuracy": 0.91})
    assert "loss 0.5000  accuracy 91.00 %  12,000 images/s  1:15 left" in written(screen)
    screen = console(terminal=True)
    with training_progress(screen) as receive:
        receive({"kind": "start", "epochs": 2})
        receive(epoch(accuracy=0.9, validation_loss=0.5, validation_accuracy=0.9876))
        receive(step(5) | {"epoch": 2, "accuracy": 0.91})
    words = "epoch 2/2 loss 0.5000  accuracy 91.00 %  validation 98.76 %  12,000/s  1:15 left"
    assert words in written(screen)


def test_the_plan_is_followed_by_what_is_worth_knowing_about_the_data() -> None:
    screen = console(terminal=False)
    refused = [{"file": f"{k}\x1b[2J.png", "reason": f"[red]reason {k}[/red]"} for k in range(5)]
    with training_progress(screen, data="my photos") as receive:
        receive(
            {
                "kind": "plan",
                "lines": ["data    odd"],
                "notes": ["2 test images are also in train [bold]."],
                "refused": refused,
                "warnings": ["The last layer\nhas no activation."],
            }
        )
    assert written(screen).splitlines() == [
        "data    odd",
        "2 test images are also in train [bold].",
        "left out: 5 files",
        r"  0\x1b[2J.png: [red]reason 0[/red]",
        r"  1\x1b[2J.png: [red]reason 1[/red]",
        r"  2\x1b[2J.png: [red]reason 2[/red]",
        "  and 2 more: firstlight explore 'my photos'",
        r"warning: The last layer\nhas no activation.",
    ]


def test_a_warning_on_resume_is_told_as_one() -> None:
    screen = console(terminal=False)
    with training_progress(screen) as receive:
        receive({"kind": "state", "state": "warning", "message": "torch was 2.12 [bold]"})
    assert written(screen) == "warning: torch was 2.12 [bold]\n"


def test_a_few_refused_files_are_all_named() -> None:
    screen = console(terminal=False)
    with training_progress(screen) as receive:
        receive({"kind": "plan", "lines": [], "refused": [{"file": "a.png", "reason": "empty"}]})
    assert written(screen).splitlines() == ["left out: 1 file", "  a.png: empty"]


def reading(done: int) -> dict[str, Any]:
    what = "bringing images to disk"
    return {"kind": "reading", "what": what, "done": done, "total": 4000}


def test_a_terminal_sees_how_far_the_images_have_come() -> None:
    screen = console(terminal=True)
    with training_progress(screen) as receive:
        receive(reading(1000))
    assert re.search(r"bringing images to disk\s+1,000 of 4,000", written(screen))


def test_the_bar_of_the_training_is_not_that_of_the_images() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None)
    with training_progress(screen) as receive:
        receive(reading(1000))
        receive({"kind": "start", "epochs": 1})
        receive(step(5))
    line = written(screen).rpartition("\n")[0].rpartition("\x1b[2K")[2]
    bar = re.search(r"epoch 1/1 (━*)( *)loss", line)
    assert bar is not None
    # Step 5 of 10: half of it.
    assert len(bar[1]) == pytest.approx(len(bar[2]), abs=3)


def test_a_pipe_sees_nothing_of_the_images_on_their_way() -> None:
    screen = console(terminal=False)
    with training_progress(screen) as receive:
        receive(reading(1000))
    assert written(screen) == ""


def test_a_pipe_sees_lines_without_escape_sequences() -> None:
    screen = console(terminal=False)
    with training_progress(screen) as receive:
        receive({"kind": "start", "epochs": 1})
        receive(step(5))
        receive(epoch(rmse=0.25, validation_loss=0.125, validation_rmse=0.0625))
        receive({"kind": "state", "state": "resumed", "message": "resumed at step 5"})
    lines = written(screen).splitlines()
    assert lines[1].split() == ["epoch", "loss", "rmse", "loss", "rmse", "images/s", "time"]
    assert lines[2].split() == ["1/1", "0.5000", "0.2500", "0.1250", "0.0625", "12,000", "1:01"]
    assert lines[3:] == ["resumed at step 5"]


@pytest.mark.parametrize(
    "loss", [4_646_197_169_830.25, 0.0009637, 999.99996, 999_999.6, 1e-30, 0.0]
)
def test_columns_of_epochs_stay_apart_and_in_line(loss: float) -> None:
    screen = console(terminal=False)
    with training_progress(screen) as receive:
        receive(epoch(loss=0.5, accuracy=1.0, validation_loss=0.5, validation_accuracy=1.0))
        receive(epoch(loss=loss, accuracy=1.0, validation_loss=loss, validation_accuracy=1.0))
        receive(epoch(epoch=1000, epochs=1000, accuracy=1.0, validation_accuracy=1.0))
    _, heads, *rows = written(screen).splitlines()
    assert {len(row) for row in rows} == {len(heads)}
    cells = rows[1].replace(" %", "%").split()
    assert cells[1:3] == cells[3:5]
    assert float(cells[1].replace(",", "")) == pytest.approx(loss, rel=0.005)


@pytest.mark.parametrize(("columns", "last"), [(60, "accuracy"), (80, "time")])
def test_a_narrow_terminal_drops_columns_instead_of_wrapping(columns: int, last: str) -> None:
    screen = Console(file=io.StringIO(), width=columns)
    with training_progress(screen) as receive:
        receive(epoch(accuracy=0.9, validation_loss=0.5, validation_accuracy=0.98))
    lines = written(screen).splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[1].split()[-1] == last


def test_an_epoch_without_validation_or_finite_loss_is_shown() -> None:
    screen = console(terminal=False)
    with training_progress(screen) as receive:
        receive(epoch(accuracy=None, validation_loss=None, validation_accuracy=None))
    assert written(screen).splitlines()[2].split()[1:5] == ["0.5000", "-", "-", "-"]


@pytest.mark.parametrize("bad", ["\x1b[2J", "\n", "\r", "\x00", "\u202e", "\x9b31m", "\udcff"])
def test_clean_leaves_nothing_that_moves_the_cursor(bad: str) -> None:
    cleaned = clean(f"a{bad}b")
    assert cleaned.isprintable()
    assert cleaned.encode().decode("unicode_escape") == f"a{bad}b"


def test_long_names_are_folded_not_cut() -> None:
    screen = console(terminal=False)
    show_table(screen, ("file", "value"), [("x" * 200, "1")], words=("file",))
    assert written(screen).count("x") == 200
    assert max(map(len, written(screen).splitlines())) <= 80


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (float("nan"), "-"), (0.0, "0"), (1234567.0, "1,234,567"), (1.5e-7, "1.5e-07")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_duration_does_not_round_up_to_sixty() -> None:
    assert duration(59.7) == "1:00"
    assert duration(9.97) == "10 s"


def test_plain_makes_numpy_and_paths_strict_json() -> None:
    value = {
        1: (np.float32("inf"), np.int64(3), np.bool_(True), np.str_("a")),
        "path": Path("runs/x"),
        "array": np.array([[0.5, np.nan]]),
    }
    assert plain(value) == {"1": [None, 3, True, "a"], "path": "runs/x", "array": [[0.5, None]]}


def test_plain_leaves_pixels_out() -> None:
    images = Images(np.zeros((2, 3, 3, 1)), np.zeros(2), np.array(["a", "b"]))
    assert plain({"train": images}) == {"train": {}}


def test_plain_leaves_out_what_is_known_image_by_image(sky_report: Callable[[int], Report]) -> None:
    report = sky_report(1)
    left, answers = plain(report), plain(report.predictions)
    assert left["trust"][0]["target"] == "xHI"
    assert not set(left) & {"predictions", "targets", "groups", "columns"}
    assert answers["levels"] == [0.5, 0.68, 0.9, 0.95]
    assert not set(answers) & {"names", "values", "spread", "intervals", "unlike"}


def test_plain_refuses_what_it_has_no_rule_for() -> None:
    @dataclass
    class Record:
        value: object

    with pytest.raises(TypeError, match="no rule for a set"):
        plain(Record({1}))


def start(*arguments: str, code: str = RUN, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables,
    )


@pytest.mark.parametrize("verb", ["", "train", "explore"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    code = (
        "import sys; from firstlight.shells.cli.main import run; run(sys.argv[1:]); "
        "heavy = {'numpy', 'torch', 'keras', 'matplotlib', 'pandas', 'rich', 'PIL', 'yaml'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = start(*verb.split(), "--help", code=code)
    assert done.stdout.startswith("Usage: firstlight")
    assert done.stderr.strip() == "[]"


def test_classes_are_learnt_and_reported_without_scipy(tmp_path: Path) -> None:
    """Importing it, and the room that simulates, takes longer than all that is counted."""
    labels = np.arange(60) % 2
    np.savez(tmp_path / "a.npz", images=np.full((60, 6, 6), labels[:, None, None]), labels=labels)
    code = (
        "import sys; from firstlight.shells.cli.main import hurry, run; hurry(); "
        "print(run(sys.argv[1:]), 'firstlight.simulation' in sys.modules, "
        "[name for name in sys.modules if name.partition('.')[0] in ('scipy', 'sklearn')])"
    )
    words = ["train", str(tmp_path / "a.npz"), "--runs", str(tmp_path), "--threads", "1"]
    done = start(*words, "--quiet", "--name", "first", "--split", "random", code=code)
    assert done.stdout.splitlines()[-1] == "0 False []"
    assert (tmp_path / "first" / "report.html").exists()


def test_help_lists_every_field_of_the_settings_once() -> None:
    shown = start("train", "--help").stdout
    for item in (*fields(TrainSettings), *fields(DataSettings)):
        option = "--" + item.name.replace("_", "-")
        lines = [
            line for line in shown.splitlines() if line.split()[:1] in ([option], [f"{option},"])
        ]
        assert len(lines) == 1, option
    for choice in ("one-cycle", "huber", "standardise", "stretch"):
        assert choice in shown


def test_tab_completion_offers_choices() -> None:
    done = start(
        _FIRSTLIGHT_COMPLETE="complete_bash",
        COMP_WORDS="firstlight train mnist --optimizer adam",
        COMP_CWORD="4",
    )
    assert done.stdout.split() == ["adam", "adamw", "adamax"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_work_goes_on_when_nobody_reads_any_more(stream: str, tmp_path: Path) -> None:
    """As `firstlight train ... | head -1` does it: the reader leaves after the first line."""
    code = (
        "import sys, pathlib; from firstlight.shells.cli import main, terminal\n"
        "def run(arguments):\n"
        "    for _ in range(3):\n"
        "        terminal.make_console().print('epoch')\n"
        "        print('epoch', flush=True); print('epoch', file=sys.stderr, flush=True)\n"
        "    pathlib.Path(arguments[0]).touch()\n"
        "    return 0\n"
        "main.run = run; main.main(sys.argv[1:])"
    )
    reading, writing = os.pipe()
    os.close(reading)
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "finished")],
            check=False,
            **streams | {stream: writing},
        )
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert (tmp_path / "finished").exists()
    assert b"Traceback" not in (done.stdout or b"") + (done.stderr or b"")


@pytest.mark.parametrize("arguments", [["--help"], ["models", "--json"], ["doctor"]], ids=" ".join)
def test_a_closed_pipe_ends_without_a_word(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_verb_the_help_is_shown() -> None:
    done = start()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: firstlight")
    assert all(f"\n  {verb} " in done.stdout for verb in ("explore", "train", "predict"))


def test_a_stdout_that_knows_only_ascii_still_gets_every_name() -> None:
    code = (
        "from firstlight.shells.cli import main; "
        "main.run = lambda arguments: print('na\\xefve \\u5b66') or 0; main.main([])"
    )
    done = start(code=code, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stdout) == (0, "na\\xefve \\u5b66\n")


def test_the_console_takes_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print("[red]cat[/red] :smile:")
    assert capsys.readouterr().out == "[red]cat[/red] :smile:\n"


def test_warnings_of_libraries_are_one_line() -> None:
    code = (
        "import warnings; from firstlight.shells.cli import main; "
        "main.run = lambda arguments: warnings.warn('old\\nfile') or 0; main.main([])"
    )
    done = start(code=code)
    assert (done.returncode, done.stderr) == (0, "firstlight: warning: old file\n")


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert start("--version").stdout == f"firstlight {version('firstlight')}\n"
