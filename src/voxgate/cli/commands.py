"""How a command is put into an app: its help from its docstring, then examples."""

# ruff: noqa: PLC0415 - imports wait until a command runs

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand

Example = tuple[str, str]  # a command line, and what it does


class CommandWithExamples(TyperCommand):
    """A command whose help ends with examples."""

    examples: ClassVar[Sequence[Example]] = ()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        if self.examples:
            _print_examples(self.examples)


def add_command(
    app: typer.Typer,
    command: Callable[..., int],
    name: str,
    *examples: Example,
    hidden: bool = False,
    panel: str | None = None,
) -> None:
    """Add a command; it returns its exit code, and its docstring is its help."""
    app.command(
        name,
        cls=type("Command", (CommandWithExamples,), {"examples": examples}),
        help=_unwrapped(command.__doc__ or ""),
        hidden=hidden,
        rich_help_panel=panel,
    )(command)


def _unwrapped(docstring: str) -> str:
    """Paragraphs without line breaks, which are for the terminal to choose."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _print_examples(examples: Sequence[Example]) -> None:
    from rich.table import Table

    from voxgate.cli import output

    table = Table.grid(padding=(0, 0, 0, 2), pad_edge=True)
    table.add_column(style="bold")
    table.add_column(style="dim")
    for line, meaning in examples:
        table.add_row(line, meaning)
    output.console().print(" Examples", style="dim")
    output.print_block(table)
