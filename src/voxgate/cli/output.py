"""The look of everything that is printed.

Results go to standard output; errors, progress and remarks to standard error. With --json
standard output holds exactly one JSON object and nothing else. Colour only on a terminal, and
not where NO_COLOR is set (rich sees to both).
"""

# ruff: noqa: PLC0415 - imports wait until a command runs

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from voxgate.decision import Side
    from voxgate.quality import QualityWarning

_UNWRAPPED = 100_000  # columns: what goes to a file or a program is not wrapped
_INDENT = (0, 0, 0, 2)  # of every column, so that the first is set off from the verdict
NOTHING = "-"  # where a table has no figure


def console(*, stderr: bool = False) -> "Console":
    """A console on standard output, or standard error, as they are now."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _UNWRAPPED
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def print_json(facts: dict[str, Any]) -> None:
    """The one JSON object of a command; in ASCII, which no encoding can harm."""
    sys.stdout.write(json.dumps(facts, indent=2) + "\n")


def print_error(message: str) -> None:
    """One sentence on standard error."""
    from rich.text import Text

    console(stderr=True).print(Text.assemble(("voxgate: ", "bold red"), message))


def print_remark(message: str) -> None:
    """Something worth knowing that is no result, on standard error."""
    console(stderr=True).print(message, style="dim")


def print_failures(failures: Iterable[tuple[str, str]]) -> None:
    """The recordings of a batch that failed, (path, message) each, on standard error."""
    for path, message in failures:
        name = Path(path).name
        rest = message[len(name) :] if message.startswith(name) else f": {message}"
        print_error(f"{path}{rest}")


def print_verdict(sentence: str, *, colour: str) -> None:
    """The first line of a result: its answer, in colour up to the first colon."""
    from rich.text import Text

    mark = {"green": "✓", "red": "✗"}.get(colour, "!")
    answer, colon, grounds = sentence.partition(":")
    console().print(Text.assemble((f"{mark} {answer}{colon}", f"bold {colour}"), grounds))


def print_gap() -> None:
    """An empty line."""
    console().print()


def print_heading(text: str) -> None:
    """What the table below is about."""
    console().print(f"\n  {text}", style="bold")


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, align: str) -> None:
    """Columns under dim headers; `align` has an l or r for each."""
    from rich.table import Table

    table = Table(box=None, padding=_INDENT, header_style="dim")
    for header, side in zip(headers, align, strict=True):
        table.add_column(header, justify="right" if side == "r" else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    print_block(table)


def print_facts(facts: dict[str, str]) -> None:
    """Names and values, a line each."""
    from rich.table import Table

    table = Table.grid(padding=_INDENT, pad_edge=True)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value)
    print_block(table)


def print_warnings(warnings: "Sequence[QualityWarning]") -> None:
    """What is doubtful, each with what to do about it."""
    from rich.table import Table

    if not warnings:
        return
    table = Table.grid(padding=_INDENT, pad_edge=True)
    table.add_column(style="yellow")
    table.add_column(overflow="fold")
    for warning in warnings:
        table.add_row("!", warning.message)
    print_gap()
    print_block(table)


def print_block(table: "Table") -> None:
    """Print without the spaces that fill up the last column."""
    shown = console()
    with shown.capture() as capture:
        shown.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def print_sides(sides: "Sequence[Side]") -> None:
    """How much speech each side had, and what it sounded like."""
    headers = ("", "speech", "length", "SNR", "level", "bandwidth")
    print_table(headers, [_side(side) for side in sides], align="lrrrrr")


def _side(side: "Side") -> tuple[str, ...]:
    quality = side.quality
    if quality is None:
        name = f"{side.name} ({count(side.recordings, 'recording')})"
        return (name, seconds(side.speech_s), *[NOTHING] * 4)
    return (
        side.name,
        seconds(side.speech_s),
        seconds(quality.duration_s),
        NOTHING if quality.snr_db is None else f"{quality.snr_db:.0f} dB",
        f"{quality.level_dbfs:.0f} dBFS",
        NOTHING if quality.bandwidth_hz is None else f"{quality.bandwidth_hz / 1000:.1f} kHz",
    )


def seconds(duration_s: float) -> str:
    """Such as "8.2 s"; from ten minutes on "1:02:03"."""
    if duration_s < 600:
        return f"{duration_s:.1f} s"
    minutes, second = divmod(round(duration_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def figure(value: float | None, digits: int = 1) -> str:
    """A number, or a dash for none."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def count(number: int, noun: str) -> str:
    """Such as "1 recording" or "1,234 recordings"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
