"""Migrations carry over what a store holds; over SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from store.conftest import KEY
from store.migrating import migrate_down
from store.samples import PACK, sample
from voxgate.errors import DomainNotFoundError
from voxgate.store import Store, open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that is this test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/voices.db"
    return str(request.getfixturevalue("own_database"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """With "ada" and "bob" in the default domain, and "ada" in another, and as a fraudster."""
    opened = open_store(url, key=KEY)
    opened.add_domain("acme")
    opened.enrol("ada", PACK, [sample(1), sample(2)])
    opened.enrol("bob", "other@1", [sample(3, dim=4)])
    opened.describe("ada", {"a": 1})
    opened.put_group("staff")
    opened.add_members("staff", ["ada"])
    for other in (opened.within("acme"), opened.fraudsters()):
        other.enrol("ada", PACK, [sample(4)])
        other.opt_out("eve")
    yield opened
    opened.close()


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def test_a_store_of_0001_comes_up_with_all_that_is_in_it(store: Store, url: str) -> None:
    samples = [kept.vector.tolist() for kept in store.samples("ada")]
    voiceprint = store.voiceprint("ada", PACK).vector.tolist()
    created_at, revision = store.speaker("ada").created_at, store.revision()
    logged = store.audit_log(speaker="ada")
    migrate_down(store, "0001")
    with store._database.reading() as connection:  # type: ignore[attr-defined]
        assert tables(connection) == {
            "alembic_version", "audit_log", "samples", "speakers", "store", "voiceprints"
        }  # fmt: skip
        found = connection.execute(text("SELECT name FROM speakers ORDER BY name")).scalars()
        assert list(found) == ["ada", "bob"]
    again = open_store(url, key=KEY)
    assert again.domains() == ["default"]
    assert [(one.name, one.packs) for one in again.speakers()] == [
        ("ada", (PACK,)),
        ("bob", ("other@1",)),
    ]
    assert [kept.vector.tolist() for kept in again.samples("ada")] == samples
    assert again.voiceprint("ada", PACK).vector.tolist() == voiceprint
    assert again.speaker("ada").created_at == created_at
    assert again.revision() > revision
    assert again.audit_log(speaker="ada") == logged
    assert again.verify_audit().count == len(again.audit_log()) == 4
    assert again.verify_audit().intact
    again.enrol("ada", PACK, [sample(5)], mode="add")
    again.delete("bob")
    again.fraudsters().enrol("ada", PACK, [sample(6)])
    assert again.verify_audit().intact
    again.close()


def test_going_down_forgets_what_0001_has_no_place_for(store: Store, url: str) -> None:
    migrate_down(store, "0001")
    again = open_store(url, key=KEY)
    assert (again.speaker("ada").metadata, again.speaker("ada").groups) == ({}, ())
    assert again.groups() == []
    assert again.fraudsters().speakers() == []
    assert not again.fraudsters().opted_out("eve")
    assert {entry.action for entry in again.audit_log()} >= {"enrol"}
    with pytest.raises(DomainNotFoundError):
        again.within("acme").speakers()
    again.close()
