"""One look for every figure: colours, type, axes. Figures are made without pyplot.

pyplot keeps every figure alive and is not safe in threads; `Figure` with the Agg canvas is
neither, and its import is shorter.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from functools import cache

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

PAPER = "#FFFFFF"
INK = "#15191D"
QUIET = "#5B6670"
LINE = "#D5D9DC"
POSITIVE = "#1668C7"
NEGATIVE = "#D9690F"

# For several runs in one figure: apart in lightness too, and each with its own dashes,
# so that a print in grey and a colour-blind reader can tell them from each other.
SERIES = (POSITIVE, NEGATIVE, INK, "#7A4FB5", "#2B8A6E", "#8C6D1F")
DASHES = ("-", "--", ":", "-.")

BLUES = LinearSegmentedColormap.from_list(
    "firstlight blues", [PAPER, "#8DB9EA", POSITIVE, "#0A2F5C"]
)

# For numbers of both signs; an odd number of colours has one for 0 itself: white.
BOTH_SIGNS = LinearSegmentedColormap.from_list(
    "firstlight both signs",
    ["#6E3203", NEGATIVE, "#F3C08F", PAPER, "#8DB9EA", POSITIVE, "#0A2F5C"],
    N=257,
)

DPI = 110
TEXT, SMALL = 9.5, 8.5
LONGEST_LABEL = 18


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """An empty figure of `width` times `height` inches with an optional title at the top left."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    if title:
        text = figure.text(0.15 / width, 1 - 0.15 / height, title, va="top", ha="left")
        text.set(fontsize=12, fontweight="bold", color=INK, parse_math=False)
    return figure


def add_panel(
    figure: Figure, left: float, bottom: float, width: float, height: float, **labels: str
) -> Axes:
    """Axes at a place given in inches; `labels` may hold `title`, `xlabel` and `ylabel`.

    Places are given instead of found (tight or constrained layout), which would draw
    everything twice.
    """
    axes = figure.add_axes(place(figure, left, bottom, width, height))
    axes.set_facecolor(PAPER)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(LINE)
    axes.tick_params(labelsize=SMALL, labelcolor=QUIET, color=LINE, length=3)
    # With its height given, matplotlib does not search for it: a fifth of the time.
    title = axes.set_title(labels.get("title", ""), loc="left", y=1.02)
    title.set(fontsize=TEXT + 0.5, color=INK, parse_math=False)
    axes.set_xlabel(labels.get("xlabel", ""), fontsize=TEXT, color=QUIET, parse_math=False)
    axes.set_ylabel(labels.get("ylabel", ""), fontsize=TEXT, color=QUIET, parse_math=False)
    return axes


def place(
    figure: Figure, left: float, bottom: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """Inches as the fractions of the figure that matplotlib wants."""
    across, up = figure.get_size_inches()
    return left / across, bottom / up, width / across, height / up


def grid(axes: Axes) -> None:
    """Faint horizontal lines behind the data."""
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)


def bare(axes: Axes) -> None:
    """No frame and no ticks, as a picture needs none."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def write(
    axes: Axes, x: float, y: float, words: str, color: str = INK, size: float = SMALL
) -> None:
    """Text around a point inside axes, in data coordinates; `$` and `_` mean themselves."""
    text = axes.text(x, y, words, color=color, fontsize=size, ha="center", va="center")
    text.set_parse_math(False)


def label(words: str, longest: int = LONGEST_LABEL) -> str:
    """A name as figures can show it: one line, not longer than `longest`.

    A character that the font does not have becomes U+FFFD; tables and pages keep the full name.

    Example:
        >>> label("a name that does not end anywhere")
        'a name that does …'
    """
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in words)
    drawn = "".join(c if ord(c) in _glyphs() else "\N{REPLACEMENT CHARACTER}" for c in plain)
    return drawn if len(drawn) <= longest else drawn[: longest - 1] + "…"


def with_unit(words: str, unit: str) -> str:
    """The words of an axis with the unit behind them.

    Example:
        >>> with_unit("mass", "kg"), with_unit("fraction", "")
        ('mass (kg)', 'fraction')
    """
    return f"{words} ({label(unit)})" if unit else words


@cache
def _glyphs() -> frozenset[int]:
    """The code points of DejaVu Sans, which comes with matplotlib."""
    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG file.

    Example:
        >>> to_png(new_figure(1, 1))[1:4]
        b'PNG'
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def to_pngs(figures: Mapping[str, Figure]) -> dict[str, bytes]:
    """Each figure as a PNG file: drawn once, for the pages and for a folder of figures.

    Example:
        >>> list(to_pngs({"curves": new_figure(1, 1)}))
        ['curves']
    """
    return {name: to_png(figure) for name, figure in figures.items()}
