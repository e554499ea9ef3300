"""Signals: the state is saved, the exit code says which one it was, and the run goes on."""

import os
import pty
import random
import signal
import time

import pytest
from faults import Fault, heed_signals

pytestmark = pytest.mark.slow
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.tries(few=1, all=4)
@pytest.mark.parametrize("number", SIGNALS)
def test_in_training_the_state_is_saved_at_once(place, tally, attempt, number):
    case, name = f"{number.name} in training", f"{number.name}-{attempt}"
    tally.add(case, tries=1)
    process = place.start(place.train(name))
    place.wait_for_event(name, "step", process, random.Random(name).randrange(6))
    process.send(number)
    code, printed = process.end()
    assert code == 128 + number, printed
    assert f"and saved: go on with --resume {name}." in printed
    last = max(event["step"] for event in place.events(name) if event["kind"] == "step")
    assert place.newest(name) >= last
    assert place.events(name)[-1]["kind"] == "end"
    place.check_going_on(tally, case, name)


@pytest.mark.tries(few=1, all=4)
def test_before_training_it_ends_at_once(place, tally, attempt):
    number = SIGNALS[attempt % 3]
    case, name = "a signal during the imports", f"early-{attempt}"
    tally.add(case, tries=1)
    process = place.start_anew(place.train(name))
    time.sleep(random.Random(attempt).uniform(0.2, 1.5))
    process.send_signal(number)
    _, printed = process.communicate()
    assert process.returncode in (-number, 128 + number), printed.decode()
    assert not (place.runs / name / "report.json").exists()
    place.check_going_on(tally, case, name)


@pytest.mark.tries(few=1, all=4)
def test_after_training_nothing_trained_is_lost(place, tally, attempt):
    number = SIGNALS[attempt % 3]
    file = ("curves.png", "predictions.npz", "model.keras", "report.html")[attempt]
    case, name = "a signal during test and report", f"late-{attempt}"
    tally.add(case, tries=1)
    fault = Fault(file, "open", signals=(number,))
    code, printed = place.start(place.train(name), fault).end()
    assert code in (-number, 128 + number), printed
    steps = place.events(name)[0]["steps"]
    assert place.newest(name) == steps
    place.check_going_on(tally, case, name, steps)


@pytest.mark.tries(few=1, all=3)
def test_a_second_ctrl_c_ends_a_save_too(place, tally, attempt):
    case, name = "a second SIGINT, inside a save", f"second-{attempt}"
    tally.add(case, tries=1)
    call = ("fsync", "write", "replace")[attempt]
    fault = Fault("step-", call, 3, signals=(signal.SIGINT, signal.SIGINT), seed=attempt)
    code, printed = place.start(place.train(name), fault).end()
    assert code == 128 + signal.SIGINT, printed
    place.check_going_on(tally, case, name)


def test_a_terminal_that_is_closed_is_like_ctrl_c(place, tally):
    case, name = "the terminal is closed", "closed"
    tally.add(case, tries=1)
    child, terminal = pty.fork()
    if child == 0:
        heed_signals()
        os.chdir(place.folder)
        os.execv(place.program[0], [*place.program, *place.train(name)])
    while place.count(name, "epoch") < 2:
        os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    newest = place.newest(name)
    assert newest > 0
    place.check_going_on(tally, case, name, newest)


def test_under_nohup_a_closed_terminal_is_nothing(place, tally):
    case, name = "SIGHUP under nohup", "nohup"
    tally.add(case, tries=1)
    process = place.start_anew(
        place.train(name), preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    while place.count(name, "epoch") < 2 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    _, printed = process.communicate()
    assert process.returncode == 0, printed.decode()
    place.check_same(name)
    tally.add(case, went_on=1, identical=1)
