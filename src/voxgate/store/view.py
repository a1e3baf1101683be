"""A view on one side of one domain of a store in an SQL database: its transactions, its log."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from typing import Any, TypeVar

from sqlalchemy import Connection, select, update

from voxgate.errors import StoreUnavailableError, StoreWriteError
from voxgate.store import (
    DEFAULT_DOMAIN,
    AuditEntry,
    AuditReport,
    audit,
    schema,
    searching,
    spaces,
)
from voxgate.store.checks import clean_facts, clean_name
from voxgate.store.jobs import SqlJobs
from voxgate.store.keys import SqlKeys, revoke_all
from voxgate.store.opening import Database, bring_up_to_date, unlock
from voxgate.store.responses import SqlResponses
from voxgate.store.rows import Rows

_DOMAIN = "domain's name"
_V = TypeVar("_V", bound="View")


class View:
    """What all of a store's methods are built on; the views of one store share its database."""

    def __init__(self, database: Database, key: bytes | None = None) -> None:
        self._database = database
        self._domain = DEFAULT_DOMAIN
        self._side: spaces.Side = "speakers"
        self._space: str | None = None  # its id, where that cannot change
        bring_up_to_date(database, key)
        self._vault = unlock(database, key)
        with suppress(StoreWriteError):  # what an earlier deletion left; tried again next time
            self._erase(wait=False)
        self._put_missing_vectors()

    @property
    def domain(self) -> str:
        return self._domain

    @property
    def keys(self) -> SqlKeys:
        return SqlKeys(self._database)

    @property
    def jobs(self) -> SqlJobs:
        speakers = self._view(self._domain, "speakers")
        return SqlJobs(speakers._reading, speakers._writing, self._erase)

    @property
    def responses(self) -> SqlResponses:
        return SqlResponses(self._view(self._domain, "speakers")._writing)

    def within(self: _V, domain: str) -> _V:
        return self._view(clean_name(domain, _DOMAIN), "speakers")

    def fraudsters(self: _V) -> _V:
        return self._view(self._domain, "fraudsters")

    def domains(self) -> list[str]:
        with self._database.reading() as connection:
            return spaces.domains(connection)

    def add_domain(self, name: str) -> None:
        name = clean_name(name, _DOMAIN)
        with self.within(DEFAULT_DOMAIN)._writing() as rows:
            spaces.add(rows.connection, name)
            audit.append(rows, "add_domain", None, {"domain": name})

    def delete_domain(self, name: str) -> None:
        name = clean_name(name, _DOMAIN)
        with self.within(DEFAULT_DOMAIN)._writing() as rows:
            spaces.remove(rows.connection, name)
            revoke_all(rows.connection, name)
            rows.raise_revision(erasure=True)
            audit.append(rows, "delete_domain", None, {"domain": name})
        self._erase()

    def revision(self) -> int:
        with self._reading() as rows:
            return rows.revision()

    def audit(self, action: str, speaker: str | None, detail: dict[str, Any]) -> None:
        facts = clean_facts(detail, f"The audit detail of {action}")
        with self._writing() as rows:
            audit.append(rows, action, clean_name(speaker) if speaker is not None else None, facts)

    def audit_log(self, limit: int = 100, *, speaker: str | None = None) -> list[AuditEntry]:
        name = clean_name(speaker) if speaker is not None else None
        with self._reading() as rows:
            return audit.entries(rows, limit, name)

    def verify_audit(self, *, noted: str | None = None) -> AuditReport:
        with self._database.reading() as connection:
            return audit.verified(connection, self._vault, noted)

    def close(self) -> None:
        self._database.close()

    def _view(self: _V, domain: str, side: spaces.Side) -> _V:
        view = copy(self)
        view._domain, view._side, view._space = domain, side, None
        return view

    @contextmanager
    def _reading(self) -> Iterator[Rows]:
        with self._database.reading() as connection:
            yield self._rows(connection)

    @contextmanager
    def _writing(self) -> Iterator[Rows]:
        with self._database.writing() as connection:
            yield self._rows(connection)

    def _rows(self, connection: Connection) -> Rows:
        space = self._space or spaces.find(connection, self._domain, self._side)
        if self._domain == DEFAULT_DOMAIN:  # it is never removed, so neither is what holds it
            self._space = space
        return Rows(connection, self._vault, space, self._database.vectors)

    def _put_missing_vectors(self) -> None:
        """See to it that the database's own search finds everybody."""
        vectors = self._database.vectors
        if vectors is None:
            return
        with self._database.reading() as connection:
            lacking = vectors.lacking(connection)
        if lacking:
            with self._database.writing() as connection:
                for space in spaces.ids(connection):
                    searching.put_missing(Rows(connection, self._vault, space, vectors))

    def _erase(self, *, wait: bool = True) -> None:
        """Remove the traces of what was deleted, if there may be any."""
        due = schema.store.c.erasure_due
        with self._database.reading() as connection:
            seen = connection.execute(select(due)).scalar_one()
        if seen is None:
            return
        try:
            if not self._database.erase(wait=wait):
                return
        except (StoreWriteError, StoreUnavailableError) as error:
            raise StoreWriteError(
                "It is deleted, but its traces stay in the files until the store is next opened "
                f"or deleted from. {error}"
            ) from error
        with self._database.writing() as connection:  # a deletion since then stays due
            connection.execute(update(schema.store).where(due == seen).values(erasure_due=None))
