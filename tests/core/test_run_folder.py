import json
import os
import subprocess
import sys

import pytest

from firstlight.core import run_folder
from firstlight.core.errors import RunError, WriteError
from firstlight.core.events import EventLog, history, read_events
from firstlight.core.files import write_error
from firstlight.core.run_folder import create_run, find_run


def test_a_new_run_holds_its_information_and_a_place_for_checkpoints(tmp_path):
    run = create_run(tmp_path / "runs", "first", "other", {"seed": 3})
    assert run.path == tmp_path / "runs" / "first"
    assert json.loads((run.path / "run.json").read_text()) == {"name": "first", "seed": 3}
    assert run.checkpoints.is_dir()
    assert [entry.name for entry in (tmp_path / "runs").iterdir()] == ["first"]


def test_names_made_from_data_and_model_are_numbered_and_clean(tmp_path):
    names = [create_run(tmp_path, None, "my data/net", {}).name for _ in range(3)]
    assert names == ["my-data-net", "my-data-net-2", "my-data-net-3"]
    assert create_run(tmp_path, None, "../../.ssh", {}).name == "ssh"
    assert create_run(tmp_path, None, "数字", {}).name == "run"


def test_a_name_in_use_is_refused(tmp_path):
    create_run(tmp_path, "one", "", {})
    with pytest.raises(RunError, match="--resume one"):
        create_run(tmp_path, "one", "", {})


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "x" * 65, "a\nb", "-n", "a b"])
def test_names_that_could_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(RunError, match="letters, digits"):
        create_run(tmp_path, name, "", {})


def test_a_link_out_of_the_root_is_no_run(tmp_path):
    outside = create_run(tmp_path / "elsewhere", "run", "", {})
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(outside.path)
    with pytest.raises(RunError, match="link to a place outside"):
        find_run("link", tmp_path / "runs")


@pytest.mark.parametrize("inside", ["events.jsonl", "checkpoints", "checkpoints/step-1.ckpt"])
def test_a_run_with_a_link_inside_is_refused(tmp_path, inside):
    run = create_run(tmp_path / "runs", "one", "", {})
    place = run.path / inside
    if place.is_dir():
        place.rmdir()
    (tmp_path / "outside").mkdir()
    place.symlink_to(tmp_path / "outside")
    with pytest.raises(RunError, match=f"run one holds a link, {inside}"):
        find_run("one", tmp_path / "runs")


@pytest.mark.parametrize("text", ["", "[]", "3", '{"seed": 3}', '{"a": ' * 100_000])
def test_a_damaged_run_file_is_named(tmp_path, text):
    run = create_run(tmp_path, "one", "", {})
    (run.path / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run\.json of run one is damaged"):
        run.information()


def test_a_name_taken_at_the_same_moment_gets_the_next_number(tmp_path, monkeypatch):
    make = run_folder._make

    def taken(path, information):
        if path.name == "run":
            make(path, {})
            raise OSError(39, "Directory not empty")
        make(path, information)

    monkeypatch.setattr(run_folder, "_make", taken)
    assert create_run(tmp_path, None, "run", {}).name == "run-2"


def test_a_chosen_name_taken_at_the_same_moment_is_refused(tmp_path, monkeypatch):
    def taken(path, information):
        path.mkdir()
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr(run_folder, "_make", taken)
    with pytest.raises(RunError, match="a run called one exists"):
        create_run(tmp_path, "one", "", {})


def test_a_run_is_found_by_name_and_by_path(tmp_path):
    run = create_run(tmp_path, "one", "", {})
    assert find_run("one", tmp_path).path == run.path
    assert find_run(str(run.path) + "/", tmp_path / "nowhere").path == run.path


def test_a_missing_run_is_named_with_those_that_there_are(tmp_path):
    create_run(tmp_path, "one", "", {})
    with pytest.raises(RunError, match=r"no run called two in .*: there are one\."):
        find_run("two", tmp_path)
    with pytest.raises(RunError, match=r"did you mean one\?"):
        find_run("ones", tmp_path)
    with pytest.raises(RunError, match="there are no runs yet"):
        find_run("two", tmp_path / "nowhere")


HOLD = """
import sys
from pathlib import Path
from firstlight.core.files import write_error
from firstlight.core.run_folder import find_run
with find_run(sys.argv[1], Path(".")).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path):
    run = create_run(tmp_path, "one", "", {})
    command = [sys.executable, "-c", HOLD, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match=f"by process {holder.pid} "), run.lock():
            pass
        holder.kill()
    with run.lock():
        assert json.loads((run.path / "writer.json").read_text())["process"] == os.getpid()
    assert not (run.path / "writer.json").exists()


def test_a_file_of_the_run_that_cannot_be_written_says_how_to_go_on(tmp_path):
    run = create_run(tmp_path, "one", "", {})
    words = r"model\.keras cannot .* First make room\. Then go on with --resume one\."
    with pytest.raises(WriteError, match=words), run.lock():
        raise write_error(run.model, OSError(28, "No space left on device"))
    with run.lock():
        pass


def test_a_lock_that_cannot_be_made_is_named(tmp_path):
    run = create_run(tmp_path, "one", "", {})
    (run.path / "lock").mkdir()
    with pytest.raises(WriteError, match=r"one/lock cannot be written"), run.lock():
        pass


def test_unmade_runs_of_killed_processes_are_swept_after_an_hour(tmp_path):
    fresh, old, other = ".one.0123abcd", ".two.0123abcd", ".git"
    for name in (fresh, old, other):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
    for name in (old, other):
        os.utime(tmp_path / name, (0, 0))
    create_run(tmp_path, "three", "", {})
    assert {entry.name for entry in tmp_path.iterdir()} == {fresh, other, "three"}


def test_events_are_numbered_across_processes_and_heard(tmp_path):
    path, heard = tmp_path / "events.jsonl", []
    for kind in ("start", "end"):
        log = EventLog(path, heard.append)
        log.add(kind, value=1.5)
        log.close()
    assert [(event["number"], event["kind"]) for event in read_events(path)] == [
        (1, "start"),
        (2, "end"),
    ]
    assert heard == read_events(path)
    assert read_events(path, after=1) == heard[1:]


def test_a_torn_last_line_is_no_event_and_nothing_is_glued_to_it(tmp_path):
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.add("epoch", epoch=1)
    log.close()
    with path.open("a") as stream:
        stream.write('{"number": 2, "kind": "epo')
    assert len(read_events(path)) == 1
    log = EventLog(path)
    log.add("epoch", epoch=2)
    log.close()
    assert [event["number"] for event in read_events(path)] == [1, 2]


@pytest.mark.parametrize("damage", [bytes(40), b"\xff\xfe half", b"[1]", b'{"number": 2}'])
def test_a_damaged_line_is_no_event_and_the_others_stay(tmp_path, damage):
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b'{"number": 1, "kind": "start"}\n' + damage + b'\n{"number": 3, "kind": "end"}\n'
    )
    assert [event["number"] for event in read_events(path)] == [1, 3]
    log = EventLog(path)
    log.add("start")
    log.close()
    assert read_events(path)[-1]["number"] == 4


def test_a_full_disk_is_named_and_the_end_still_reaches_the_listener(tmp_path, monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    heard = []
    log = EventLog(tmp_path / "events.jsonl", heard.append)
    log.close()
    monkeypatch.setattr(log, "_file", Full())
    with pytest.raises(WriteError, match=r"events\.jsonl cannot be written: the disk is full"):
        log.add("epoch", epoch=1)
    log.add("end", state="stopped")
    assert [event["kind"] for event in heard] == ["end"]


def test_a_line_that_the_system_takes_in_pieces_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    whole = log._file

    class Slow:
        def write(self, data):
            return whole.write(data[:7])

    monkeypatch.setattr(log, "_file", Slow())
    log.add("epoch", epoch=1)
    assert [event["epoch"] for event in read_events(path)] == [1]
    whole.close()


def test_steps_come_at_most_ten_times_a_second(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    moments = iter([0.0, 0.05, 0.0999, 0.1, 0.15, 0.2])
    monkeypatch.setattr("firstlight.core.events.time.time", lambda: next(moments))
    for step in range(6):
        log.add("step", step=step)
    log.close()
    assert [event["step"] for event in read_events(path)] == [0, 3, 5]


def test_history_takes_the_last_of_an_epoch_that_ran_twice():
    events = [
        {"kind": "epoch", "epoch": 1, "loss": 3},
        {"kind": "epoch", "epoch": 2, "loss": 2},
        {"kind": "state", "state": "resumed"},
        {"kind": "epoch", "epoch": 2, "loss": 1},
    ]
    assert [event["loss"] for event in history(events)] == [3, 1]
