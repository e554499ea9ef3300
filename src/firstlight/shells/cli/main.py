"""The entry point `firstlight`: runs a verb and turns every way to end into a line and a code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from firstlight.core.errors import FirstlightError
from firstlight.models.backend import hurry
from firstlight.shells.cli.answer import write_document
from firstlight.shells.cli.streams import outlive_readers

INTERRUPTED = 130


@dataclass(frozen=True)
class Failure:
    """Why a verb did not end well: the error's kind, one line for the user, the exit code."""

    kind: str
    message: str
    exit_code: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `firstlight` with these arguments (default: the process's) and exit with its code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    outlive_readers()
    warnings.showwarning = _show_warning
    hurry()
    sys.exit(run(list(arguments)))


def run(arguments: list[str]) -> int:
    """Run `firstlight` with these arguments and return the exit code.

    An error becomes one line on stderr and, with `--json`, the document
    `{"error": {"kind", "message"}}` on stdout. `--debug` shows its traceback instead of hiding it.
    """
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    try:
        from firstlight.shells.cli.verbs import app

        code = app(arguments or ["--help"], prog_name="firstlight", standalone_mode=False) or 0
        if code == INTERRUPTED:  # what Typer makes of a KeyboardInterrupt
            raise KeyboardInterrupt
        return int(code)
    except KeyboardInterrupt:
        failure = Failure("KeyboardInterrupt", "interrupted.", INTERRUPTED)
    except Exception as error:
        if "--debug" in options:
            import traceback

            traceback.print_exc()
        failure = _failure(error)
    print(f"firstlight: {failure.message}", file=sys.stderr)
    if "--json" in options:
        write_document({"error": {"kind": failure.kind, "message": failure.message}})
    return failure.exit_code


def _failure(error: Exception) -> Failure:
    """What to tell the user about an error."""
    kind, message = type(error).__name__, _one_line(str(error))
    if isinstance(error, FirstlightError):
        return Failure(kind, message, error.exit_code)
    if isinstance(error, typer.TyperException):
        return Failure(kind, _usage_line(error), error.exit_code)
    if isinstance(error, MemoryError):
        return Failure(
            kind, "the memory ran out: try a smaller --batch-size, --size or part of the data.", 1
        )
    if isinstance(error, OSError) and error.filename is not None:
        path, reason = _one_line(str(error.filename)), error.strerror or kind
        return Failure(
            kind, f"{path} cannot be read or written ({reason}): check the path and its rights.", 2
        )
    return Failure(
        kind,
        f"this is firstlight's own fault, not yours ({kind}: {message}). Run again with --debug "
        "to see where it happened, and report it.",
        1,
    )


def _usage_line(error: typer.TyperException) -> str:
    """What is wrong with the command line, and where its options are listed."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "firstlight"
    message = _one_line(error.format_message()).rstrip(".")
    return f"{message}{'' if message.endswith('?') else '.'} See `{command} --help`."


def _one_line(text: str) -> str:
    """A message without line breaks and control characters."""
    from firstlight.shells.cli.text import clean

    return clean(" ".join(text.split()))


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A library's warning as one line, without the place in the code that users cannot change."""
    print(f"firstlight: warning: {_one_line(str(message))}", file=sys.stderr)
