"""voxgate audit: what was done with a store, and whether its log is whole."""

# ruff: noqa: PLC0415 - imports wait until a command runs

import json as json_module
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from voxgate.cli import options, output
from voxgate.cli.commands import add_command
from voxgate.cli.exits import DONE, FAILED

if TYPE_CHECKING:
    from voxgate.store import AuditEntry

app = typer.Typer(help="The log of what was done with a store: read it, check that it is whole.")

_HASH_SHOWN = 12  # characters of a keyed hash


def log(
    *,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many of the newest.")
    ] = 20,
    speaker: Annotated[
        str | None,
        typer.Option("--speaker", metavar="SPEAKER", help="Only what is about this speaker."),
    ] = None,
    domain: Annotated[
        str, typer.Option("--domain", metavar="DOMAIN", help="Whose log it is.")
    ] = "default",
    store: options.StoreUrl = None,
    json: options.Json = False,
) -> int:
    """List what was done, the newest first.

    Speakers are named by keyed hashes: who is meant is known only by asking with --speaker, also
    about somebody who was deleted.

    Exit code 0: done, also when it is nothing. 2: no such domain.
    """
    from voxgate.store import open_store

    with closing(open_store(store, domain=domain)) as opened:
        entries = opened.audit_log(limit, speaker=speaker)
    if json:
        output.print_json({"domain": domain, "entries": [_facts(entry) for entry in entries]})
    elif entries:
        rows = [_row(entry) for entry in entries]
        output.print_table(("at (UTC)", "what", "who (hash)", ""), rows, align="llll")
    else:
        output.print_remark("Nothing of that kind was done yet.")
    return DONE


def verify(
    *,
    noted: Annotated[
        str | None,
        typer.Option("--noted", metavar="HEAD", help="A head that was noted earlier."),
    ] = None,
    store: options.StoreUrl = None,
    json: options.Json = False,
) -> int:
    """Check that no entry of the log was altered, put in or taken out, over all domains.

    Each entry is chained to the one before by the store's key. Note the head that is shown, away
    from the store, and give it as --noted later: then an older copy of the whole store that was
    put back is found out, too.

    Exit code 0: the log is whole. 2: it is not.
    """
    from voxgate.store import open_store

    with closing(open_store(store)) as opened:
        report = opened.verify_audit(noted=noted)
    if json:
        facts = {"count": report.count, "head": report.head, "broken_at": report.broken_at}
        output.print_json({"intact": report.intact, **facts})
    elif report.broken_at is None:
        entries = "1 entry" if report.count == 1 else f"{report.count:,} entries"
        output.print_verdict(f"The audit log is whole: {entries}", colour="green")
        output.print_remark(f"Its head, to be noted elsewhere: {report.head or output.NOTHING}")
    else:
        where = f"entry {report.broken_at:,}; there are {report.count:,}"
        output.print_verdict(f"The audit log is broken: {where}", colour="red")
        output.print_remark("There an entry was altered, put in or taken out, or the end cut off.")
    return DONE if report.intact else FAILED


def _facts(entry: "AuditEntry") -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "action": entry.action,
        "speaker": entry.speaker,
        "detail": entry.detail,
    }


def _row(entry: "AuditEntry") -> tuple[str, ...]:
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.action,
        entry.speaker[:_HASH_SHOWN] if entry.speaker else output.NOTHING,
        json_module.dumps(entry.detail, ensure_ascii=False) if entry.detail else "",
    )


add_command(
    app,
    log,
    "log",
    ("voxgate audit log -n 50", "the last 50 things that were done"),
    ("voxgate audit log --speaker ada", "about ada, also after a deletion"),
)
add_command(
    app,
    verify,
    "verify",
    ("voxgate audit verify", "is it whole? and what to note"),
    ("voxgate audit verify --noted HEAD", "and goes on from there"),
)
