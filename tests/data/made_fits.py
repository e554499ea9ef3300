"""FITS files written card by card."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from astropy.io import fits

RNG = np.random.default_rng(5)


PLANE = RNG.integers(0, 256, (4, 5), np.uint8)


STACK = RNG.integers(0, 65536, (12, 4, 5), np.uint16)


def by_hand(cards: dict[str, Any], data: bytes) -> bytes:
    """A FITS file as the standard describes it, without any library."""
    lines = [f"{key:<8}= {value!s:>20}".ljust(80) for key, value in cards.items()]
    head = "".join([*lines, "END".ljust(80)]).encode()
    return head + b" " * (-len(head) % 2880) + data + b"\0" * (-len(data) % 2880)


def cards(bits: int, *axes: int, **more: Any) -> dict[str, Any]:
    lengths = {f"NAXIS{k}": length for k, length in enumerate(axes, 1)}
    return {"SIMPLE": "T", "BITPIX": bits, "NAXIS": len(axes)} | lengths | more


def written(*parts: Any) -> bytes:
    """The bytes that astropy writes for arrays, tables and HDUs."""
    file = BytesIO()
    units = [part if hasattr(part, "header") else fits.ImageHDU(part) for part in parts]
    if not isinstance(units[0], fits.PrimaryHDU):
        units.insert(0, fits.PrimaryHDU())
    fits.HDUList(units).writeto(file)
    return file.getvalue()
