"""Finding and opening files that nobody vouches for: no links out, no pipes, no devices."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from firstlight.core.dataset import Refused
from firstlight.core.errors import DataError

LARGEST_FILE = 1 << 30  # bytes; far above any single image, far below what stops a computer


def shown(text: object) -> str:
    r"""`text` with every character that does not print escaped.

    File names may hold line breaks or terminal commands; neither reaches the screen.

    Example:
        >>> print(shown("a\x1b[2Jb\n.png"))
        a\x1b[2Jb\n.png
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text)
    )


def is_inside(path: Path, root: Path) -> bool:
    """Whether `path`, with all links followed, lies below `root`."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def list_files(root: Path) -> tuple[list[Path], list[Refused]]:
    """All files below a folder, sorted, and what was left out.

    Hidden files and folders are passed over without a word. Pipes, devices, sockets and
    links that lead out of the folder are refused. A link to a folder inside is followed
    where that folder is not read anyway.
    """
    files: list[Path] = []
    refused: list[Refused] = []
    walked: set[str] = set()
    waiting: list[Path] = [root]
    linked: list[Path] = []
    while waiting or linked:
        # Real folders come first, so that a link never takes the place of what it points to.
        folder = waiting.pop() if waiting else linked.pop(0)
        place = os.path.realpath(folder)
        if place in walked:
            refused.append(_refusal(folder, root, "is a link to a folder that is read already"))
            continue
        walked.add(place)
        try:
            entries = sorted(entry for entry in folder.iterdir() if entry.name[:1] != ".")
        except OSError as error:
            refused.append(_refusal(folder, root, f"cannot be opened: {error.strerror}"))
            continue
        for entry in entries:
            reason = _why_not(entry, root)
            if reason:
                refused.append(_refusal(entry, root, reason))
            elif not entry.is_dir():
                files.append(entry)
            elif entry.is_symlink():
                linked.append(entry)
            else:
                waiting.append(entry)
    return sorted(files), sorted(refused, key=lambda item: item.file)


def _refusal(path: Path, root: Path, reason: str) -> Refused:
    return Refused(shown(path.relative_to(root)), reason)


def _why_not(entry: Path, root: Path) -> str | None:
    """Why an entry of a folder is not read, or None where it is a file or a folder inside."""
    try:
        if entry.is_symlink() and not is_inside(entry, root):
            return "is a link that leads out of the folder"
        mode = entry.stat().st_mode
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
        return None
    return "is a pipe, a device or a socket and no file"


def read_bytes(path: Path) -> bytes:
    """The content of a regular file.

    Raises:
        DataError: if it is no regular file, cannot be opened, is empty or over 1 GiB.
    """
    try:
        # The type is asked for before opening, since opening a device can already act, and
        # again afterwards; O_NONBLOCK keeps a pipe that came in between from blocking.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise DataError("is a pipe, a device or a socket and no file")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb", buffering=0) as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise DataError("is a pipe, a device or a socket and no file")
            if status.st_size == 0:
                raise DataError("is empty")
            if status.st_size > LARGEST_FILE:
                raise DataError("is larger than 1 GiB")
            return file.readall()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be opened: {getattr(error, 'strerror', error)}") from error


def require_file(path: Path) -> None:
    """Raise DataError where `path`, named by the user, is no regular file that can be read."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise DataError(
            f"The file {shown(path)} cannot be opened ({getattr(error, 'strerror', error)}): "
            "check its name and its permissions."
        ) from error
    if not stat.S_ISREG(mode):
        raise DataError(f"A file was expected, but {shown(path)} is none: name a regular file.")


def subfolders(root: Path) -> Iterator[Path]:
    """The folders directly below `root` that are not hidden, sorted."""
    for entry in sorted(root.iterdir()):
        if not entry.name.startswith(".") and entry.is_dir() and is_inside(entry, root):
            yield entry
