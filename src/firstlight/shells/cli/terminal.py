"""Paragraphs and tables in a terminal: 80 columns are enough, colour is never needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from firstlight.shells.cli.text import clean


def make_console() -> Console:
    """A console on the stdout of the moment that takes text as it is: no markup, no emoji codes."""
    return Console(markup=False, highlight=False, emoji=False)


def say(console: Console, text: str, style: str = "") -> None:
    """A paragraph, wrapped at words."""
    console.print(Text(clean(text), style=style))


def warn(console: Console, text: str) -> None:
    """A warning, wrapped at words."""
    console.print(Text.assemble(("warning: ", "bold yellow"), clean(text)))


def say_path(console: Console, name: str, path: object) -> None:
    """A labelled path in one piece, however long: it can be copied and clicked."""
    console.print(Text(f"{name:<8}{clean(path)}"), soft_wrap=True)


def heading(console: Console, text: str) -> None:
    """A heading with an empty line above it."""
    console.print()
    console.print(Text(clean(text), style="bold"))


def show_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    words: Sequence[str] = (),
) -> None:
    """A table; columns named in `words` hold text and stand left, all others are numbers."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),  # two spaces between columns: the doctor's walk then fits 80
        header_style="bold",
    )
    for column in columns:
        is_words = column in words
        table.add_column(
            Text(clean(column)),
            justify="left" if is_words else "right",
            no_wrap=not is_words,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
