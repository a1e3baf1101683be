"""A store in an SQL database: what is common to all of them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from secrets import token_bytes
from typing import Any, Protocol

from sqlalchemy import Connection, Row, insert, select, update

from voxgate.errors import StoreUnavailableError, StoreWriteError
from voxgate.store import AuditEntry, Mode, Sample, SpeakerSummary, Voiceprint, schema
from voxgate.store.checks import (
    check_ids,
    check_mode,
    check_presence,
    clean_facts,
    clean_name,
    clean_pack,
    clean_samples,
    not_found,
)
from voxgate.store.crypto import SALT_BYTES, Vault, find_key
from voxgate.store.document import Enrolled, from_document, to_document
from voxgate.store.rows import Rows, Speaker


class Database(Protocol):
    """What differs between databases. Its transactions raise errors of the store only."""

    name: str  # for messages

    @property
    def key_file(self) -> Path | None:
        """Where a key may lie, if it may lie next to the database."""

    def prepare(self) -> None:
        """Set up a new database, before there are tables."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of the database."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that is the only one to write while it lasts."""

    def erase(self, *, wait: bool = True) -> None:
        """Remove all traces of deleted rows from the files, or raise a StoreWriteError."""

    def close(self) -> object:
        """Let go of all connections."""


class SqlStore:
    """Keeps voices in an SQL database, what they are like encrypted.

    Names, packs, dates and amounts are open, so that the database can search and count them.
    """

    def __init__(self, database: Database, key: bytes | None = None) -> None:
        self._database = database
        _bring_up_to_date(database)
        self._vault = _unlock(database, key)
        with suppress(StoreWriteError):  # what an earlier deletion left; tried again next time
            self._erase(wait=False)

    def enrol(
        self, speaker: str, pack: str, samples: Sequence[Sample], *, mode: Mode = "new"
    ) -> Voiceprint:
        speaker, pack, samples = clean_name(speaker), clean_pack(pack), clean_samples(samples)
        check_mode(mode)
        with self._writing() as rows:
            voiceprint = _enrol(
                rows, Enrolled(speaker, _now(), [(pack, s) for s in samples]), pack, mode
            )
            detail = {"pack": pack, "mode": mode, "recordings": len(samples)}
            rows.audit("enrol", speaker, detail)
        if mode == "replace":
            self._erase()
        return voiceprint

    def voiceprint(self, speaker: str, pack: str) -> Voiceprint:
        speaker, pack = clean_name(speaker), clean_pack(pack)
        with self._reading() as rows:
            found = rows.voiceprints(pack, speaker)
            if not found:
                raise not_found(speaker, pack, rows.names())
        return found[0]

    def voiceprints(self, pack: str) -> list[Voiceprint]:
        with self._reading() as rows:
            return rows.voiceprints(clean_pack(pack))

    def samples(self, speaker: str, pack: str | None = None) -> list[Sample]:
        speaker = clean_name(speaker)
        with self._reading() as rows:
            found = rows.samples(_known(rows, speaker, pack), pack)
            if not found:
                raise not_found(speaker, pack, rows.names())
        return [sample for _, sample in found]

    def speakers(self) -> list[SpeakerSummary]:
        with self._reading() as rows:
            return rows.summaries()

    def delete(self, speaker: str) -> None:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            rows.remove_speaker(_known(rows, speaker))
            rows.raise_revision(erasure=True)
            rows.audit("delete", speaker, {})
        self._erase()

    def export(self, speaker: str) -> dict[str, Any]:
        speaker = clean_name(speaker)
        with self._writing() as rows:
            known = _known(rows, speaker)
            rows.audit("export", speaker, {})
            return to_document(Enrolled(known.name, known.created_at, rows.samples(known)))

    def import_(self, document: dict[str, Any], *, mode: Mode = "new") -> SpeakerSummary:
        given = from_document(document)
        check_mode(mode)
        with self._writing() as rows:
            for pack in given.packs:
                _enrol(rows, given, pack, mode)
            rows.audit("import", given.speaker, {"packs": given.packs, "mode": mode})
            (summary,) = rows.summaries(given.speaker)
        if mode == "replace":
            self._erase()
        return summary

    def revision(self) -> int:
        with self._reading() as rows:
            return rows.revision()

    def audit(self, action: str, speaker: str | None, detail: dict[str, Any]) -> None:
        facts = clean_facts(detail, f"The audit detail of {action}")
        with self._writing() as rows:
            rows.audit(action, clean_name(speaker) if speaker is not None else None, facts)

    def audit_log(self, limit: int = 100, *, speaker: str | None = None) -> list[AuditEntry]:
        with self._reading() as rows:
            return rows.audit_log(limit, clean_name(speaker) if speaker is not None else None)

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def _reading(self) -> Iterator[Rows]:
        with self._database.reading() as connection:
            yield Rows(connection, self._vault)

    @contextmanager
    def _writing(self) -> Iterator[Rows]:
        with self._database.writing() as connection:
            yield Rows(connection, self._vault)

    def _erase(self, *, wait: bool = True) -> None:
        """Remove the traces of what was deleted, if there may be any."""
        due = schema.store.c.erasure_due
        with self._database.reading() as connection:
            seen = connection.execute(select(due)).scalar_one()
        if seen is None:
            return
        try:
            self._database.erase(wait=wait)
        except (StoreWriteError, StoreUnavailableError) as error:
            raise StoreWriteError(
                "It is deleted, but its traces stay in the files until the store is next opened "
                f"or deleted from. {error}"
            ) from error
        with self._database.writing() as connection:  # a deletion since then stays due
            connection.execute(update(schema.store).where(due == seen).values(erasure_due=None))


def _enrol(rows: Rows, given: Enrolled, pack: str, mode: Mode) -> Voiceprint:
    """Keep the given samples of one pack; a speaker who is not known yet is made."""
    name, added = given.speaker, given.samples_of(pack)
    known = rows.speaker(name)
    present = known is not None and rows.has_voiceprint(known, pack)
    check_presence(mode, name, pack, present=present, names=rows.names())
    speaker = known or rows.add_speaker(name, given.created_at)
    removed = rows.remove_samples(speaker, pack) if mode == "replace" else 0
    check_ids(added, rows.sample_ids(speaker))
    rows.add_samples(speaker, pack, added)
    voiceprint = Voiceprint.of(name, pack, [s for _, s in rows.samples(speaker, pack)])
    rows.put_voiceprint(speaker, voiceprint)
    rows.touch_speaker(speaker, _now())
    rows.raise_revision(erasure=removed > 0)
    return voiceprint


def _known(rows: Rows, name: str, pack: str | None = None) -> Speaker:
    speaker = rows.speaker(name)
    if speaker is None:
        raise not_found(name, pack, rows.names())
    return speaker


def _bring_up_to_date(database: Database) -> None:
    """Make or migrate the tables, if they are not those of this version."""
    with database.reading() as connection:
        if schema.revision_of(connection, database.name) == schema.HEAD:
            return
    database.prepare()
    with database.writing() as connection:
        schema.upgrade(connection, database.name)


def _unlock(database: Database, given: bytes | None) -> Vault:
    """The vault of the database, once it is sure that the key is the right one."""
    with database.reading() as connection:
        facts = _facts(connection)
    if facts is None:
        with database.writing() as connection:
            facts = _facts(connection) or _found(connection, database, given)
    key = find_key(given, database.key_file, may_make=False)
    vault = Vault(key, facts.salt)
    vault.require(facts.key_check)
    return vault


def _facts(connection: Connection) -> Row[Any] | None:
    return connection.execute(select(schema.store)).one_or_none()


def _found(connection: Connection, database: Database, given: bytes | None) -> Row[Any]:
    """Choose a salt for a new store and, if there is no key, a key."""
    key, salt = find_key(given, database.key_file, may_make=True), token_bytes(SALT_BYTES)
    values = {"id": 1, "salt": salt, "key_check": Vault(key, salt).check_value, "revision": 0}
    connection.execute(insert(schema.store).values(values))
    return connection.execute(select(schema.store)).one()


def _now() -> datetime:
    return datetime.now(timezone.utc)
