"""The record of what was taken out of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Delivery:
    """Files that work without firstlight, and how far they were held against the run.

    Attributes:
        run: the run's name.
        files: the files that were written, the one that was asked for first.
        images: on so many of the run's test images the answers were compared; 0 where the file
            is a copy.
        difference: the largest difference that was found, in the unit of the answers.
        notes: what is not as in the run, a sentence each.
    """

    run: str
    files: tuple[str, ...]
    images: int
    difference: float
    notes: tuple[str, ...] = ()
