"""The chain of the audit log: whole over each backend, and broken by whoever alters it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from store.conftest import KEY
from store.samples import PACK, sample
from voxgate.store import AuditReport, Store, open_store

TRIGGERS = "DROP TRIGGER audit_log_no_update; DROP TRIGGER audit_log_no_delete;"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, key=KEY)
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A SQLite store with six entries in its log."""
    path = tmp_path / "voices.db"
    with closing(open_store(f"sqlite:///{path}", key=KEY)) as store:
        for number in range(6):
            store.audit("verify", "ada", {"llr": number})
    return path


def alter(path: Path, statements: str) -> None:
    """Do what somebody could who has the file, but no key."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(TRIGGERS + statements)


def report(path: Path, noted: str | None = None) -> AuditReport:
    with closing(open_store(f"sqlite:///{path}", key=KEY)) as store:
        return store.verify_audit(noted=noted)


def test_the_log_of_an_empty_store_is_whole(store: Store) -> None:
    assert store.verify_audit() == AuditReport(count=0, head="", broken_at=None)


def test_the_chain_runs_over_all_domains(store: Store) -> None:
    store.add_domain("acme")
    for view in (store, store.fraudsters(), store.within("acme")):
        view.enrol("ada", PACK, [sample(1)])
        view.audit("verify", None, {})
        view.delete("ada")
    store.delete_domain("acme")
    found = store.verify_audit()
    assert (found.count, found.intact) == (11, True)
    assert store.within("default").fraudsters().verify_audit() == found
    store.audit("verify", "ada", {})
    later = store.verify_audit(noted=found.head)
    assert (later.count, later.intact) == (12, True)
    assert later.head != found.head


def test_a_head_that_is_not_in_the_chain_tells_that_entries_are_missing(store: Store) -> None:
    store.audit("verify", "ada", {})
    assert store.verify_audit(noted="ab" * 32).broken_at == 2


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_log SET action = 'delete' WHERE number = 3", 3),
        ("UPDATE audit_log SET at_us = at_us + 1 WHERE number = 3", 3),
        ("UPDATE audit_log SET speaker = NULL WHERE number = 3", 3),
        ("UPDATE audit_log SET space_id = 'x' WHERE number = 3", 3),
        ("UPDATE audit_log SET sealed_detail = 'text' WHERE number = 3", 3),
        ("UPDATE audit_log SET sealed_detail = (SELECT sealed_detail FROM audit_log "
         "WHERE number = 1) WHERE number = 3", 3),
        ("UPDATE audit_log SET mac = NULL WHERE number = 3", 3),
        ("UPDATE audit_log SET mac = 'text' WHERE number = 3", 3),
        ("UPDATE audit_log SET mac = (SELECT mac FROM audit_log WHERE number = 2) "
         "WHERE number = 3", 3),
        ("UPDATE audit_log SET number = number + 100 WHERE number = 3", 3),
        ("DELETE FROM audit_log WHERE number = 1", 1),
        ("DELETE FROM audit_log WHERE number = 3", 3),
        ("DELETE FROM audit_log WHERE number = 6", 6),
        ("DELETE FROM audit_log WHERE number > 2", 3),
        ("DELETE FROM audit_log", 1),
        ("INSERT INTO audit_log SELECT 7, at_us, action, speaker, sealed_detail, space_id, mac "
         "FROM audit_log WHERE number = 6", 7),
        ("UPDATE store SET sealed_audit_head = NULL", 7),
        ("UPDATE store SET sealed_audit_head = key_check", 7),
    ],
)  # fmt: skip
def test_whoever_alters_the_log_breaks_the_chain_there(
    path: Path, statement: str, broken_at: int
) -> None:
    assert report(path) == replace(report(path), count=6, broken_at=None)
    alter(path, statement)
    assert report(path).broken_at == broken_at


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE store SET sealed_audit_head = NULL",
        "DELETE FROM audit_log WHERE number > 2; UPDATE store SET sealed_audit_head = NULL",
        "DELETE FROM audit_log; UPDATE store SET sealed_audit_head = NULL",
    ],
)
def test_a_broken_chain_is_not_mended_by_what_is_done_next(path: Path, statement: str) -> None:
    alter(path, statement)
    before = report(path)
    with closing(open_store(f"sqlite:///{path}", key=KEY)) as store:
        store.enrol("ada", PACK, [sample(1)])
        store.delete("ada")
    found = report(path)
    assert (found.count, found.broken_at) == (before.count + 2, before.count + 1)


def test_an_older_state_of_everything_shows_against_a_noted_head(path: Path) -> None:
    older = path.read_bytes()
    with closing(open_store(f"sqlite:///{path}", key=KEY)) as store:
        store.audit("verify", "ada", {})
        noted = store.verify_audit().head
    path.write_bytes(older)
    assert report(path).intact
    assert report(path, noted).broken_at == 7
