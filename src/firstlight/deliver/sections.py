"""Pieces of a program with their explanations, as a script or as a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.core.errors import MissingExtraError, TrainingError
from firstlight.core.telling import tell

if TYPE_CHECKING:
    from nbformat import NotebookNode

WIDTH = 92


@dataclass(frozen=True)
class Section:
    """One step of a program.

    Attributes:
        title: what it is about.
        text: what a reader should know before; paragraphs are parted by empty lines.
        code: Python.
    """

    title: str
    text: str
    code: str


def script_text(title: str, text: str, sections: Sequence[Section]) -> str:
    '''A program as one Python file; `# %%` is where notebook editors begin a cell.

    Example:
        >>> print(script_text("Sum", "Adds.", [Section("Add", "Two numbers.", "print(1 + 1)")]))
        """Sum.
        <BLANKLINE>
        Adds.
        """
        <BLANKLINE>
        # %% Add
        # Two numbers.
        <BLANKLINE>
        print(1 + 1)
        <BLANKLINE>
    '''
    # A name with a quote or a backslash in it may not end the text early.
    head = "\n\n".join(
        textwrap.fill(part, WIDTH, break_on_hyphens=False) for part in text.split("\n\n")
    )
    head = f"{title}.\n\n{head}".replace("\\", "\\\\").replace('"', "'")
    pieces = [f'"""{head}\n"""\n']
    for section in sections:
        pieces += [f"\n# %% {section.title}\n{_comment(section.text)}\n\n{section.code}\n"]
    return "".join(pieces)


def notebook_of(title: str, text: str, sections: Sequence[Section]) -> NotebookNode:
    """A program as a Jupyter notebook: a cell of text and one of code for each section.

    Raises:
        MissingExtraError: nbformat is not installed.

    Example:
        >>> section = Section("A sum", "Of two numbers.", "1 + 1")
        >>> notebook = notebook_of("Sums", "One sum.", [section])
        >>> [cell.cell_type for cell in notebook.cells]
        ['markdown', 'markdown', 'code']
    """
    nbformat = _needed("nbformat")
    make = nbformat.v4
    cells = [make.new_markdown_cell(f"# {title}\n\n{text}")]
    for section in sections:
        cells.append(make.new_markdown_cell(f"## {section.title}\n\n{section.text}"))
        cells.append(make.new_code_cell(section.code))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook: NotebookNode = make.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


def run_notebook(notebook: NotebookNode, folder: Path) -> str:
    """Run all cells, telling which (`core.telling`); their answers are then in the notebook.

    Args:
        notebook: as from `notebook_of`.
        folder: where it runs.

    Returns:
        What they have printed.

    Raises:
        MissingExtraError: nbclient or ipykernel is not installed.
        TrainingError: a cell failed.

    Example:
        >>> import tempfile
        >>> section = Section("A sum", "Of two numbers.", "print(1 + 1)")
        >>> notebook = notebook_of("Sums", "One sum.", [section])
        >>> run_notebook(notebook, Path(tempfile.mkdtemp())).strip()
        '2'
    """
    nbclient = _needed("nbclient")
    _needed("ipykernel")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # What comes before a cell of code begins with its title.
    titles = [cell.source.partition("\n")[0].strip("# ") for cell in notebook.cells]

    def tell_cell(cell: NotebookNode, cell_index: int) -> None:
        if cell in cells:
            title = titles[cell_index - 1]
            tell(f"running the notebook: {title}", cells.index(cell) + 1, len(cells))

    client = nbclient.NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        # It warns of other users of this computer, whom the signed messages keep out.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        on_cell_start=tell_cell,
    )
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        raise TrainingError(
            f"The notebook is not written: a cell of it failed ({error.ename}: {error.evalue}). "
            "That is firstlight's fault: please report it, or take --unexecuted."
        ) from error
    outputs = (output for cell in cells for output in cell.outputs)
    return "".join(one.text for one in outputs if one.get("name") == "stdout")


def _needed(package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(
            f"Notebooks need {package}, which is not installed: "
            'pip install "firstlight[notebook]", or write a .py file.'
        ) from error


def _comment(text: str) -> str:
    parts = (textwrap.wrap(part, WIDTH - 2, break_on_hyphens=False) for part in text.split("\n\n"))
    return "\n#\n".join("\n".join(f"# {line}" for line in part) for part in parts)
