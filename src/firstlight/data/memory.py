"""How much memory there is, asked before a large array is made."""

from __future__ import annotations

import os
from pathlib import Path

from firstlight.core.errors import DataError

SHARE = 0.8  # of the memory that is free; the rest is for the network and the other programs


def available_memory() -> int | None:
    """Free memory in bytes, or None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, AttributeError):
            return None


def require_memory(needed: int, what: str) -> None:
    """Refuse what would not fit into memory.

    Args:
        needed: bytes.
        what: names the thing in the message.

    Raises:
        DataError: if `needed` is over 80 % of the free memory.

    Example:
        >>> require_memory(1_000, "a small picture")
    """
    free = available_memory()
    if free is not None and needed > SHARE * free:
        raise DataError(
            f"{what} would take {needed / 1e9:,.1f} GB of memory, but {free / 1e9:,.1f} GB are "
            "free: use fewer images or smaller ones (--size)."
        )
