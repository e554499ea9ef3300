"""Which files the lab may reach: below the folder where it was started, and what was uploaded."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from firstlight.core.errors import DataError
from firstlight.core.files import write_error
from firstlight.core.run_folder import NAME
from firstlight.shells.lab.choices import BUILTINS, UPLOAD_BYTES, UPLOAD_FILES
from firstlight.shells.lab.messages.data import Entry, Source
from firstlight.shells.lab.own_folder import OwnFolder

MOST_ENTRIES = 500
# The endings of files that can be data by themselves.
DATA_FILES = re.compile(
    r".*\.(npz|npy|csv|parquet|h5|hdf5|fits|fits\.gz|fit|tif|tiff|zarr)", re.IGNORECASE
)
# A part of an uploaded file's path: no separators, no control characters, not hidden.
PART = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,120}")
DEEPEST = 6
MOST_TRIED = 16  # uploads that are not kept


@dataclass(frozen=True)
class Places:
    """The folders of a lab.

    Attributes:
        folder: where it was started, resolved: what can be chosen lies below.
        uploads: where uploads go that are data to train on.
        tried: where images go that a network is asked about.
        latest: the uploads that are there, the last one last.
    """

    folder: Path
    uploads: Path
    tried: OwnFolder
    latest: list[str] = field(default_factory=list)

    def below(self, path: str) -> Path:
        """The file or folder of that path, where it lies below the lab's folder.

        Raises:
            DataError: it does not, or is hidden, or there is none.
        """
        place = Path(os.path.realpath(self.folder / path)) if "\0" not in path else Path("/")
        parts = Path(path).parts
        hidden = any(part.startswith(".") for part in parts if part != ".")
        if Path(path).is_absolute() or hidden or not place.is_relative_to(self.folder):
            raise DataError(
                f"a path below {self.folder} was expected, but {path!r} came: start the lab in a "
                "folder above your images."
            )
        if not place.exists():
            raise DataError(f"there is no {path!r} below {self.folder}: choose another path.")
        return place

    def data(self, source: Source) -> str:
        """The source as `firstlight train` takes it: a built-in name or a whole path.

        Raises:
            DataError: there is no such source.
        """
        if source.place == "path":
            return str(self.below(source.name))
        if source.place == "upload":
            return str(_whole_upload(_upload(source.name, self.uploads)))
        if source.name not in BUILTINS:
            raise DataError(
                f"{source.name!r} is not built in: choose one of {', '.join(BUILTINS)}."
            )
        return source.name

    def listing(self, path: str) -> tuple[tuple[Entry, ...], int]:
        """What can be chosen in a folder, folders first, and how many entries are left out.

        Raises:
            DataError: it does not lie below the lab's folder, or is none.
        """
        folder = self.below(path)
        found = []
        try:
            for entry in os.scandir(folder):
                # What cannot be shown cannot be chosen; links may lead anywhere.
                if entry.name.startswith(".") or entry.is_symlink() or not entry.name.isprintable():
                    continue
                if entry.is_dir():
                    found.append(Entry(name=entry.name, folder=True))
                elif entry.is_file() and DATA_FILES.fullmatch(entry.name):
                    found.append(Entry(name=entry.name, folder=False))
        except OSError as error:
            raise DataError(f"{path!r} cannot be opened: {error.strerror}.") from error
        found.sort(key=lambda entry: (not entry.folder, entry.name.lower()))
        return tuple(found[:MOST_ENTRIES]), max(0, len(found) - MOST_ENTRIES)

    def new_upload(self, name: str, keep: bool = True) -> str:
        """Make a folder for an upload, which is called like it.

        Args:
            name: what it may be called.
            keep: whether it is data to train on; else only the latest stay.

        Returns:
            What it is called: `name` with a number where that is taken, or with letters that no
            other upload has where it is not kept.

        Raises:
            DataError: it would be reached through a link.
            WriteError: it cannot be made.
        """
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")[:40] or "upload"
        if not keep:
            called = f"{stem}-{secrets.token_hex(4)}"
            self.tried.make(called)
            self.latest.append(called)
            if len(self.latest) > MOST_TRIED:
                self.tried.remove(self.latest.pop(0))
            return called
        number = 0
        while True:
            number += 1
            called = stem if number == 1 else f"{stem}-{number}"
            try:
                (self.uploads / called).mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise write_error(self.uploads / called, error) from error
            return called

    def tried_upload(self, name: str) -> Path:
        """The folder of images that a network is asked about.

        Raises:
            DataError: there is none of that name.
        """
        return _upload(name, self.tried.path)

    def upload_file(self, upload: str, path: str) -> Path:
        """Where a file of an upload is written; its folder is made.

        Raises:
            DataError: the name or the path is not allowed, or the upload is full.
            WriteError: its folder cannot be made.
        """
        folder = _upload(upload, self.uploads, self.tried.path)
        parts = path.split("/")
        if len(parts) > DEEPEST or not all(map(PART.fullmatch, parts)):
            raise DataError(f"{path!r} cannot be the name of an uploaded file: rename it.")
        sizes = list(_sizes(folder))
        if len(sizes) >= UPLOAD_FILES or sum(sizes) >= UPLOAD_BYTES:
            raise DataError(
                f"an upload holds at most {UPLOAD_FILES:,} files and {UPLOAD_BYTES >> 20} MB: put "
                f"larger data below {self.folder} and choose them there."
            )
        target = folder.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(target, error) from error
        if not Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder)):
            raise DataError(f"{path!r} leads out of the upload: rename it.")
        return target


def _upload(name: str, *places: Path) -> Path:
    """The folder of an upload in one of these places.

    Raises:
        DataError: there is none of that name.
    """
    for place in places if NAME.fullmatch(name) else ():
        if not (place / name).is_symlink() and (place / name).is_dir():
            return place / name
    raise DataError(f"there is no upload called {name!r}: upload it again.")


def _whole_upload(folder: Path) -> Path:
    """An upload as a source: its only file, where it is one that can be data by itself."""
    entries = [entry for entry in folder.iterdir() if not entry.is_symlink()]
    if len(entries) == 1 and DATA_FILES.fullmatch(entries[0].name):
        return entries[0]
    # A folder that was dropped brings its own name along.
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def _sizes(folder: Path) -> Iterator[int]:
    """The sizes of all files below a folder, in which other requests write at the same time."""
    for entry in folder.rglob("*"):
        # A part that has just been renamed is counted under its name, or not yet.
        with suppress(FileNotFoundError):
            status = entry.lstat()
            if stat.S_ISREG(status.st_mode):
                yield status.st_size


def open_part(target: Path) -> tuple[Path, BinaryIO]:
    """A new file beside `target` to be filled and then renamed."""
    part = target.parent / f".{secrets.token_hex(6)}.part"
    return part, part.open("xb")
