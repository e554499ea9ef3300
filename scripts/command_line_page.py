"""Write docs/command-line.md from the command line itself: every verb, argument and option.

    python scripts/command_line_page.py

A test compares the page with what this makes, so run it after changing an option.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "command-line.md"
HEAD = """\
# Command line

<!-- Made by scripts/command_line_page.py: change the command line, not this page. -->

Every verb answers `--help`. With `--json`, which all but `lab` take, standard output is one JSON
document and nothing else. The exit code is 0 when all went well, 2 when something that you gave
cannot be used, 1 when a training could not go on or the fault is firstlight's, and 128 plus the
signal's number when a signal stopped it (130 for Ctrl-C).
"""


def escaped(text: str) -> str:
    """`text` on one line, with nothing in it that a Markdown table would take for its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def described(parameter: Any, context: Any) -> tuple[str, str, str]:
    """Heading, how it is written, and what it does, for one argument or option."""
    written, text = parameter.get_help_record(context)
    is_argument = parameter.param_type_name == "argument"
    if is_argument:
        written = written.partition(" <")[0]
    heading = getattr(parameter, "rich_help_panel", None) or "Options"
    return "Arguments" if is_argument else heading, written, text


def section(name: str, command: Any, parent: Any) -> Iterator[str]:
    """The part of the page that describes one verb."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield f"\n## {name}\n\n{(command.help or '').strip()}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"\n```text\nfirstlight {name} {usage}\n```\n"

    if command.epilog:
        yield f"\n```text\n{textwrap.dedent(command.epilog.replace(chr(8), '')).strip()}\n```\n"

    tables: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        if not getattr(parameter, "hidden", False) and parameter.get_help_record(context):
            heading, written, text = described(parameter, context)
            tables.setdefault(heading, []).append((written, text))
    for heading, rows in tables.items():
        yield f"\n| {heading.lower()} | |\n| --- | --- |\n"
        for written, text in rows:
            code = re.sub(r"\s+", " ", written).replace("|", "\\|")
            yield f"| `{code}` | {escaped(text)} |\n"


def page() -> str:
    """The whole page."""
    import typer

    from firstlight.shells.cli.verbs import app

    group: Any = typer.main.get_command(app)
    root = group.make_context("firstlight", [], resilient_parsing=True)
    parts = [
        part
        for name in group.list_commands(root)
        for part in section(name, group.get_command(root, name), root)
    ]
    return HEAD + "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
