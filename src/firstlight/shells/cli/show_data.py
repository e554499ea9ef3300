"""Screens of a data set: what `explore` found, and the files that were left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.shells.cli.terminal import heading, say, say_path, show_table
from firstlight.shells.cli.text import counted, number, shape

if TYPE_CHECKING:
    from rich.console import Console

    from firstlight.core.dataset import Refused
    from firstlight.core.exploration import Duplicates, Exploration, PixelHistograms

MOST_ROWS = 20
MOST_ONE_HOT = 12
BARS = " ▁▂▃▄▅▆▇█"
PREPARATION = (
    "Normalise (0 to 1) where pixels have a fixed range, as photographs and scans have: nothing "
    "depends on which images you happen to hold. Standardise (mean 0, standard deviation 1) where "
    "the range is open or most pixels crowd at one end, as in measured brightness: the numbers "
    "come from the training images alone. firstlight builds either into the model (--prepare), so "
    "every later image gets the same."
)


def show_simulation(console: Console, folder: Path, data: str) -> None:
    """Where simulated maps lie, and what to do with them next."""
    say_path(console, "maps", folder)
    say(console, f"next    firstlight explore {data}")
    say(console, f"        firstlight train {data}")


def show_exploration(console: Console, exploration: Exploration, save: Path | None) -> None:
    """Everything that `explore` found, one table after the other."""
    kind = "classes" if exploration.task == "classify" else "numbers to measure"
    heading(console, f"{exploration.name}: {kind}, read from {exploration.source}")
    show_table(
        console,
        ("part", "images", "shape", "type", "min", "max", "mean", "std"),
        [
            (
                part.part,
                f"{part.count:,}",
                shape(part.shape[1:]),
                part.dtype,
                *map(number, (part.minimum, part.maximum, part.mean, part.std)),
            )
            for part in exploration.parts
        ],
        words=("part", "type"),
    )
    if exploration.pixel_unit:
        say(console, f"Pixels are in {exploration.pixel_unit}.")
    groups = [
        f"{part.part} {part.groups.in_words()}"
        for part in exploration.parts
        if part.groups is not None
    ]
    if groups:
        say(console, f"Groups: {', '.join(groups)} images.")
    say(console, f"Split: {exploration.split_rule}")
    if exploration.task == "classify":
        _show_labels(console, exploration)
    else:
        _show_targets(console, exploration)
    _show_pixels(console, exploration.histograms)
    _show_duplicates(console, exploration.duplicates)
    _show_files(console, exploration)
    for note in exploration.notes:
        say(console, f"Note: {note}")
    if save is not None:
        console.print()
        say_path(console, "Page", save / "index.html")


def _show_labels(console: Console, exploration: Exploration) -> None:
    """How many images each class has in each part, and its one-hot row."""
    classes = exploration.classes
    heading(console, f"Labels: {len(classes):,} classes")
    one_hot = len(classes) <= MOST_ONE_HOT
    rows = [
        (
            label,
            name,
            *(f"{part.class_counts[label]:,}" for part in exploration.parts),
            *([" ".join("1" if label == k else "0" for k in range(len(classes)))] * one_hot),
        )
        for label, name in enumerate(classes[:MOST_ROWS])
    ]
    columns = ("label", "class", *(part.part for part in exploration.parts))
    show_table(console, (*columns, *(["one-hot"] * one_hot)), rows, words=("class", "one-hot"))
    _show_rest(console, len(classes))
    if exploration.balance is not None:
        say(
            console,
            f"Balance: {number(exploration.balance)} images of the largest class for one of the "
            "smallest.",
        )
    say(
        console,
        f"One-hot: {len(classes)} numbers for each label, 1 at its place and 0 everywhere else; "
        "the network answers in the same form, with a probability at each place.",
    )


def _show_targets(console: Console, exploration: Exploration) -> None:
    heading(console, "Targets")
    show_table(
        console,
        ("target", "unit", "part", "min", "max", "mean", "std"),
        [
            (
                target.name,
                target.unit,
                part.part,
                *map(number, (target.minimum, target.maximum, target.mean, target.std)),
            )
            for part in exploration.parts
            for target in part.targets
        ],
        words=("target", "unit", "part"),
    )


def _show_pixels(console: Console, histograms: PixelHistograms) -> None:
    """The three pixel histograms as rows of bars, and which preparation to use when."""
    heading(console, "Pixels of the training images")
    bars = console.encoding.startswith("utf")
    rows = [
        (name, number(one.edges[0]), number(one.edges[-1]), *([_bars(one.counts)] * bars))
        for name, one in vars(histograms).items()
    ]
    columns = ("pixels", "bins from", "to", *(["how many (root scale)"] * bars))
    show_table(console, columns, rows, words=("pixels", "how many (root scale)"))
    say(console, PREPARATION)


def _bars(counts: Sequence[int], width: int = 40) -> str:
    """A histogram in one line; heights are square roots, so that rare values stay visible.

    Example:
        >>> _bars((400, 0, 100, 1))
        '█ ▄▁'
    """
    step = math.ceil(len(counts) / width)
    sums = [sum(counts[start : start + step]) for start in range(0, len(counts), step)]
    top = max(sums) or 1
    return "".join(BARS[math.ceil(math.sqrt(count / top) * (len(BARS) - 1))] for count in sums)


def _show_duplicates(console: Console, duplicates: Duplicates) -> None:
    heading(console, "Equal images")
    within = ", ".join(f"{count:,} in {part}" for part, count in duplicates.within.items())
    say(console, f"Repeated within a part: {within}.")
    across = ", ".join(f"{count:,} in {pair}" for pair, count in duplicates.across.items())
    say(console, f"In two parts at once: {across}.")
    if any(duplicates.across.values()):
        say(
            console,
            "Images in two parts at once make the test look better than it is: remove them.",
            style="yellow",
        )
    for group in duplicates.groups[:5]:
        say(console, f"  equal: {', '.join(group)}")


def _show_files(console: Console, exploration: Exploration) -> None:
    """Sizes as the images came, how many files were read, and which were left out."""
    heading(console, "Files")
    read, refused = exploration.files_read, exploration.refused
    say(console, f"{counted(read, 'file')} read, {len(refused):,} left out.")
    if len(exploration.sizes) > 1:
        show_table(
            console,
            ("height", "width", "images"),
            [(*size, f"{count:,}") for size, count in exploration.sizes[:MOST_ROWS]],
        )
        _show_rest(console, len(exploration.sizes))
    show_refused(console, refused)


def show_refused(console: Console, refused: Sequence[Refused]) -> None:
    """The files that were left out, each with its reason."""
    if not refused:
        return
    heading(console, f"Left out: {counted(len(refused), 'file')}")
    show_table(
        console,
        ("file", "reason"),
        [(entry.file, entry.reason) for entry in refused[:MOST_ROWS]],
        words=("file", "reason"),
    )
    _show_rest(console, len(refused))


def _show_rest(console: Console, count: int) -> None:
    if count > MOST_ROWS:
        say(console, f"  and {count - MOST_ROWS:,} more: --json lists them all.")
