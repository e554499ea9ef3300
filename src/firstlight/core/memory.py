"""How much memory the machine has."""

from __future__ import annotations

import os


def main_memory() -> int | None:
    """Bytes of main memory, whoever uses them, or None where the system does not say.

    Example:
        >>> memory = main_memory()
        >>> memory is None or memory > 10**8
        True
    """
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
