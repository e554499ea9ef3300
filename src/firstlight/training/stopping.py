"""Ctrl+C, SIGTERM and SIGHUP: finish the step, save, then leave with the signal's own exit code."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from firstlight.core.errors import FirstlightError


class InterruptedRunError(FirstlightError):
    """A run was asked to stop and has saved its state."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


# SIGHUP comes when the terminal is closed or the connection to it breaks; Windows has none.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class StopSignals:
    """Within a `with` block, SIGINT, SIGTERM and SIGHUP set `received` instead of ending the run.

    A second SIGINT ends it at once, as people expect. A signal that the process was started to
    ignore (by `nohup`, or as a script's background job) stays ignored. Outside of the main
    thread Python delivers no signals, so nothing is changed there.

    Attributes:
        received: the first signal that came, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        # One that came after the block looked for the last time must not get lost.
        if kind is None and self.received is not None:
            signal.raise_signal(self.received)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = self.received or number
