"""Values as a person reads them, and text from outside made safe to print."""

from __future__ import annotations

import math
from collections.abc import Sequence


def clean(value: object) -> str:
    r"""Text in which control characters, line breaks included, are spelled out.

    File and class names come from outside: they must not move the cursor, colour the
    screen or break a table.

    Example:
        >>> clean("a[red]\x1b[2Jb")
        'a[red]\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value))


def number(value: float | None) -> str:
    """A number in four significant digits, `-` where there is none.

    Example:
        >>> number(0.029837), number(12345.6), number(None)
        ('0.02984', '12,346', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(fraction: float | None) -> str:
    """A fraction in percent.

    Example:
        >>> percent(0.99123)
        '99.12 %'
    """
    return "-" if fraction is None or not math.isfinite(fraction) else f"{fraction * 100:.2f} %"


def bytes_text(count: float | None) -> str:
    """A size in bytes, in the unit that fits.

    Example:
        >>> bytes_text(2304), bytes_text(12)
        ('2.3 kB', '12 B')
    """
    if count is None:
        return "-"
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def large(count: float) -> str:
    """A large count in short form.

    Example:
        >>> large(950), large(1_234_000), large(2.5e9)
        ('950', '1.23 M', '2.5 G')
    """
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= limit:
            return f"{count / limit:.3g}{unit}"
    return f"{count:.0f}"


def duration(seconds: float | None) -> str:
    """Seconds as a person reads them.

    Example:
        >>> duration(3.14), duration(75), duration(7325)
        ('3.1 s', '1:15', '2:02:05')
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shape(sizes: Sequence[int] | None) -> str:
    """A shape without the batch axis.

    Example:
        >>> shape((28, 28, 1)), shape(None)
        ('28x28x1', '-')
    """
    return "-" if sizes is None else "x".join(str(size) for size in sizes)


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    Example:
        >>> counted(1, "file"), counted(2000, "image")
        ('1 file', '2,000 images')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
