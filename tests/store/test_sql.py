"""What is on the disk of a store in an SQL database: sealed, bound to its place, never altered."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from store.samples import PACK, sample
from voxgate.errors import SpeakerNotFoundError, StoreCorruptError, StoreKeyError, VoxgateError
from voxgate.store import Store, open_store

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voices.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store with "ada" and "bob"."""
    opened = open_store(f"sqlite:///{path}", key=KEY)
    opened.enrol("ada", PACK, [sample(1), sample(2)])
    opened.enrol("bob", PACK, [sample(3), sample(4)])
    yield opened
    opened.close()


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


def content(path: Path) -> bytes:
    """All bytes of the database's files."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


# encryption


def test_nothing_of_a_voice_is_on_the_disk_in_clear(store: Store, path: Path) -> None:
    store.audit("verify", "ada", {"probe": "a-probe.wav"})
    store.voiceprints(PACK)
    written = content(path)
    assert b"ada" in written  # names are open, so that the database can search them
    vectors = [kept.vector for kept in store.samples("ada")]
    for vector in (each.tobytes() for each in (*vectors, store.voiceprint("ada", PACK).vector)):
        assert not any(vector[i : i + 8] in written for i in range(0, len(vector), 8))
    for secret in (b"recording-1", b"snr_db", b"made up", b"a-probe", KEY, KEY.hex().encode()):
        assert secret not in written


def test_another_key_is_refused_at_opening(store: Store, path: Path) -> None:
    with pytest.raises(StoreKeyError, match=r"^The key given is not the key that this store was"):
        open_store(f"sqlite:///{path}", key=bytes(32))


def test_the_key_of_the_environment_is_used(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXGATE_KEY", KEY.hex())
    again = open_store(f"sqlite:///{path}")
    assert len(again.samples("ada")) == 2
    again.close()
    monkeypatch.setenv("VOXGATE_KEY", bytes(32).hex())
    with pytest.raises(StoreKeyError, match=r"^VOXGATE_KEY is not the key"):
        open_store(f"sqlite:///{path}")
    monkeypatch.delenv("VOXGATE_KEY")
    with pytest.raises(StoreKeyError, match=r"key file .*voices\.db\.key is missing"):
        open_store(f"sqlite:///{path}")


def test_a_new_store_makes_a_key_file_and_is_opened_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOXGATE_KEY", raising=False)
    with closing(open_store(f"sqlite:///{path}")) as store:
        store.enrol("ada", PACK, [sample(1)])
    assert sorted(file.name for file in path.parent.iterdir()) == ["voices.db", "voices.db.key"]
    with closing(open_store(f"sqlite:///{path}")) as store:
        assert store.samples("ada")[0].name == "recording-1.wav"
    if os.name == "posix":
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


# tampering


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE voiceprints SET sealed_embedding = (SELECT max(sealed_embedding) FROM voiceprints)",
        "UPDATE voiceprints SET speech_s = speech_s + 1 WHERE rowid = 1",
        "UPDATE voiceprints SET recordings = 9 WHERE rowid = 1",
        "UPDATE voiceprints SET updated_us = updated_us + 1 WHERE rowid = 1",
        "UPDATE speakers SET name = 'eve' WHERE name = 'ada'",
        "UPDATE voiceprints SET sealed_embedding = x'' WHERE rowid = 1",
        "UPDATE voiceprints SET sealed_embedding = 'text' WHERE rowid = 1",
    ],
)
def test_an_altered_or_exchanged_voiceprint_is_noticed(
    store: Store, path: Path, statement: str
) -> None:
    alter(path, statement)
    with pytest.raises(StoreCorruptError, match=r"voiceprint of '\w+' in the store was altered"):
        store.voiceprints(PACK)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE samples SET sealed_embedding = (SELECT min(sealed_embedding) FROM samples)",
        "UPDATE samples SET sealed_facts = (SELECT min(sealed_facts) FROM samples)",
        "UPDATE samples SET sealed_facts = sealed_embedding",
        "UPDATE samples SET speech_s = 99",
        "UPDATE samples SET speech_s = 'x'",
        "UPDATE samples SET pack = 'other@1'",
        "UPDATE samples SET added_us = 0",
        "UPDATE samples SET id = printf('%032x', number + 100)",
        "UPDATE samples SET speaker_id = (SELECT id FROM speakers WHERE name = 'ada')",
    ],
)
def test_an_altered_or_exchanged_sample_is_noticed(
    store: Store, path: Path, statement: str
) -> None:
    alter(path, statement)
    with pytest.raises(StoreCorruptError, match="A sample of 'ada' in the store was altered"):
        store.samples("ada")


def test_voiceprints_cannot_be_carried_over_from_before_a_deletion(
    store: Store, path: Path
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT v.* FROM voiceprints v JOIN speakers s ON s.id = speaker_id"
        (old,) = connection.execute(f"{query} WHERE name = 'ada'").fetchall()
    store.delete("ada")
    store.enrol("ada", PACK, [sample(1), sample(2)])
    of_ada = "WHERE speaker_id = (SELECT id FROM speakers WHERE name = 'ada')"
    alter(path, f"UPDATE voiceprints SET sealed_embedding = x'{old[-1].hex()}' {of_ada}")  # noqa: S608
    with pytest.raises(StoreCorruptError, match="voiceprint of 'ada'"):
        store.voiceprint("ada", PACK)


def test_a_damaged_speaker_can_still_be_deleted_or_replaced(store: Store, path: Path) -> None:
    alter(path, "UPDATE samples SET sealed_embedding = x'00'")
    store.delete("ada")
    store.enrol("bob", PACK, [sample(5)], mode="replace")
    assert [found.speaker for found in store.voiceprints(PACK)] == ["bob"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE speakers SET name = x'00' WHERE name = 'ada'",
        "UPDATE speakers SET created_us = 'x'",
        "UPDATE speakers SET updated_us = 9223372036854775807",
        "UPDATE samples SET speech_s = 'x', pack = x'00' WHERE number = 1",
    ],
)
def test_a_list_of_speakers_that_makes_no_sense_is_noticed(
    store: Store, path: Path, statement: str
) -> None:
    alter(path, statement)
    with pytest.raises(StoreCorruptError, match="list of speakers in the store is damaged"):
        store.speakers()
    with pytest.raises(SpeakerNotFoundError, match="Did you mean 'bob'"):
        store.delete("bobb")


@pytest.mark.parametrize("verb", ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log"])
def test_the_audit_log_can_only_be_added_to(store: Store, path: Path, verb: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"audit log cannot be (changed|removed)"):
        alter(path, verb)
    assert len(store.audit_log()) == 2


def test_an_audit_entry_that_was_put_in_from_outside_is_noticed(store: Store, path: Path) -> None:
    alter(
        path,
        "INSERT INTO audit_log (at_us, action, speaker, sealed_detail) "
        "SELECT at_us, 'delete', speaker, sealed_detail FROM audit_log",
    )
    with pytest.raises(StoreCorruptError, match="An entry of the audit log"):
        store.audit_log()


def test_a_flipped_byte_changes_no_voice_and_ends_in_no_other_error(path: Path) -> None:
    with closing(open_store(f"sqlite:///{path}", key=KEY)) as store:
        store.enrol("ada", PACK, [sample(1), sample(2)])
        vector = store.voiceprint("ada", PACK).vector.tobytes()
        vectors = {kept.vector.tobytes() for kept in store.samples("ada")}
    good = path.read_bytes()
    used = np.flatnonzero(np.frombuffer(good, np.uint8))  # the rest is empty space
    refused = 0
    for position in np.random.default_rng(0).choice(used, 150, replace=False):
        damaged = bytearray(good)
        damaged[position] ^= 1 << int(position) % 8
        path.write_bytes(damaged)
        try:
            with closing(open_store(f"sqlite:///{path}", key=KEY)) as store:
                store.speakers()
                store.audit_log()
                assert {v.vector.tobytes() for v in store.voiceprints(PACK)} <= {vector}
                assert {kept.vector.tobytes() for kept in store.samples("ada")} <= vectors
        except VoxgateError as error:
            assert len(str(error)) < 400
            refused += 1
        for extra in ("-wal", "-shm"):
            path.with_name(path.name + extra).unlink(missing_ok=True)
    assert refused > 50
