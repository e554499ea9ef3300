"""What a verb answers, and how the answer leaves: as a screen, or as one JSON document."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Answer:
    """What one verb has to say.

    Attributes:
        document: the answer for a program, made plain by `plain` before it is written.
        show: writes the answer for a person.
        exit_code: what the process ends with.
    """

    document: object
    show: Callable[[Console], None]
    exit_code: int = 0


def give(work: Callable[[], Answer], as_json: bool) -> None:
    """Do the work of a verb and give its answer on stdout.

    With `as_json`, stdout holds nothing but the document: whatever the work prints goes to
    stderr.
    """
    if as_json:
        with prints_to_stderr():
            answer = work()
        write_document(answer.document)
    else:
        from firstlight.shells.cli.terminal import make_console

        answer = work()
        answer.show(make_console())
    if answer.exit_code:
        raise typer.Exit(answer.exit_code)


def prints_to_stderr() -> contextlib.AbstractContextManager[object]:
    """Keeps stdout free for the answer: what libraries and `net.py` print goes to stderr."""
    return contextlib.redirect_stdout(sys.stderr)


def write_document(document: object) -> None:
    """Write one JSON document to stdout. It is ASCII, so it survives every terminal and pipe."""
    print(document_text(document), flush=True)


def document_text(document: object) -> str:
    """The JSON text of a record."""
    from firstlight.shells.cli.plain import plain

    return json.dumps(plain(document), indent=2, allow_nan=False)
