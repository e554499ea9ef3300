import os
import signal

import pytest

from firstlight.training.stopping import StopSignals


@pytest.fixture(autouse=True)
def restored():
    before = {number: signal.getsignal(number) for number in (1, 2, 15)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def leave_after(*numbers):
    """Send these signals to this process, then fail."""
    for number in numbers:
        os.kill(os.getpid(), number)
    raise ValueError("left")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_noted_and_the_handlers_come_back(number):
    before = signal.getsignal(number)
    signals = StopSignals()
    with pytest.raises(ValueError, match="left"), signals:
        leave_after(number, signal.SIGTERM)
    assert signals.received == number
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_ends_at_once():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), StopSignals():
        leave_after(signal.SIGINT, signal.SIGINT)


def test_what_the_process_was_told_to_ignore_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.received is None


def test_a_signal_that_came_after_the_last_look_is_not_lost():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), StopSignals():
        os.kill(os.getpid(), signal.SIGINT)
