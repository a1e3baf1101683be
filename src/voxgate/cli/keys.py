"""voxgate keys: who may ask a service."""

# ruff: noqa: PLC0415, PLR0913 - imports wait until a command runs; parameters are options

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxgate.cli import options, output
from voxgate.cli.commands import add_command
from voxgate.cli.exits import DONE
from voxgate.errors import UsageError

if TYPE_CHECKING:
    from voxgate.store import ApiKey, Store

app = typer.Typer(help="API keys of a service: make, list, rotate, revoke.")

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Of the key, as 'list' shows it.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        envvar="VOXGATE_KEY_FILE",
        help="The key of the store, where the service reads it from a file.",
    ),
]


def new(
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="verify, enrol or admin; may be repeated."),
    ] = None,
    domain: Annotated[
        str, typer.Option("--domain", metavar="NAME", help="Whose speakers it is for.")
    ] = "default",
    label: Annotated[
        str, typer.Option("--label", metavar="TEXT", help="To know it again by.")
    ] = "",
    days: Annotated[
        int | None,
        typer.Option("--days", metavar="DAYS", min=1, max=3650, help="How long it is valid."),
    ] = None,
    store: options.StoreUrl = None,
    key_file: KeyFile = None,
    json: options.Json = False,
) -> int:
    """Make an API key and print it, this once: nobody can find it out later.

    "verify" may verify, identify and look; "enrol" may enrol and forget speakers; "admin" may do
    everything in its domain, and one of the domain "default" sees to all domains.

    Exit code 0: done. 2: no such scope or domain.
    """
    from voxgate.server.keys import new_key

    valid = timedelta(days=days) if days else None
    made, text = new_key(frozenset(scope or ()), domain, label, valid)
    with _opened(store, key_file) as opened:
        opened.within(domain).revision()  # the domain is there, or this says that it is not
        opened.keys.add(made)
        opened.within(domain).audit("add_key", None, {"key": made.id})
    return _show_made(made, text, as_json=json)


def list_keys(
    *, store: options.StoreUrl = None, key_file: KeyFile = None, json: options.Json = False
) -> int:
    """List all keys, without their secrets, and when each was last used, in UTC.

    Exit code 0: done, also when there is none.
    """
    with _opened(store, key_file) as opened:
        keys = opened.keys.list()
    if json:
        output.print_json({"keys": [_facts(key) for key in keys]})
    elif keys:
        output.print_table(
            ("id", "scopes", "domain", "label", "made", "expires", "revoked", "last used"),
            [
                (
                    key.id,
                    ", ".join(sorted(key.scopes)),
                    key.domain,
                    key.label,
                    f"{key.created_at:%Y-%m-%d}",
                    f"{key.expires_at:%Y-%m-%d}" if key.expires_at else "-",
                    f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "-",
                    f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "-",
                )
                for key in keys
            ],
            align="llllllll",
        )
    else:
        output.print_remark("There is no key yet. Make one with: voxgate keys new --scope admin")
    return DONE


def rotate(
    key: KeyId,
    *,
    store: options.StoreUrl = None,
    key_file: KeyFile = None,
    json: options.Json = False,
) -> int:
    """Make a key that may do the same as an old one, which stays valid until it is revoked.

    Exit code 0: done. 2: no such key.
    """
    from voxgate.server.keys import rotated

    with _opened(store, key_file) as opened:
        made, text = rotated(_found(opened, key))
        opened.within(made.domain).revision()  # the domain is there still, or this says it is not
        opened.keys.add(made)
        opened.within(made.domain).audit("add_key", None, {"key": made.id, "rotates": key})
    return _show_made(made, text, as_json=json)


def revoke(
    key: KeyId,
    *,
    store: options.StoreUrl = None,
    key_file: KeyFile = None,
    json: options.Json = False,
) -> int:
    """Let a key open nothing any more, at once.

    Exit code 0: done. 2: no such key.
    """
    with _opened(store, key_file) as opened:
        found = _found(opened, key)
        opened.keys.revoke(key)
        opened.within(found.domain).audit("revoke_key", None, {"key": key})
    if json:
        output.print_json({"revoked": key})
    else:
        output.print_remark(f"Revoked {key}.")
    return DONE


@contextmanager
def _opened(store: str | None, key_file: Path | None) -> "Iterator[Store]":
    from voxgate.server.keys import store_key
    from voxgate.store import open_store

    with closing(open_store(store, key=store_key(key_file))) as opened:
        yield opened


def _found(store: "Store", key_id: str) -> "ApiKey":
    found = store.keys.find(key_id)
    if found is None:
        raise UsageError(f"There is no key {key_id!r}; 'voxgate keys list' shows them.")
    return found


def _show_made(key: "ApiKey", text: str, *, as_json: bool) -> int:
    if as_json:
        output.print_json({**_facts(key), "key": text})
    else:
        typer.echo(text)
        typer.echo("Keep it safe: it is shown this once.", err=True)
    return DONE


def _facts(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "scopes": sorted(key.scopes),
        "domain": key.domain,
        "label": key.label,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
    }


add_command(
    app, new, "new",
    ("voxgate keys new --scope admin", "may do everything"),
    ("voxgate keys new --scope verify --label 'call centre' --days 90", "may verify, for 90 days"),
)  # fmt: skip
add_command(app, list_keys, "list", ("voxgate keys list --json", "for programs"))
add_command(app, rotate, "rotate", ("voxgate keys rotate 9f86d081884c", "then revoke the old one"))
add_command(app, revoke, "revoke", ("voxgate keys revoke 9f86d081884c", "it opens nothing now"))
