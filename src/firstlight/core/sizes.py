"""Amounts of memory as people write them."""

from __future__ import annotations

import re

from firstlight.core.errors import SettingError

UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B?", re.IGNORECASE | re.ASCII)


def bytes_of(text: str, option: str) -> int:
    """An amount such as `2GB` in bytes: K, M, G, T count in thousands, `KiB`, ... in 1,024s.

    Args:
        text: as the user wrote it.
        option: names the option in the message.

    Raises:
        SettingError: it is no amount.

    Example:
        >>> bytes_of("2GB", "--memory"), bytes_of("1.5 MiB", "--memory")
        (2000000000, 1572864)
    """
    found = AMOUNT.fullmatch(str(text).strip())
    if found is None:
        raise SettingError(
            f"{option} takes an amount such as 500MB or 2GB, but {text!r} came: write a number "
            "with its unit."
        )
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** UNITS[unit.upper()])


def amount(size: int) -> str:
    """Bytes in words.

    Example:
        >>> amount(256_000_000), amount(1_500_000_000), amount(2_050)
        ('256 MB', '1.5 GB', '2.05 KB')
    """
    for unit, power in (("GB", 3), ("MB", 2)):
        if size >= 1000**power:
            return f"{size / 1000**power:.3g} {unit}"
    return f"{size / 1000:.3g} KB"
