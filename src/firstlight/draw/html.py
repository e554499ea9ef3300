"""Pages that are one file each: text is escaped here, pictures are inside, nothing is loaded."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

BROAD = 700  # pixels

STYLE = """
:root { color-scheme: light dark; --ground: #F4F5F4; --card: #FFFFFF; --ink: #15191D;
  --quiet: #55606A; --line: #D5D9DC; --positive: #1668C7; --negative: #D9690F; --error: #B42318; }
@media (prefers-color-scheme: dark) { :root { --ground: #0E1114; --card: #171C21; --ink: #E8EBED;
  --quiet: #A3AEB8; --line: #333C44; --positive: #6FB0F5; --negative: #F09A52; --error: #F97066; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 68rem; background: var(--ground);
  color: var(--ink); font: 15px/1.55 Inter, system-ui, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .2rem 0 1rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 3rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p, ul { max-width: 44rem; margin: .5rem 0; }
.over, .quiet, caption, figcaption, dd.note { color: var(--quiet); }
.over { margin: 0; }
.result { font-size: 1.3rem; line-height: 1.45; }
.warning { border-left: 4px solid var(--negative); background: var(--card); padding: .6rem 1rem; }
.scores { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr));
  gap: .75rem; margin: 1.5rem 0 0; }
.scores > div { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .8rem 1rem; }
.scores dt { color: var(--quiet); }
.scores dd { margin: 0; }
.scores dd.value { font-size: 1.55rem; line-height: 1.3; font-weight: 600; }
.scores dd.note { font-size: .86rem; line-height: 1.4; }
.side { display: grid; gap: 0 2.5rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 60rem) { .side { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
.wide { overflow-x: auto; margin: .6rem 0; }
.wide + .wide { margin-top: 1.6rem; }
.wide:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
table { border-collapse: collapse; }
caption { text-align: left; padding: 0 0 .3rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.1rem .3rem 0;
  border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 500; min-width: 4.5rem; }
.words td { overflow-wrap: anywhere; }
.words tbody th { min-width: 9rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
figure { margin: .8rem 0; }
img { display: block; max-width: 100%; height: auto; }
img.broad { min-width: 44rem; }
img.chart { mix-blend-mode: multiply; }
img.narrow { min-width: 22rem; }
img.picture { background: #FFFFFF; border-radius: 6px; }
@media (prefers-color-scheme: dark) {
  img.chart { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; } }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: 1.1rem;
  list-style: none; padding: 0; max-width: none; }
.gallery img { width: 100%; height: auto; display: block; image-rendering: pixelated;
  border-bottom: 3px solid var(--negative); }
.gallery span { display: block; overflow-wrap: anywhere; font-size: .86rem; color: var(--quiet); }
.gallery .said { color: var(--ink); font-size: 1rem; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin: .6rem 0;
  padding: .8rem 1rem; white-space: pre-wrap; }
@media print {
  body { max-width: none; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
"""


def page(title: str, body: str) -> str:
    """A whole HTML document around `body`, which must be escaped already.

    The content security policy lets nothing be loaded or run: the one style sheet is named by
    its hash, and pictures are data URIs.

    Example:
        >>> page("a < b", "<p>text</p>").startswith("<!doctype html>")
        True
    """
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain words."""
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def section(title: str, *parts: str, level: int = 2) -> str:
    """A section with its heading, of level 2 or 3; empty where all its parts are."""
    inside = "\n".join(part for part in parts if part)
    heading = f"<h{level}>{escape(title)}</h{level}>"
    return f"<section>\n{heading}\n{inside}\n</section>" if inside else ""


def beside(*parts: str) -> str:
    """Parts next to each other, two in a row where the page is wide enough."""
    columns = "".join(f"<div>{part}</div>" for part in parts if part)
    return f'<div class="side">{columns}</div>' if columns else ""


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", words: int = 1
) -> str:
    """A table; the first column names its row, and columns from `words` on hold numbers."""
    kinds = ["" if k < words else ' class="number"' for k in range(len(heads))]
    head = "".join(
        f'<th scope="col"{kind}>{escape(text)}</th>'
        for text, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(_row(row, kinds) for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    kind = ' class="words"' if words >= len(heads) else ""
    inside = f"<table{kind}>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _scrolling(inside, caption or ", ".join(heads))


def _row(row: Sequence[object], kinds: Sequence[str]) -> str:
    first, *others = (escape(str(value)) for value in row)
    cells = "".join(f"<td{kind}>{text}</td>" for text, kind in zip(others, kinds[1:], strict=True))
    return f'<tr><th scope="row"{kinds[0]}>{first}</th>{cells}</tr>'


def _scrolling(inside: str, name: str) -> str:
    """A box that a narrow screen scrolls sideways, by keyboard too."""
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(name)}">{inside}</div>'
    )


def facts(values: Mapping[str, Any], heads: tuple[str, str], caption: str = "") -> str:
    """A table of names and values; inner mappings become `outer: inner`, None becomes a dash."""
    rows = list(flat(values))
    return table(heads, rows, caption, words=2) if rows else ""


def flat(values: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, str]]:
    """Names and values of nested mappings, as words."""
    for name, value in values.items():
        title = before + str(name).replace("_", " ")
        if isinstance(value, Mapping):
            yield from flat(value, title + ": ")
        else:
            yield title, as_words(value)


def as_words(value: object) -> str:
    """A value or a list of values as text; a dash where there is nothing to show.

    Example:
        >>> as_words(["kg", ""]), as_words(["", ""]), as_words(None)
        ('kg, –', '–', '–')
    """
    if isinstance(value, (list, tuple)):
        entries = [as_words(entry) for entry in value]
        return ", ".join(entries) if set(entries) - {"–"} else "–"
    return "–" if value is None or value == "" else str(value)


def listed(sentences: Iterable[str]) -> str:
    """A list of sentences; empty where there are none."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def chart(png: bytes, words: str, kind: str = "chart") -> str:
    """A figure inside the page. A `chart` turns dark with the page (a `chart narrow` fits
    half of it), a `picture` stays on white. A broad one does not shrink until its letters
    are too small to read: a narrow screen scrolls it.
    """
    if "narrow" not in kind and int.from_bytes(png[16:20], "big") > BROAD:  # the PNG's width
        kind += " broad"
    image = f'<img class="{kind}" src="{data_uri(png)}" alt="{escape(words)}">'
    return f"<figure>{_scrolling(image, words)}</figure>"


def data_uri(png: bytes) -> str:
    """A PNG file as an address that holds the file itself."""
    return "data:image/png;base64," + b64encode(png).decode()


def pixels_to_png(pixels: NDArray[np.uint8]) -> bytes:
    """An `(H, W, 3)` image as a PNG file, pixel by pixel."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()
