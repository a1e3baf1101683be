"""What is particular to PostgreSQL: its transactions, what can go wrong, and what stays in it."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from time import monotonic
from typing import Any, TypeAlias

import numpy as np
import psycopg
import pytest
from sqlalchemy import make_url

from store.conftest import KEY
from store.samples import PACK, sample
from store.server import PostgresServer
from voxgate.errors import (
    StoreCorruptError,
    StoreError,
    StoreKeyError,
    StoreUnavailableError,
    StoreWriteError,
)
from voxgate.store import Store, open_store
from voxgate.store import postgres as module

Raw: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    opened = open_store(postgres_url, key=KEY)
    yield opened
    opened.close()


@pytest.fixture
def raw(postgres_url: str) -> Iterator[Raw]:
    """Another program's connection to the store's database."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


# opening


def test_the_key_comes_from_the_environment_and_from_no_file(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOXGATE_KEY", raising=False)
    with pytest.raises(StoreKeyError, match=r"in no file next to it; set VOXGATE_KEY"):
        open_store(postgres_url)
    monkeypatch.setenv("VOXGATE_KEY", KEY.hex())
    open_store(postgres_url).close()
    with pytest.raises(StoreKeyError, match="is not the key that this store was made with"):
        open_store(postgres_url, key=bytes(32))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:secret@127.0.0.1:1/x", "x on 127.0.0.1:1 cannot be reached: "),
        ("postgresql://me:secret@[::1/x", "write postgresql://user:password@host"),
        ("postgresql://me:secret@/x?host=/nowhere", "x on /nowhere cannot be reached: "),
    ],
)
def test_what_is_no_server_is_told_without_the_password(url: str, words: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url, key=KEY)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_exist_is_told(postgres: PostgresServer) -> None:
    with pytest.raises(StoreUnavailableError, match='database "nothing" does not exist'):
        open_store(postgres.url("nothing"), key=KEY)


def test_the_database_of_another_program_is_left_alone(own_database: str) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    with pytest.raises(StoreError, match="is the database of another program"):
        open_store(own_database, key=KEY)


def test_processes_that_make_a_store_at_the_same_time_make_one(own_database: str) -> None:
    opened: list[Store] = []
    threads = [
        threading.Thread(target=lambda: opened.append(open_store(own_database, key=KEY)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    opened[0].enrol("ada", PACK, [sample(1)])
    assert [store.voiceprint("ada", PACK).recordings for store in opened] == [1, 1, 1, 1]
    for store in opened:
        store.close()


# what others do


def test_what_is_committed_is_on_the_disk_also_where_the_server_does_not_wait(
    store: Store, raw: Raw
) -> None:
    database = store._database  # type: ignore[attr-defined]
    for given, expected in (("off", "on"), ("local", "local")):
        raw.execute(f"ALTER DATABASE made SET synchronous_commit = {given}".encode())
        with closing(open_store(raw_url(raw), key=KEY)) as other:
            with other._database.writing() as connection:  # type: ignore[attr-defined]
                shown = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
            assert shown == expected
    raw.execute("ALTER DATABASE made RESET synchronous_commit")
    assert database.name.startswith("made on /")


def raw_url(raw: Raw) -> str:
    return f"postgresql://postgres@/made?host={raw.info.host}"


def test_a_writer_that_waits_too_long_for_another_gives_up_and_readers_do_not_wait(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.05)
    with closing(open_store(postgres_url, key=KEY)) as store:
        store.enrol("ada", PACK, [sample(1)])
        with store._database.writing():  # type: ignore[attr-defined]
            with pytest.raises(StoreWriteError, match="is being written by others; try again"):
                store.enrol("bob", PACK, [sample(2)])
            assert store.voiceprint("ada", PACK).recordings == 1
        store.enrol("bob", PACK, [sample(2)])


def test_a_writer_that_stalls_loses_its_transaction_and_holds_up_nobody(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALLED_S", 0.05)
    with closing(open_store(postgres_url, key=KEY)) as store:
        with pytest.raises(StoreUnavailableError), store._writing() as rows:  # type: ignore[attr-defined]
            store.enrol("ada", PACK, [sample(1)])
            rows.raise_revision()
        assert store.revision() == 1


@pytest.mark.parametrize(
    ("state", "expected", "words"),
    [
        ("25006", StoreWriteError, "is a replica, or set to read-only"),
        ("42501", StoreWriteError, "does not let its user do this"),
        ("53100", StoreWriteError, "the disk is full, nothing was written"),
        ("40001", StoreWriteError, "is being written by others"),
        ("28P01", StoreError, "refuses the user or the password"),
        ("XX001", StoreCorruptError, "is damaged; restore it from a backup"),
        ("53300", StoreUnavailableError, "cannot be used now; try again"),
        ("57P01", StoreUnavailableError, "cannot be used now; try again"),
        ("08006", StoreUnavailableError, "cannot be used now; try again"),
        ("22012", StoreError, "failed: something."),
    ],
)
def test_what_postgresql_refuses_is_told_in_a_sentence(
    store: Store, state: str, expected: type[StoreError], words: str
) -> None:
    raising = f"DO $$ BEGIN RAISE 'something' USING ERRCODE = '{state}', DETAIL = 'ada'; END $$"
    database = store._database  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=words) as caught, database.reading() as connection:
        connection.exec_driver_sql(raising)
    assert type(caught.value) is expected
    assert "ada" not in str(caught.value)
    assert store.speakers() == []  # the next one is not concerned


def test_a_replica_can_be_read_and_is_told_from_the_server_that_may_be_written(
    postgres_url: str, store: Store
) -> None:
    store.enrol("ada", PACK, [sample(1)])
    read_only = f"{postgres_url}&options=-cdefault_transaction_read_only%3Don"
    with closing(open_store(read_only, key=KEY)) as replica:
        assert replica.voiceprint("ada", PACK).recordings == 1
        assert replica.search(PACK, sample(1).vector, 1) is not None
        with pytest.raises(StoreWriteError, match="is a replica, or set to read-only; name the"):
            replica.delete("ada")


def test_of_several_servers_the_one_that_can_be_reached_is_used(
    postgres: PostgresServer, postgres_url: str
) -> None:
    hosts = f"host=/nowhere:5432&host={postgres.data}:5432&target_session_attrs=read-write"
    with closing(open_store(f"postgresql://postgres@/made?{hosts}", key=KEY)) as store:
        assert store.domains() == ["default"]


def test_the_audit_log_can_only_be_added_to(store: Store, raw: Raw) -> None:
    store.enrol("ada", PACK, [sample(1)])
    for statement in ("UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log",
                      "TRUNCATE audit_log"):  # fmt: skip
        with pytest.raises(psycopg.errors.RaiseException, match="only added to"):
            raw.execute(statement.encode())
    assert len(store.audit_log()) == 1


def test_the_list_of_connections_is_not_endless(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = store._database._readers.pool  # type: ignore[attr-defined]
    monkeypatch.setattr(pool, "_timeout", 0.05)
    taken = [pool.connect() for _ in range(20)]
    with pytest.raises(StoreUnavailableError, match="has no connection left; try again"):
        store.speakers()
    for connection in taken:
        connection.close()
    assert store.speakers() == []


# a server that goes away


def test_a_server_that_was_stopped_is_told_and_is_used_again_when_it_is_back(
    postgres: PostgresServer, postgres_url: str
) -> None:
    with closing(open_store(postgres_url, key=KEY)) as store:
        store.enrol("ada", PACK, [sample(1)])
        postgres.stop()
        started = monotonic()
        for change in (store.speakers, lambda: store.enrol("bob", PACK, [sample(2)])):
            with pytest.raises(StoreUnavailableError, match=r"made on /.* cannot be reached: "):
                change()
        assert monotonic() - started < 10
        postgres.start()
        assert [summary.name for summary in store.speakers()] == ["ada"]
        store.enrol("bob", PACK, [sample(2)])


def test_a_connection_that_is_cut_in_the_middle_undoes_its_work(store: Store, raw: Raw) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'voxgate'"
    )
    with pytest.raises(StoreUnavailableError), store._writing() as rows:  # type: ignore[attr-defined]
        rows.raise_revision()
        raw.execute(cut.encode())
        rows.raise_revision()
    assert store.revision() == 0


# deleting for good


def traces(raw: Raw, speaker: str) -> list[bytes]:
    """Pieces of all that is kept of a speaker."""
    query = """SELECT s.name, s.id, a.id, a.sealed_embedding, a.sealed_facts, v.sealed_embedding,
        x.embedding::text FROM speakers s JOIN samples a ON a.speaker_id = s.id
        JOIN voiceprints v ON v.speaker_id = s.id JOIN vectors x ON x.speaker_id = s.id
        WHERE s.name = %s"""
    rows = [
        (*row, np.array(json.loads(vector), np.float32).tobytes())
        for *row, vector in raw.execute(query.encode(), [speaker])
    ]
    values = [value.encode() if isinstance(value, str) else value for row in rows for value in row]
    return [value[i : i + 16] for value in set(values) for i in range(0, len(value) - 15, 160)]


def left_of(traces: list[bytes], server: PostgresServer) -> list[bytes]:
    """Those that are in the files of the server's tables, after all that it has in mind."""
    server.run("CHECKPOINT")
    ((number,),) = server.run("SELECT oid FROM pg_database WHERE datname = 'made'")
    files = [path for path in (server.data / "base" / str(number)).iterdir()]
    written = b"".join(file.read_bytes() for file in files)
    return [trace for trace in traces if trace in written]


def test_of_a_deleted_speaker_no_byte_is_left_in_the_tables(
    store: Store, raw: Raw, postgres: PostgresServer
) -> None:
    found = {}
    for number in range(9):
        name = np.random.default_rng(number).bytes(30).hex()
        store.enrol(name, PACK, [sample(1000 + 2 * number + i, dim=200) for i in range(2)])
        found[name] = traces(raw, name)
        assert len(left_of(found[name], postgres)) == len(found[name]) > 20
    raw.execute("ANALYZE")  # which keeps values of columns as statistics
    for name in list(found)[::3]:
        store.delete(name)
        assert left_of(found.pop(name), postgres) == []
    assert {summary.name for summary in store.speakers()} == set(found)
    first = next(iter(found))
    store.enrol(first, PACK, [sample(1)], mode="replace")
    kept = traces(raw, first)
    assert [trace for trace in left_of(found[first], postgres) if trace not in kept] == []


def test_of_a_deleted_group_and_a_deleted_domain_no_byte_is_left_in_the_tables(
    store: Store, raw: Raw, postgres: PostgresServer
) -> None:
    group, domain = b"those who have called too often", b"a customer with a long name"
    store.put_group(group.decode())
    store.add_domain(domain.decode())
    acme = store.within(domain.decode())
    acme.enrol("a speaker with a long name", PACK, [sample(1)])
    acme.fraudsters().put_group("a list of fraudsters")
    job = acme.jobs.add("enrol", 1, {"speakers": ["a speaker with a long name"]})
    query = b"SELECT sealed_payload FROM jobs WHERE id = %s"
    ((payload,),) = raw.execute(query, [job.id]).fetchall()
    of_domain = [*traces(raw, "a speaker with a long name"), domain, b"a list of fraudsters",
                 payload, job.id.encode()]  # fmt: skip
    raw.execute("ANALYZE")  # which keeps values of columns as statistics
    assert left_of([group, *of_domain], postgres) == [group, *of_domain]
    store.delete_group(group.decode())
    assert left_of([group, *of_domain], postgres) == of_domain
    store.delete_domain(domain.decode())
    assert left_of(of_domain, postgres) == []


def test_large_tables_are_not_written_afresh_but_the_speaker_is_gone(
    store: Store, raw: Raw, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ada", "bob"):
        store.enrol(name, PACK, [sample(1)])
    found = traces(raw, "ada")
    with monkeypatch.context() as patch:
        patch.setattr(module, "ERASED_UP_TO", 1)
        store.delete("ada")
    assert [summary.name for summary in store.speakers()] == ["bob"]
    assert left_of(found, postgres) != []
    store.delete("bob")  # writes them afresh, as they are small again
    assert left_of(found, postgres) == []


def test_while_another_program_reads_the_old_state_its_traces_stay_and_this_is_told(
    postgres_url: str, raw: Raw, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.1)
    with closing(open_store(postgres_url, key=KEY)) as store:
        store.enrol("ada", PACK, [sample(1)])
        found = traces(raw, "ada")
        with raw.transaction():
            raw.execute("SELECT count(*) FROM samples")
            with pytest.raises(StoreWriteError, match="It is deleted, but its traces stay in"):
                store.delete("ada")
            assert store.speakers() == []
            open_store(postgres_url, key=KEY).close()  # does not wait, and does not fail
            assert left_of(found, postgres) != []
        open_store(postgres_url, key=KEY).close()
        assert left_of(found, postgres) == []


def test_the_name_of_a_store_has_no_secret_in_it() -> None:
    url = "postgresql://me:secret@db.example:5433/voices?sslpassword=secret"
    assert module._name_of(make_url(url)) == "voices on db.example:5433"
    url = "postgresql://me:secret@/voices?host=a:5432&host=b:5432&target_session_attrs=read-write"
    assert module._name_of(make_url(url)) == "voices on a:5432 or b:5432"
