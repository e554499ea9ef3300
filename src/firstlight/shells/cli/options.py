"""Options of the command line, made from the dataclasses of settings: nothing is written twice."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields
from typing import Annotated, Any, get_args, get_type_hints

import typer
from typer.core import TyperCommand

from firstlight.shells.cli.answer import Answer, give

JSON_HELP = "write one JSON document to stdout and nothing else"
DEBUG_HELP = "show the traceback of an error"
METAVARS = {int: "INTEGER", float: "NUMBER", str: "TEXT", list[str]: "TEXT"}


@dataclass(frozen=True)
class OptionGroup:
    """The fields of one settings dataclass as options under one heading of `--help`.

    Attributes:
        title: the heading.
        settings: the dataclass; its fields carry `help`, `choices` and `least`.
        only: the fields to take; () takes all.
    """

    title: str
    settings: type
    only: tuple[str, ...] = ()

    def parameters(self) -> Iterator[inspect.Parameter]:
        """One keyword parameter a field, annotated as Typer reads it."""
        types = get_type_hints(self.settings)
        for item in fields(self.settings):
            if not self.only or item.name in self.only:
                yield _parameter(item, types[item.name], self.title)


class GroupedCommand(TyperCommand):
    """A command whose `--help` lists the options under their headings, as plain text.

    Typer does that with Rich only, and importing Rich would cost more than all the rest
    of `firstlight --help`.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, one section a heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                heading, record = "Arguments", (parameter.metavar or "", record[1])
            else:
                heading = getattr(parameter, "rich_help_panel", None) or "Options"
            sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def verb(
    app: typer.Typer, *groups: OptionGroup, examples: tuple[str, ...] = ()
) -> Callable[[Callable[..., Answer]], Callable[..., None]]:
    """Register a function as a verb of `app`.

    The function's `**settings` becomes one option for each field of the groups; it
    receives those that the user gave, and only those, so that what a recipe or a run
    says stays in force otherwise. What it returns is shown, or written as JSON.
    """
    made = [parameter for group in groups for parameter in group.parameters()]
    common = [_flag("json", JSON_HELP), _flag("debug", DEBUG_HELP)]

    def register(function: Callable[..., Answer]) -> Callable[..., None]:
        own = [
            parameter
            for parameter in inspect.signature(function, eval_str=True).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

        @functools.wraps(function)
        def command(ctx: typer.Context, **values: Any) -> None:
            settings = {
                parameter.name: _plain_value(values[parameter.name])
                for parameter in made
                if _was_given(ctx, parameter.name)
            }
            for group in groups:
                # The dataclass checks its values, before anything slow is imported.
                names = {item.name for item in fields(group.settings)}
                group.settings(**{n: v for n, v in settings.items() if n in names})
            arguments = {parameter.name: values[parameter.name] for parameter in own}
            give(lambda: function(**arguments, **settings), values["json"])

        keyword_only = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in [context, *own, *made, *common]
        ]
        command.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in keyword_only}
        app.command(cls=GroupedCommand, epilog=_epilog(examples))(command)
        return command

    return register


def _epilog(examples: tuple[str, ...]) -> str | None:
    r"""The end of `--help`; `\b` keeps Click from joining the lines into a paragraph."""
    if not examples:
        return None
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in examples)])


def _was_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _plain_value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _flag(
    name: str, help: str, parameter: str | None = None, title: str | None = None
) -> inspect.Parameter:
    """A parameter `--name` that is false unless it is given."""
    return inspect.Parameter(
        parameter or name,
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option(f"--{name}", help=help, rich_help_panel=title)],
    )


def _parameter(item: Field[Any], annotation: Any, title: str) -> inspect.Parameter:
    """The option of one field. Choices are checked by the dataclass, which says it better."""
    if annotation == tuple[str, ...]:
        annotation = list[str]
    choices: tuple[str, ...] = item.metadata["choices"]
    default = [] if item.default in ((), MISSING) else item.default
    kind = next((entry for entry in METAVARS if entry in (annotation, *get_args(annotation))), str)
    if annotation is bool:
        return _flag(item.name.replace("_", "-"), item.metadata["help"], item.name, title)
    also = item.metadata["also"]
    information = typer.Option(
        *(("--" + item.name.replace("_", "-"), also) if also else ()),
        metavar=METAVARS[kind],
        help=item.metadata["help"] + (f" [{'|'.join(choices)}]" if choices else ""),
        show_default=default not in (None, []),
        autocompletion=_completer(choices) if choices else None,
        rich_help_panel=title,
    )
    return inspect.Parameter(
        item.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[annotation, information],
    )


def _completer(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    """What tab completion offers for an option with choices."""

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete
