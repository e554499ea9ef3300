"""Ctrl+C and SIGTERM: finish the step, save, then leave with the signal's own exit code."""

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


class StopSignals:
    """Within a `with` block, SIGINT and SIGTERM set `received` instead of ending the process.

    A second SIGINT ends it at once, as people expect. Outside of the main thread Python
    delivers no signals, so nothing is changed there.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
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

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
