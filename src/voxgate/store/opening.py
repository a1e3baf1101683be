"""Opening a store in an SQL database: its tables brought up to date, its key found."""

from contextlib import AbstractContextManager
from pathlib import Path
from secrets import token_bytes
from typing import Any, Protocol

from sqlalchemy import Connection, Row, Select, insert, select

from voxgate.store import chain, schema
from voxgate.store.crypto import SALT_BYTES, Vault, find_key
from voxgate.store.vectors import Vectors


class Database(Protocol):
    """What differs between databases. Its transactions raise errors of the store only."""

    name: str  # for messages

    @property
    def key_file(self) -> Path | None:
        """Where a key may lie, if it may lie next to the database."""

    @property
    def vectors(self) -> Vectors | None:
        """The table that the database searches itself, where it can."""

    def prepare(self) -> None:
        """Set up a new database, before there are tables."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of the database."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that is the only one to write while it lasts."""

    def erase(self, *, wait: bool = True) -> bool:
        """Remove all traces of deleted rows from the files, or raise a StoreWriteError.

        Returns:
            Whether it was done: in a large database it is not the store's to do.
        """

    def close(self) -> object:
        """Let go of all connections."""


def bring_up_to_date(database: Database, given: bytes | None) -> None:
    """Make or migrate the tables, if they are not those of this version."""
    with database.reading() as connection:
        if schema.revision_of(connection, database.name) == schema.HEAD:
            return
    database.prepare()
    with database.writing() as connection:
        schema.upgrade(connection, database.name, lambda: _vault_in(connection, database, given))


def unlock(database: Database, given: bytes | None) -> Vault:
    """The vault of the database, once it is sure that the key is the right one."""
    with database.reading() as connection:
        facts = _facts(connection)
    if facts is None:
        with database.writing() as connection:
            facts = _facts(connection) or _found(connection, database, given)
    return _vault(facts, database, given)


def _vault_in(connection: Connection, database: Database, given: bytes | None) -> Vault | None:
    """The vault of a store that is being migrated; None where the tables are only being made."""
    facts = _facts(connection)
    return _vault(facts, database, given) if facts else None


def _vault(facts: Row[Any], database: Database, given: bytes | None) -> Vault:
    vault = Vault(find_key(given, database.key_file, may_make=False), facts.salt)
    vault.require(facts.key_check)
    return vault


def _facts(connection: Connection) -> Row[Any] | None:
    columns = [schema.store.c.salt, schema.store.c.key_check]  # which are in every revision
    query: Select[Any] = select(*columns)
    return connection.execute(query).one_or_none()


def _found(connection: Connection, database: Database, given: bytes | None) -> Row[Any]:
    """Choose a salt for a new store and, if there is no key, a key."""
    key, salt = find_key(given, database.key_file, may_make=True), token_bytes(SALT_BYTES)
    vault = Vault(key, salt)
    values = {
        "id": 1,
        "salt": salt,
        "key_check": vault.check_value,
        "revision": 0,
        "sealed_audit_head": chain.START.sealed(vault),
    }
    connection.execute(insert(schema.store).values(values))
    return connection.execute(select(schema.store)).one()
