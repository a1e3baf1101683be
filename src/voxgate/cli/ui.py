"""voxgate ui: the page in the browser."""

# ruff: noqa: PLC0415, PLR0913 - imports wait until a command runs; its parameters are its options

import signal
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.exits import DONE
from voxgate.errors import UsageError
from voxgate.hosts import is_loopback

if TYPE_CHECKING:
    from voxgate.packs import Pack
    from voxgate.verify import Verifier

EXAMPLES = (
    ("voxgate ui", "then open the address that it prints"),
    ("voxgate ui --store sqlite:///voices.db", "with the voices of another store"),
    ("voxgate ui --other-pack ./my-pack", "another model to choose from"),
    ("voxgate ui --host 0.0.0.0 --auth ada:s3cret", "for other machines, too"),
)


def ui(
    *,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="Where to listen."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=1, max=65_535, help="Which port.")
    ] = 7860,
    auth: Annotated[
        str | None,
        typer.Option(
            "--auth",
            metavar="USER:PASSWORD",
            envvar="VOXGATE_UI_AUTH",
            help="Ask for this name and password.",
        ),
    ] = None,
    no_auth: Annotated[
        bool,
        typer.Option(
            "--no-auth", metavar="", help="Let other machines in without asking for a password."
        ),
    ] = False,
    other_pack: Annotated[
        list[str] | None,
        typer.Option(
            "--other-pack",
            metavar="NAME",
            help="Another model that can be chosen on the page, beside those that are installed; "
            "may be given several times.",
        ),
    ] = None,
    store: options.StoreUrl = None,
    pack: options.PackName = None,
) -> int:
    r"""Open a page to try voices in the browser: compare, enrol, verify, identify, look.

    Needs pip install 'voxgate\[ui]'. It listens on this machine only, unless --host says otherwise.
    Nothing is sent anywhere but to this process; recordings are deleted when it ends, at the
    latest.

    Exit code 0: ended by Ctrl-C, or by a signal. 2: it could not start.
    """
    login = _login(auth)
    _check_exposure(host, login, no_auth=no_auth)
    verifier = options.verifier(store, pack)
    verifier.store.revision()  # what is wrong with the store is said now
    _serve(verifier, _packs(other_pack or ()), host, port, login)
    return DONE


def _packs(named: Sequence[str]) -> "list[Pack]":
    """All that are installed, and those that are named."""
    from voxgate.packs import installed, load_pack

    return [*[load_pack(name) for name in named], *installed()]


def _login(auth: str | None) -> tuple[str, str] | None:
    """The name and the password.

    Raises:
        UsageError: they are not written with a colon between them, or one is empty.
    """
    if auth is None:
        return None
    user, colon, password = auth.partition(":")
    if not (colon and user and password):
        raise UsageError("--auth is not a name, a colon and a password, such as ada:s3cret.")
    return user, password


def _check_exposure(host: str, login: tuple[str, str] | None, *, no_auth: bool) -> None:
    """Say that others can reach the page, and see that they are asked for a password.

    Raises:
        UsageError: they would not be, and nobody has said that this is wanted.
    """
    if is_loopback(host):
        return
    if login is None and not no_auth:
        raise UsageError(
            f"--host {host} lets other machines use the page and everybody enrolled in it: ask "
            "for a password with --auth USER:PASSWORD (or VOXGATE_UI_AUTH), or say --no-auth."
        )
    output.print_remark(
        f"Other machines can reach this page on {host}, unencrypted, and browsers lend them no "
        "microphone without https: put it behind a proxy that speaks https."
    )


def _serve(
    verifier: "Verifier", packs: "list[Pack]", host: str, port: int, login: tuple[str, str] | None
) -> None:
    """Serve until a signal comes.

    Raises:
        UsageError: the port is taken.
    """
    from voxgate.extras import need

    need("matplotlib", "ui")
    need("gradio", "ui")
    from voxgate.ui.app import serve

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with serve(verifier, packs=packs, host=host, port=port, auth=login) as address:
            output.print_verdict(f"Voxgate: {address}", colour="green")
            output.print_remark("Ctrl-C ends it.")
            ended.wait()
    except OSError as error:
        raise UsageError(
            f"Cannot listen on {host}, port {port}: {error}. Choose another with --port."
        ) from error
