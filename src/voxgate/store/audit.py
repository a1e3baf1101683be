"""The audit log: what was done, appended and never changed.

Its entries are chained over all domains, see voxgate.store.chain; transactions that write come
one after the other, so the chain has one end.
"""

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from voxgate.errors import StoreCorruptError
from voxgate.store import AuditEntry, AuditReport, chain
from voxgate.store.crypto import Vault
from voxgate.store.rows import Rows
from voxgate.store.schema import audit_log, scope_of, spaces, store
from voxgate.store.times import now_us, to_datetime

_AT_ONCE = 1000  # entries in memory while they are checked


def append(rows: Rows, action: str, name: str | None, detail: dict[str, Any]) -> None:
    """Write an entry; the name of the speaker whom it is about is not in it, only its hash."""
    at_us = now_us()
    who = rows.pseudonym(name) if name is not None else None
    place = _place(at_us, action, who, rows.space)
    sealed = rows.vault.seal(json.dumps(detail).encode(), *place)
    head = _head(rows.connection, rows.vault)
    if head is None:  # altered: go on, but let it be seen for ever that here the chain is broken
        head = chain.Head(_count(rows.connection), b"broken")
    head = head.after(rows.vault, (at_us, action, who, rows.space, sealed))
    values = {
        "at_us": at_us,
        "action": action,
        "speaker": who,
        "sealed_detail": sealed,
        "space_id": rows.space,
        "mac": head.mac,
    }
    rows.connection.execute(insert(audit_log).values(values))
    rows.connection.execute(update(store).values(sealed_audit_head=head.sealed(rows.vault)))


def entries(rows: Rows, limit: int, name: str | None = None) -> list[AuditEntry]:
    """The newest entries of a domain first; with a name, only those about that speaker."""
    query = select(audit_log).order_by(audit_log.c.number.desc()).limit(limit)
    if name is None:
        domain = select(spaces.c.domain).where(spaces.c.id == rows.space).scalar_subquery()
        both = select(spaces.c.id).where(spaces.c.domain == domain)
        query = query.where(audit_log.c.space_id.in_(both))
    else:
        query = query.where(audit_log.c.speaker == rows.pseudonym(name))
    return [_open(rows.vault, row) for row in rows.connection.execute(query)]


def verified(connection: Connection, vault: Vault, noted: str | None = None) -> AuditReport:
    """Follow the chain from its start to its end."""
    head, broken_at, passed = chain.START, None, noted is None
    query = select(audit_log).order_by(audit_log.c.number)
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
        head = head.after(vault, [getattr(row, name) for name in chain.CHAINED])
        if head.mac != row.mac and broken_at is None:
            broken_at = head.count
        head = replace(head, mac=row.mac if isinstance(row.mac, bytes) else b"")
        passed = passed or head.mac.hex() == noted
    if broken_at is None and not (passed and head == _head(connection, vault)):
        broken_at = head.count + 1  # some are missing at the end
    return AuditReport(head.count, head.mac.hex(), broken_at)


def _head(connection: Connection, vault: Vault) -> chain.Head | None:
    """Where the chain ends, as was noted in the store; None where that note was altered."""
    sealed = connection.execute(select(store.c.sealed_audit_head)).scalar_one()
    try:
        return chain.Head.opened(vault, sealed)
    except StoreCorruptError:
        return None


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(audit_log)).scalar_one()


def _open(vault: Vault, row: Row[Any]) -> AuditEntry:
    place = _place(row.at_us, row.action, row.speaker, row.space_id)
    detail = vault.open(row.sealed_detail, *place, what="An entry of the audit log")
    return AuditEntry(to_datetime(row.at_us), row.action, row.speaker, json.loads(detail))


def _place(at_us: int, action: str, who: str | None, space: str) -> tuple[str | int, ...]:
    return ("audit_log.detail", at_us, action, who or "", *scope_of(space))
