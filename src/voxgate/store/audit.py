"""The audit log: what was done, appended and never changed."""

import json
from typing import Any

from sqlalchemy import Row, insert, select

from voxgate.store import AuditEntry
from voxgate.store.crypto import Vault
from voxgate.store.rows import Rows
from voxgate.store.schema import audit_log, scope_of, spaces
from voxgate.store.times import now_us, to_datetime


def append(rows: Rows, action: str, name: str | None, detail: dict[str, Any]) -> None:
    """Write an entry; the name of the speaker whom it is about is not in it, only its hash."""
    at_us = now_us()
    who = rows.pseudonym(name) if name is not None else None
    place = _place(at_us, action, who, rows.space)
    values = {
        "at_us": at_us,
        "action": action,
        "speaker": who,
        "sealed_detail": rows.vault.seal(json.dumps(detail).encode(), *place),
        "space_id": rows.space,
    }
    rows.connection.execute(insert(audit_log).values(values))


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


def _open(vault: Vault, row: Row[Any]) -> AuditEntry:
    place = _place(row.at_us, row.action, row.speaker, row.space_id)
    detail = vault.open(row.sealed_detail, *place, what="An entry of the audit log")
    return AuditEntry(to_datetime(row.at_us), row.action, row.speaker, json.loads(detail))


def _place(at_us: int, action: str, who: str | None, space: str) -> tuple[str | int, ...]:
    return ("audit_log.detail", at_us, action, who or "", *scope_of(space))
