"""The command voxgate; `app` puts it together, `exits` says how it ends."""

import io
import sys


def main() -> None:
    """Run the command: what the console script calls."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what the terminal lacks
            stream.reconfigure(errors="replace")
    try:
        from voxgate.cli.app import app  # noqa: PLC0415 - not for who only imports the package

        app()
    except KeyboardInterrupt:  # before there was anything to interrupt
        sys.exit(130)
