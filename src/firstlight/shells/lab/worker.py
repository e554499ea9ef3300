"""The process that reads data for the lab: `python -m firstlight.shells.lab.worker`.

Files that nobody vouches for are decoded here, and NumPy, pandas and matplotlib are loaded here:
what goes wrong or takes long hurts no page. Tasks come as JSON lines on standard input, answers
go back as JSON lines.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace
from typing import Any, TextIO

import msgspec

from firstlight.core.dataset import Dataset
from firstlight.core.errors import FirstlightError

MOST_LISTED = 200


class Reader:
    """Does the tasks of one source: first `read`, then any number of `samples`."""

    def __init__(self) -> None:
        self._dataset: Dataset | None = None

    def perform(self, task: dict[str, Any]) -> dict[str, Any]:
        """The answer to one task.

        Raises:
            FirstlightError: it cannot be done.
        """
        return self._read(**task["read"]) if "read" in task else self._samples(task["samples"])

    def _read(self, source: str, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
        from firstlight import api

        self._dataset = api.load(source, seed=seed, **settings)
        found = api.explore(self._dataset)
        listed = replace(found, refused=found.refused[:MOST_LISTED])
        return {"exploration": listed, "refused": len(found.refused)}

    def _samples(self, asked: dict[str, Any]) -> dict[str, Any]:
        from firstlight.api.browsing import sheet

        assert self._dataset is not None
        return asdict(sheet(self._dataset, **asked))


def main() -> None:
    """Do the tasks on standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    # What a library prints is no answer.
    os.dup2(2, 1)
    reader = Reader()
    for line in sys.stdin:
        try:
            answer = reader.perform(msgspec.json.decode(line))
        except FirstlightError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": "The memory ran out: choose fewer or smaller images (size)."}
        except Exception as error:
            answer = {"error": f"Reading failed: {type(error).__name__}: {error}"}
        _write(answers, answer)


def _write(answers: TextIO, answer: dict[str, Any]) -> None:
    encoded = msgspec.json.encode(answer, enc_hook=str)
    answers.write(encoded.decode() + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
