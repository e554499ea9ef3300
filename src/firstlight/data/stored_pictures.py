"""Picture files into shards on disk, for those that do not fit into memory."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.core.dataset import Refused
from firstlight.core.errors import DataError
from firstlight.core.files import write_json
from firstlight.core.processes import perform_all
from firstlight.core.settings import DataSettings
from firstlight.core.telling import tell
from firstlight.data.converting import Conversion, convert
from firstlight.data.fits import ENDINGS as FITS_ENDINGS
from firstlight.data.fits import is_fits
from firstlight.data.options import refuse_hdu
from firstlight.data.paths import read_bytes
from firstlight.data.picture import Head
from firstlight.data.shard_worker import WORKER
from firstlight.data.shards import (
    FORMAT,
    Manifest,
    key_of,
    locked_folder,
    open_shards,
    reading_of,
    whole_manifest,
    write_manifest,
)
from firstlight.data.stack import (
    Decoded,
    Stack,
    notes_on,
    of_one_kind,
    picture_shape,
    read_stack,
)

HEADS = "heads.json"
AT_ONCE = 1000  # files whose heads one process reads before it answers


def _is_fits_file(path: Path) -> bool:
    if path.name.lower().endswith(FITS_ENDINGS):
        return True
    with suppress(DataError):
        return is_fits(read_bytes(path))
    return False


def read_pictures(files: Sequence[Path], names: Sequence[str], settings: DataSettings) -> Stack:
    """Picture files as one array in memory or, with `settings.memory`, on disk.

    On disk they are looked for first: files that were brought there before and have not changed
    since are neither opened nor decoded again.

    Args:
        files: where the pictures are.
        names: what each file is called in `refused`, as many as `files`.
        settings: `shards.READING`, `memory` and `shards` count.

    Returns:
        As `read_stack`.

    Raises:
        DataError: if the images would not fit into memory, or not onto the disk.
        SettingError: if `settings.hdu` is given and none of the files is FITS.
    """
    if settings.hdu is not None and not any(map(_is_fits_file, files)):
        refuse_hdu(settings, f"none of these {len(files):,} files is one")
    if settings.memory is None:
        return read_stack(files, names, settings)
    key = key_of(files, settings)
    with locked_folder(settings, key) as folder:
        manifest, notes = whole_manifest(folder, key)
        manifest = manifest or _make_shards(folder, key, files, settings)
        if manifest is None:
            # No picture can be read, so nothing has to fit: the reasons are all there is.
            return read_stack(files, names, settings)
        images, kept, note = open_shards(folder, manifest, settings)
    about = manifest.about
    return Stack(
        images,
        kept,
        tuple(((height, width), count) for height, width, count in about["sizes"]),
        tuple(Refused(names[k], reason) for k, reason in about["refused"]),
        (*about["notes"], *notes, note),
    )


def _make_shards(
    folder: Path, key: str, files: Sequence[Path], settings: DataSettings
) -> Manifest | None:
    """Decode the pictures into shards; None where not one can be read."""
    found = _heads(folder, files, settings)
    heads = {k: head for k, head in enumerate(found) if isinstance(head, Head)}
    refused = {k: reason for k, reason in enumerate(found) if isinstance(reason, str)}
    heads, others = of_one_kind(heads, settings)
    refused |= others
    while heads:
        shape, dtype = picture_shape(heads, settings), next(iter(heads.values())).dtype
        named = [os.path.abspath(files[k]) for k in heads]
        conversion = Conversion(shape, dtype, settings, named)
        made = convert(folder, conversion, key)
        decoded: dict[int, Decoded] = {}
        for k, result in zip(heads, made.results, strict=True):
            if isinstance(result, list):
                height, width, channels, done, gaps = result
                head = Head(height, width, channels, dtype)
                decoded[k] = Decoded(head, frozenset(done), gaps)
            else:
                refused[k] = str(result)
        places = {k: place for place, k in enumerate(heads)}
        heads = {k: one.head for k, one in decoded.items()}
        # As in memory: decoding may show that a picture lies on its side, and then the size to
        # aim at may be another.
        if not heads or picture_shape(heads, settings) != shape:
            continue
        sizes = Counter((head.height, head.width) for head in heads.values()).most_common()
        about = {
            "sizes": [[*size, count] for size, count in sizes],
            "refused": sorted(refused.items()),
            "notes": list(notes_on(decoded, (len(decoded), *shape), settings)),
        }
        manifest = Manifest(
            FORMAT,
            key,
            os.path.commonpath([os.path.abspath(file) for file in files]),
            reading_of(settings),
            list(shape),
            dtype.name,
            conversion.shard_rows,
            made.sha256,
            about,
        )
        chosen = np.array([places[k] for k in decoded], np.int64)
        write_manifest(
            folder,
            manifest,
            rows=made.rows[chosen],
            digests=made.digests[chosen],
            kept=np.array(list(decoded), np.int64),
        )
        return manifest
    return None


def _heads(folder: Path, files: Sequence[Path], settings: DataSettings) -> list[Head | str]:
    """The head of each picture, or why it has none; written down once it is known of all."""
    path = folder / HEADS
    try:
        answers = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        answers = _inspect_all(files, settings)
        write_json(path, answers)
    return [
        one if isinstance(one, str) else Head(one[0], one[1], one[2], np.dtype(one[3]))
        for one in answers
    ]


def _inspect_all(files: Sequence[Path], settings: DataSettings) -> list[Any]:
    named = [os.path.abspath(file) for file in files]
    how = reading_of(settings)
    parts = [named[k : k + AT_ONCE] for k in range(0, len(named), AT_ONCE)]
    tasks = [{"inspect": part, "settings": how} for part in parts]
    done = 0

    def more(number: int) -> None:
        nonlocal done
        done += number
        tell("looking at images", done, len(files))

    answers = dict(perform_all(WORKER, tasks, range(len(tasks)), more))
    return [head for number in range(len(tasks)) for head in answers[number]]
