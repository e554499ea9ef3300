"""How records show themselves in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape


def short(value: float, unit: str = "") -> str:
    """A number in four digits with its unit, a dash where it is not finite.

    Example:
        >>> short(0.91234), short(12, "mK"), short(float("nan"))
        ('0.9123', '12 mK', '–')
    """
    return f"{value:.4g} {unit}".rstrip() if math.isfinite(value) else "–"


def readable(value: float) -> str:
    """A number in about four digits, without a power of ten where it can be read without.

    Example:
        >>> readable(303668.4), readable(0.0365), readable(-2.0), readable(1.2e-8)
        ('303,668', '0.0365', '-2', '1.2e-08')
    """
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def html_table(rows: Sequence[Mapping[str, object]], caption: str = "") -> str:
    """An HTML table with one row a mapping; every text is escaped.

    Example:
        >>> html_table([{"part": "train", "images": 3}])
        '<table><tr><th>part</th><th>images</th></tr><tr><td>train</td><td>3</td></tr></table>'
    """
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    if not rows:
        return f"<table>{title}</table>"
    head = "".join(f"<th>{escape(str(key))}</th>" for key in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table>{title}<tr>{head}</tr>{body}</table>"
