"""Exit codes, and the one place where an error becomes a sentence and a code.

Commands return their exit code and let errors rise; `EdgeGroup`, the class of the top command,
catches them all. With --json an error is a JSON object on standard output, so that a program
always finds exactly one object there.
"""

# ruff: noqa: PLC0415 - imports wait until a command runs

import os
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from voxgate.errors import VoxgateError

DONE = ACCEPTED = 0
REFUSED = 1  # the answer is no: another voice, or none of the enrolled
FAILED = 2  # no answer, or not a whole one
INTERRUPTED = 130  # 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE

_ClickUsageError: type[Exception] = typer.BadParameter.__base__ or typer.BadParameter
_MOST_CHARACTERS = 300  # of an unexpected error's own words


class EdgeGroup(TyperGroup):
    """The outermost edge: everything that goes wrong ends here."""

    def main(self, args: Any = None, *rest: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        options = words[: words.index("--")] if "--" in words else words
        code = self._run(words or ["--help"], options, *rest, **extra)
        if not words:  # the help is what is needed, but nothing was done
            code = FAILED
        if standalone_mode:
            sys.exit(code)
        return code

    def invoke(self, ctx: Any) -> Any:
        """Run the command and flush what it printed, while a closed pipe can still be noticed."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except (BrokenPipeError, SystemExit):  # rich makes the second of the first
            _leave_pipe()
            return PIPE_CLOSED
        return code

    def _run(self, words: list[str], options: list[str], *rest: Any, **extra: Any) -> int:
        """Run the command line; return the exit code, having said what went wrong."""
        as_json = "--json" in options  # known even where the words cannot be understood
        try:
            code = super().main(words, *rest, **{**extra, "standalone_mode": False}) or DONE
        except _ClickUsageError as error:
            kind, message = "UsageError", _usage(error)
        except typer.Abort:
            kind, message = "Aborted", "Nothing was done: the question was not answered with yes."
        except VoxgateError as error:
            kind, message = type(error).__name__, str(error)
        except Exception as error:  # noqa: BLE001 - the outermost edge
            if "--debug" in options or os.environ.get("VOXGATE_DEBUG", "0") not in ("", "0"):
                traceback.print_exc()
            kind, message = type(error).__name__, _unexpected(error)
        else:
            if code == INTERRUPTED:
                report("Interrupted", "Interrupted.", as_json=as_json)
            return int(code)
        report(kind, message, as_json=as_json)
        try:
            sys.stdout.flush()
        except OSError:  # what it could not write: Python would try once more, and exit with 120
            _leave_pipe()
        return FAILED


def report(kind: str, message: str, *, as_json: bool) -> None:
    """Say what went wrong: a line on standard error, or JSON on standard output."""
    from voxgate.cli.output import print_error, print_json

    if as_json:
        print_json({"error": {"type": kind, "message": message}})
    else:
        print_error(message)


def _usage(error: Any) -> str:
    command = error.ctx.command_path if error.ctx else "voxgate"
    message = error.format_message().rstrip(".")
    return f"{message}. See: {command} --help"


def _unexpected(error: Exception) -> str:
    words = f"{type(error).__name__}: {error}"[:_MOST_CHARACTERS]
    return (
        f"Something unexpected went wrong ({words}). "
        "Put --debug after 'voxgate', or set VOXGATE_DEBUG=1, to see where."
    )


def _leave_pipe() -> None:
    """Point standard output at nothing, so that Python's own flush at the end stays silent."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
