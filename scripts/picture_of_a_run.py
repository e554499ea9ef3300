"""Draw what a command shows in a terminal as docs/images/NAME.svg.

    python scripts/picture_of_a_run.py train-mnist firstlight train mnist

The command runs in a terminal of its own, in a temporary folder; what is left on its screen at
the end is drawn.
"""

import os
import pty
import re
import shlex
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
COLUMNS = 96


def screen_of(command: list[str]) -> str:
    """What the command wrote into a terminal, with its colours, but without what it took back."""
    chunks: list[bytes] = []

    def read(terminal: int) -> bytes:
        chunks.append(os.read(terminal, 4096))
        return chunks[-1]

    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(COLUMNS=str(COLUMNS), LINES="60", TERM="xterm-256color")
        os.chdir(folder)
        status = pty.spawn(command, read)
        os.chdir("/")
    if status != 0:
        raise SystemExit(f"{shlex.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return settled(b"".join(chunks).decode().replace(folder + "/", ""))


def settled(written: str) -> str:
    """The lines that stay on a screen: enough of a terminal for lines that are written anew."""
    rows, row, begun_again = [""], 0, False
    for part in re.split(r"(\n|\r|\x1b\[\?\d+[hl]|\x1b\[\d*[AK])", written):
        if part == "\n":
            row += 1
            rows += [""] * (row == len(rows))
        elif part == "\r":
            begun_again = True
            continue
        elif re.fullmatch(r"\x1b\[\d*A", part):
            row -= int(part[2:-1] or 1)
        elif re.fullmatch(r"\x1b\[\d*K", part):
            rows[row] = ""
        elif part and not part.startswith("\x1b[?"):
            rows[row] = part if begun_again else rows[row] + part
        begun_again = False
    return "\n".join(rows)


def draw(title: str, text: str) -> str:
    """An SVG of a terminal window that asks for no font from anywhere."""
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(text.strip("\n")))
    picture = console.export_svg(title=title, theme=MONOKAI)
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


def main(name: str, *command: str) -> None:
    """Run `command` and draw its screen as docs/images/`name`.svg."""
    IMAGES.mkdir(exist_ok=True)
    picture = draw(shlex.join(command), screen_of(list(command)))
    (IMAGES / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
