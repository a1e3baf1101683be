"""A progress bar on standard error, where that is a terminal."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voxgate.cli import output


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what to tell (done, of) to; the bar is there as long as the block."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = output.console(stderr=True)
    columns = (BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(what, *columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
