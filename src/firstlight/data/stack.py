"""Many picture files into one array: the most common type, one size, grey or colour."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Refused
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.core.stored import ImageArray
from firstlight.data.fit import (
    fit,
    other_size,
    size_note,
    target_channels,
    target_size,
    to_channels,
)
from firstlight.data.gaps import gaps_note
from firstlight.data.memory import COPIES, FEWER, ON_DISK, require_memory
from firstlight.data.paths import read_bytes
from firstlight.data.picture import Head, decode, inspect

BATCH = 32  # files that a thread takes at a time
LARGE = 20_000  # bytes of a file, on average, from which on threads are faster
AS_IN_TRAINING = "as in training"
Kind = tuple[np.dtype[Any], int]  # number type, and channels where they are not 1 or 3

# What `picture.decode` may have done, after "N images".
DONE = {
    "frames": "held several frames or pages: the first was read",
    "alpha": "had transparency: they were laid on white",
    "cmyk": "were changed from CMYK to RGB",
    "palette": "had a palette: they were read as colour",
    "planes": "held several planes: they were read as channels",
    "turned": "were turned upright as their orientation tag says",
}


@dataclass(frozen=True)
class Target:
    """What pictures have to become: `shape` is `(H, W, C)`.

    Where `--resize` is `none`, they keep the height and width that most of them have.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class Stack:
    """Pictures that could be read.

    Attributes:
        images: `(N, H, W, C)`.
        kept: `(N,)` positions in the list of files that was asked for.
        sizes, refused, notes: as in `Collection`.
    """

    images: ImageArray
    kept: NDArray[np.int64]
    sizes: tuple[tuple[tuple[int, int], int], ...]
    refused: tuple[Refused, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Decoded:
    """What came out of one file; its pixels are in the array already."""

    head: Head
    done: frozenset[str]
    gaps: int = 0


def read_stack(
    files: Sequence[Path],
    names: Sequence[str],
    settings: DataSettings,
    target: Target | None = None,
) -> Stack:
    """Read picture files into one array; the rules that were applied are in `Stack.notes`.

    Args:
        files: where the pictures are.
        names: what each file is called in `refused`, as many as `files`.
        settings: `size`, `resize`, `colour`, `hdu` and `gaps` count.
        target: what the pictures have to become; None: what most of them suggest.

    Returns:
        All files that could be read, in order. None of them may be: `images` is empty then.

    Raises:
        DataError: if the array would not fit into memory.
    """
    decoded: dict[int, Decoded] = {}
    images: NDArray[Any] = np.empty((0, 1, 1, 1), np.uint8)
    with _thread_pool(_threads(files)) as each:
        found = dict(enumerate(each(partial(_inspected, settings=settings), files)))
        heads = {k: head for k, head in found.items() if isinstance(head, Head)}
        refused = {k: reason for k, reason in found.items() if isinstance(reason, str)}
        heads, others = of_one_kind(heads, settings, target)
        refused |= others
        while heads:
            shape = picture_shape(heads, settings, target)
            images, decoded, broken = _decode_all(
                files, heads, shape, settings, each, FEWER if target else ON_DISK
            )
            refused |= broken
            heads = {k: one.head for k, one in decoded.items()}
            # Decoding may show that a file is broken, or lies on its side. Where that changes
            # the size to aim at, the others are read again.
            if not heads or picture_shape(heads, settings, target) == shape:
                break
    return Stack(
        images,
        np.array(sorted(decoded), np.int64),
        tuple(Counter((head.height, head.width) for head in heads.values()).most_common()),
        tuple(Refused(names[k], reason) for k, reason in sorted(refused.items())),
        tuple(notes_on(decoded, images.shape, settings, target)),
    )


def nothing_readable(source: str, refused: Sequence[Refused]) -> DataError:
    """The error for a source of which no image is left."""
    first = f" The first: {refused[0].file} {refused[0].reason}." if refused else ""
    return DataError(
        f"Images were expected in {source}, but none of its {len(refused):,} files could be "
        f"used.{first}"
    )


def _threads(files: Sequence[Path]) -> int:
    """How many threads read fastest, judged by the size of every n-th file.

    Pillow decodes without Python's lock, so threads help with large pictures. With small
    ones nearly all time is Python's own, and threads only wait for each other.
    """
    sizes = []
    for path in files[:: len(files) // 32 + 1]:
        with suppress(OSError):
            sizes.append(path.stat().st_size)
    large = sum(sizes) > LARGE * len(sizes)
    return min(8, os.cpu_count() or 1) if large else 1


@contextmanager
def _thread_pool(threads: int) -> Iterator[Callable[..., list[Any]]]:
    """A function that applies another to every item, in threads."""
    with (
        ThreadPoolExecutor(threads) as pool,
        # Set once around all threads, since the filters belong to the whole process. What a
        # decoder has to say ends up in a file's reason; sizes are checked by ourselves.
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")

        def each(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
            batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
            results = pool.map(lambda batch: [function(item) for item in batch], batches)
            return [result for batch in results for result in batch]

        yield each


def _inspected(path: Path, settings: DataSettings) -> Head | str:
    try:
        return inspect(read_bytes(path), settings)
    except DataError as error:
        return str(error)


def of_one_kind(
    heads: dict[int, Head], settings: DataSettings, target: Target | None = None
) -> tuple[dict[int, Head], dict[int, str]]:
    """The heads of the kind that is wanted, or else of the most common, and why not the others."""
    if not heads:
        return {}, {}
    kinds = {k: _kind(head.dtype, head.channels) for k, head in heads.items()}
    if target:
        wanted = _kind(target.dtype, target.shape[2])
        because = f"the network was trained on {_described(wanted)}"
    else:
        # Where two kinds are equally common, the one with the shorter numbers is taken.
        counts = Counter(kinds.values())
        wanted = min(counts, key=lambda kind: (-counts[kind], kind[0].itemsize, kind[1]))
        because = f"most images here are {_described(wanted)}"
    kept = {k: head for k, head in heads.items() if kinds[k] == wanted}
    others = {
        k: f"is {_described(kind)}, but {because}: convert it, or read it on its own"
        for k, kind in kinds.items()
        if kind != wanted
    }
    if settings.resize == "none":
        kept, more = _of_one_size(kept)
        others |= more
    return kept, others


def _of_one_size(heads: dict[int, Head]) -> tuple[dict[int, Head], dict[int, str]]:
    """The heads of the most common size, and why not the others."""
    sizes = {k: (head.height, head.width) for k, head in heads.items()}
    if len(set(sizes.values())) < 2:
        return heads, {}
    ((most, _),) = Counter(sizes.values()).most_common(1)
    kept = {k: head for k, head in heads.items() if sizes[k] == most}
    return kept, {k: other_size(size, most) for k, size in sizes.items() if size != most}


def _kind(dtype: np.dtype[Any], channels: int) -> Kind:
    return dtype, 0 if channels in (1, 3) else channels


def _described(kind: Kind) -> str:
    dtype, channels = kind
    return f"{dtype} with {channels} channels" if channels else str(dtype)


def picture_shape(
    heads: dict[int, Head], settings: DataSettings, target: Target | None = None
) -> tuple[int, int, int]:
    """`(H, W, C)` that pictures with these heads are brought to."""
    if target and settings.resize != "none":
        return target.shape
    sizes = [(head.height, head.width) for head in heads.values()]
    channels = max(head.channels for head in heads.values())
    channels = target.shape[2] if target else target_channels(channels, settings)
    return *target_size(sizes, settings), channels


def _decode_all(
    files: Sequence[Path],
    heads: dict[int, Head],
    shape: tuple[int, int, int],
    settings: DataSettings,
    each: Callable[..., list[Any]],
    remedy: str,
) -> tuple[NDArray[Any], dict[int, Decoded], dict[int, str]]:
    """The pictures as one array, what they were, and why the others could not be read."""
    dtype = next(iter(heads.values())).dtype
    size = len(heads) * int(np.prod(shape)) * dtype.itemsize
    what = f"{len(heads):,} images of {' x '.join(map(str, shape))}"
    require_memory(COPIES * size, what, remedy)
    images = np.empty((len(heads), *shape), dtype)

    def decode_one(row_and_file: tuple[int, int]) -> Decoded | str:
        row, k = row_and_file
        try:
            picture = decode(read_bytes(files[k]), settings)
            pixels = picture.pixels
            if pixels.dtype != dtype:
                raise DataError(f"holds {pixels.dtype} where its head says {dtype}")
            fitted = to_channels(pixels, shape[2])
            images[row] = fit(fitted, shape[0], shape[1], settings.resize)
            height, width, channels = pixels.shape
            head = Head(height, width, channels, pixels.dtype)
            return Decoded(head, picture.done, picture.gaps)
        except DataError as error:
            return str(error)

    results = dict(zip(heads, each(decode_one, list(enumerate(heads))), strict=True))
    decoded = {k: one for k, one in results.items() if isinstance(one, Decoded)}
    broken = {k: reason for k, reason in results.items() if isinstance(reason, str)}
    if broken:
        # Rows move up in place: a second array could be too much for the memory.
        rows = [row for row, k in enumerate(heads) if k in decoded]
        for new, old in enumerate(rows):
            images[new] = images[old]
        images = images[: len(rows)]
    return images, decoded, broken


def notes_on(
    decoded: dict[int, Decoded],
    shape: tuple[int, ...],
    settings: DataSettings,
    target: Target | None = None,
) -> Iterator[str]:
    """Each rule that was applied, as a sentence."""
    sizes = {(one.head.height, one.head.width) for one in decoded.values()}
    if sizes - {shape[1:3]}:
        rule = "as asked for" if settings.size else "the median size, at most 224"
        rule = AS_IN_TRAINING if target else rule
        yield size_note(sizes, (shape[1], shape[2]), rule, settings.resize)
    for channels, text in ((1, "grey: repeated to three channels"), (3, "colour: made grey")):
        count = sum(one.head.channels == channels for one in decoded.values())
        if count and shape[3] != channels:
            yield f"{counted(count)} came in {text}."
    for key, text in DONE.items():
        count = sum(key in one.done for one in decoded.values())
        if count:
            yield f"{counted(count)} {text}."
    yield from gaps_note(one.gaps for one in decoded.values())


def counted(count: int) -> str:
    """`1 image`, `1,000 images`.

    Example:
        >>> counted(1000)
        '1,000 images'
    """
    return f"{count:,} image" + "s" * (count != 1)
