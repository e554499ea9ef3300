"""The record of a file that was made of another one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conversion:
    """Arrays that were taken out of a file and written to another.

    Attributes:
        source: the file that was read.
        output: the .npz file that was written.
        arrays: by name, the shape and the number type.
        left_out: columns by name, and why they could not be kept.
    """

    source: str
    output: str
    arrays: dict[str, tuple[tuple[int, ...], str]]
    left_out: dict[str, str]
