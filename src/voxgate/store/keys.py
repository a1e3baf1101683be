"""The API keys in an SQL database."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from voxgate.store import ApiKey
from voxgate.store.opening import Database
from voxgate.store.schema import api_keys
from voxgate.store.times import now_us, to_datetime, to_us


class SqlKeys:
    """Keeps keys; see `voxgate.store.Keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey) -> None:
        values = {
            "id": key.id,
            "digest": key.digest,
            "scopes": " ".join(sorted(key.scopes)),
            "domain": key.domain,
            "label": key.label,
            "created_us": to_us(key.created_at),
            "expires_us": None if key.expires_at is None else to_us(key.expires_at),
            "revoked_us": None if key.revoked_at is None else to_us(key.revoked_at),
            "last_used_us": None if key.last_used_at is None else to_us(key.last_used_at),
        }
        with self._database.writing() as connection:
            connection.execute(insert(api_keys).values(values))

    def find(self, key_id: str) -> ApiKey | None:
        with self._database.reading() as connection:
            query = select(api_keys).where(api_keys.c.id == key_id)
            row = connection.execute(query).one_or_none()
        return None if row is None else _key(row)

    def list(self) -> list[ApiKey]:
        with self._database.reading() as connection:
            rows = connection.execute(select(api_keys).order_by(api_keys.c.number)).all()
        return [_key(row) for row in rows]

    def revoke(self, key_id: str) -> None:
        with self._database.writing() as connection:
            _revoke(connection, api_keys.c.id == key_id)

    def touch(self, key_id: str, *, every_s: float) -> None:
        at_us, last = now_us(), api_keys.c.last_used_us
        due = last.is_(None) | (last <= at_us - round(1_000_000 * every_s))
        change = update(api_keys).where((api_keys.c.id == key_id) & due)
        with self._database.writing() as connection:
            connection.execute(change.values(last_used_us=at_us))


def revoke_all(connection: Connection, domain: str) -> None:
    """Revoke the keys of a domain: they would open the next one of its name."""
    _revoke(connection, api_keys.c.domain == domain)


def _revoke(connection: Connection, which: ColumnElement[bool]) -> None:
    valid = which & api_keys.c.revoked_us.is_(None)
    connection.execute(update(api_keys).where(valid).values(revoked_us=now_us()))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        digest=row.digest,
        scopes=frozenset(row.scopes.split()),
        domain=row.domain,
        label=row.label,
        created_at=to_datetime(row.created_us),
        expires_at=_time(row.expires_us),
        revoked_at=_time(row.revoked_us),
        last_used_at=_time(row.last_used_us),
    )


def _time(us: int | None) -> datetime | None:
    return None if us is None else to_datetime(us)
