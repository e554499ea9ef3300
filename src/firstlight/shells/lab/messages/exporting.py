"""Messages about what is taken out of a run."""

from __future__ import annotations

from typing import Literal

from firstlight.shells.lab.messages.base import Answer, News, Record, Request, Word

Form = Literal["keras", "onnx", "script", "notebook", "run"]


class ExportFile(Record):
    """A file that can be had at `/export/RUN/FORM/NAME`."""

    name: str
    size: int


class Export(Record):
    """Something that is made, or was made, out of a run.

    Attributes:
        began: when, in seconds since 1970.
        done: the share of it that is done, as far as that is known.
        sentences: what is being done, what it was held against, or why it could not be made.
        notes: what is not as in the run.
        files: the one that was asked for first.
    """

    run: str
    form: Form
    state: Literal["making", "made", "failed"]
    began: float
    done: float = 0.0
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[ExportFile, ...] = ()


class AskExports(Request, tag="exports"):
    """What was made out of a run, and the command lines that make the same."""

    run: Word


class MakeExport(Request, tag="make_export"):
    """Make something out of a run; how far it is comes as `ExportChanged`."""

    run: Word
    form: Form


class StopExport(Request, tag="stop_export"):
    """Give up making something."""

    run: Word
    form: Form


class Exports(Answer, tag="exports"):
    """What was made out of a run so far, and a command line for each form."""

    exports: tuple[Export, ...]
    commands: dict[str, str]


class ExportChanged(News, tag="export"):
    """How far something is that is being made out of a run."""

    export: Export


class ExportGone(News, tag="export_gone"):
    """Making it was given up."""

    run: str
    form: Form
