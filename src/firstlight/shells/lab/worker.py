"""The processes that work for the lab: `python -m firstlight.shells.lab.worker ROLE`.

Files that nobody vouches for are decoded here, and NumPy, Keras and matplotlib are loaded here:
what goes wrong or takes long hurts no page. Tasks come as JSON lines on standard input, answers
go back as JSON lines; before an answer may come lines that tell how far it is.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Protocol, TextIO

import msgspec

from firstlight.core.errors import FirstlightError
from firstlight.core.telling import Listener


class Worker(Protocol):
    """Who does the tasks of one process."""

    def perform(self, task: dict[str, Any]) -> dict[str, Any]:
        """The answer to one task.

        Raises:
            FirstlightError: it cannot be done.
        """


def worker_of(role: str, tell: Listener) -> Worker:
    """The worker for `data`, `rate` or `run`; `tell` takes what happens while it works."""
    if role == "data":
        from firstlight.shells.lab.data_worker import DataWorker

        return DataWorker(tell)
    if role == "rate":
        from firstlight.shells.lab.rate_worker import RateWorker

        return RateWorker(tell)
    from firstlight.shells.lab.run_worker import RunWorker

    return RunWorker(tell)


def main(role: str) -> None:
    """Do the tasks on standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    # What a library prints is no answer.
    os.dup2(2, 1)
    worker = worker_of(role, lambda event: _write(answers, {"told": event}))
    for line in sys.stdin:
        try:
            answer = worker.perform(msgspec.json.decode(line))
        except FirstlightError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": "The memory ran out: choose fewer or smaller images (size)."}
        except Exception as error:
            answer = {"error": f"This failed: {type(error).__name__}: {error}"}
        _write(answers, answer)


def _write(answers: TextIO, answer: dict[str, Any]) -> None:
    encoded = msgspec.json.encode(answer, enc_hook=str)
    answers.write(encoded.decode() + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
