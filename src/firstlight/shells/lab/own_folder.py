"""Files that a lab has for as long as it runs: in a folder of its own, taken away at its end."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path

from firstlight.core.errors import DataError
from firstlight.core.files import write_error

KEPT = 86_400  # seconds after which files that a lab has left behind are taken away
MADE = re.compile("[0-9a-f]{16}")


class OwnFolder:
    """A folder that nobody else has made anything in, or can read.

    Args:
        parent: where all labs of a folder of runs have theirs.

    Attributes:
        path: the folder; it may not exist yet.
    """

    def __init__(self, parent: Path) -> None:
        self.path = parent / secrets.token_hex(8)

    def make(self, *parts: str) -> Path:
        """An empty folder in it.

        Raises:
            DataError: it is reached through a link.
            WriteError: it cannot be made.
        """
        folder = self.path.joinpath(*parts)
        _require_no_link(folder)
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise write_error(folder, error) from error
        return folder

    def remove(self, *parts: str) -> None:
        """Take it away, or a folder in it."""
        folder = self.path.joinpath(*parts)
        with contextlib.suppress(DataError):
            _require_no_link(folder)
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Take away what labs have left behind, long ago, that could not close."""
        with contextlib.suppress(OSError, DataError):
            _require_no_link(self.path.parent)
            for left in self.path.parent.iterdir():
                old = time.time() - left.lstat().st_mtime > KEPT
                if old and MADE.fullmatch(left.name):
                    shutil.rmtree(left, ignore_errors=True)  # leaves links alone


def _require_no_link(folder: Path) -> None:
    """The folder of runs may come from a stranger, and lead elsewhere.

    Raises:
        DataError: it does.
    """
    if Path(os.path.realpath(folder)) != folder:
        raise DataError(f"{folder} is reached through a link: take the link away.")
