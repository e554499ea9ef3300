"""Where firstlight keeps what it can make again: a folder of the user's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from firstlight.core.errors import DataError

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path:
    """The folder `firstlight` in the user's cache, which may not be there yet."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    # A relative one is to be ignored (XDG Base Directory Specification).
    cache = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
    return cache / "firstlight"


def make_own_folder(folder: Path, below: Path, option: str) -> None:
    """Make a folder, and those above it from `below` on, that nobody else can write.

    Args:
        folder: what is to be there.
        below: `folder` itself or one above it; what lies above this one is only made.
        option: names another place, for messages.

    Raises:
        DataError: it cannot be made, or others could write there.
    """
    places = [below]
    for part in folder.relative_to(below).parts:
        places.append(places[-1] / part)
    try:
        below.parent.mkdir(parents=True, exist_ok=True)
        for place in places:
            place.mkdir(mode=0o700, exist_ok=True)
            _require_own(place, option)
    except OSError as error:
        raise DataError(
            f"A folder was to be made at {folder}, but that fails ({error.strerror}): name another "
            f"with {option}."
        ) from error


def _require_own(folder: Path, option: str) -> None:
    known = folder.lstat()
    own = not hasattr(os, "geteuid") or known.st_uid == os.geteuid()
    if not stat.S_ISDIR(known.st_mode) or not own or known.st_mode & OTHERS_MAY_WRITE:
        raise DataError(
            f"A folder that only you can write was expected at {folder}, but it is a link or "
            f"others can write there, too: take it away, or name another with {option}."
        )
