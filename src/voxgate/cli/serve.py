"""voxgate serve: the service."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from voxgate.cli.exits import DONE

EXAMPLES = (
    ("voxgate serve", "on this machine, port 8000"),
    ("voxgate serve --config voxgate.toml", "with the settings of a file"),
    ("VOXGATE_PROCESSES=2 voxgate serve", "two service processes on one port"),
    ("voxgate serve --settings", "what there is to set"),
)


def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="PORT", min=1, max=65_535, help="Which port.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings as TOML; variables go before."),
    ] = None,
    settings: Annotated[
        bool, typer.Option("--settings", metavar="", help="Print all settings, and end.")
    ] = False,
) -> int:
    r"""Offer voice identity over HTTP.

    Needs pip install 'voxgate\[server]'. Settings are VOXGATE_* variables, or come from a file.
    It listens on this machine only, unless told otherwise, and asks for no key until there is one.

    Exit code 0: ended by a signal, all requests answered. 1: some were cut off. 2: it could not
    start.
    """
    from voxgate.extras import need

    need("fastapi", "server")
    from voxgate.server.app import create_app
    from voxgate.server.processes import run
    from voxgate.server.service import check_access
    from voxgate.server.settings import read_settings, reference

    if settings:
        typer.echo(reference(), nl=False)
        return DONE
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    read = read_settings(config, **given)
    check_access(read)
    return run(partial(create_app, read), read.serving)
