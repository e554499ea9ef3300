"""How much memory there is, asked before a large array is made."""

from __future__ import annotations

import os
from pathlib import Path

from firstlight.core.errors import DataError
from firstlight.core.memory import main_memory

CONTROL_GROUPS = Path("/sys/fs/cgroup")
# Version 2, then version 1: the limit, the use, and what of the use are kept files.
CONTROLS = {
    ".": ("memory.max", "memory.current", "inactive_file", "active_file"),
    "memory": (
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
        "total_active_file",
    ),
}
SHARE = 0.8  # of the memory that is free; the rest is for the network and the other programs
FEWER = "use fewer images or smaller ones (--size)"
ON_DISK = f"have them kept on disk with --memory and an amount, such as 2GB, or {FEWER}"
COPIES = 2  # of all images, while they are changed in type or order, joined, or divided into parts


def available_memory() -> int | None:
    """Free memory in bytes, or None where the system does not say.

    In a container, what its limit leaves free, where that is less.
    """
    known = [
        free for free in (_machine_memory(), _container_memory(CONTROL_GROUPS)) if free is not None
    ]
    return min(known, default=None)


def _container_memory(root: Path) -> int | None:
    """What a container's limit leaves free (control groups, version 2 or 1), None without one."""
    for folder, names in CONTROLS.items():
        try:
            limit, used = (int((root / folder / name).read_text()) for name in names[:2])
            lines = (root / folder / "memory.stat").read_text().splitlines()
        except (OSError, ValueError):  # version 2 says "max" where there is no limit
            continue
        # Files that the system keeps in memory count as used, but make room when it is needed.
        kept = dict(line.split() for line in lines)
        return max(0, limit - used + sum(int(kept.get(name, 0)) for name in names[2:]))
    return None


def _machine_memory() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return main_memory()


def require_memory(needed: int, what: str, remedy: str = FEWER) -> None:
    """Refuse what would not fit into memory.

    Args:
        needed: bytes.
        what: names the thing in the message.
        remedy: what to do about it; `ON_DISK` for images that are read for training.

    Raises:
        DataError: if `needed` is over 80 % of the free memory.

    Example:
        >>> require_memory(1_000, "a small picture")
    """
    free = available_memory()
    if free is not None and needed > SHARE * free:
        raise DataError(
            f"{what} would take {needed / 1e9:,.1f} GB of memory, but {free / 1e9:,.1f} GB "
            f"are free: {remedy}."
        )
