"""Standard output and standard error that outlive their reader."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TextIO


class _Unread(io.FileIO):
    """A stream that goes nowhere from the moment on that its reader has left.

    `firstlight train ... | head -1` closes the pipe after one line. Python would raise
    BrokenPipeError at the next one and end a training that may have run for hours. A closed
    terminal answers with an input/output error.
    """

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data)  # type: ignore[arg-type]


def outlive_readers() -> None:
    """Let stdout and stderr of this process fall silent when nobody reads them any more.

    A file name that their encoding lacks is spelled out instead of being fatal.
    """
    sys.stdout, sys.stderr = _outliving(sys.stdout), _outliving(sys.stderr)


def _outliving(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):  # None without a console, or a notebook's own
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Unread(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering or stream.write_through,
    )
