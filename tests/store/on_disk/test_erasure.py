"""What is left in the bytes of a SQLite store's files of what was taken back: nothing."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from store.databases import opening
from store.samples import PACK, sample
from voxgate.errors import SpeakerNotFoundError, StoreWriteError
from voxgate.store import Store, sqlite
from voxgate.store.sqlite import SqliteDatabase


def traces(store: Store, path: Path, speaker: str) -> list[bytes]:
    """All that is kept of a speaker, as it is on the disk and as it is in clear, in pieces."""
    query = """SELECT s.name, s.id, a.id, a.sealed_embedding, a.sealed_facts, v.sealed_embedding
        FROM speakers s JOIN samples a ON a.speaker_id = s.id
        JOIN voiceprints v ON v.speaker_id = s.id WHERE s.name = ?"""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(query, (speaker,)).fetchall()
    stored = [value.encode() if isinstance(value, str) else value for row in rows for value in row]
    clear = [store.voiceprint(speaker, PACK).vector.tobytes()]
    for kept in store.samples(speaker):
        clear += [kept.vector.tobytes(), kept.name.encode()]
    return sorted({piece for value in (*stored, *clear) for piece in pieces(value)})


def pieces(value: bytes, length: int = 16) -> list[bytes]:
    """The value cut up, as a part of it is a trace as well."""
    return [value[i : i + length] for i in range(0, max(1, len(value) - length + 1), length)]


def left_of(traces: list[bytes], path: Path) -> list[bytes]:
    """Those that are in the database's files."""
    written = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    return [trace for trace in traces if trace in written]


def enrol_many(store: Store, path: Path, count: int = 24) -> dict[str, list[bytes]]:
    """Enrol speakers with long names; give the traces of each."""
    found = {}
    for number in range(count):
        name = np.random.default_rng(number).bytes(30).hex()
        store.enrol(name, PACK, [sample(1000 + 2 * number + i, dim=200) for i in range(2)])
        found[name] = traces(store, path, name)
        assert len(left_of(found[name], path)) > 50
    return found


def test_of_a_deleted_speaker_no_byte_is_left(store: Store, path: Path) -> None:
    found = enrol_many(store, path)
    for name in list(found)[::3]:
        store.delete(name)
        assert left_of(found.pop(name), path) == []
    assert {summary.name for summary in store.speakers()} == set(found)
    assert all(len(left_of(values, path)) > 50 for values in found.values())
    assert len(store.audit_log(speaker=name)) == 2  # by a keyed hash of the name


def test_nothing_is_left_even_of_what_sqlite_did_not_overwrite(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_SETTINGS", ("foreign_keys = ON", "secure_delete = OFF"))
    with closing(opening(path)) as store:
        found = enrol_many(store, path, 10)
        with monkeypatch.context() as patch:  # the test would find it
            patch.setattr(SqliteDatabase, "erase", lambda self, *, wait=True: None)
            name, values = found.popitem()
            store.delete(name)
            assert len(left_of(values, path)) > 50
        for name, values in found.items():
            store.delete(name)
            assert left_of(values, path) == []


def test_deleted_rows_are_overwritten_even_where_the_files_cannot_be_written_afresh(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = enrol_many(store, path, 4)

    def empty_log_only(self: SqliteDatabase, *, wait: bool = True) -> None:
        with self._raw() as raw:
            sqlite._empty_log(raw)

    monkeypatch.setattr(SqliteDatabase, "erase", empty_log_only)
    for name, values in found.items():
        store.delete(name)
        assert left_of(values, path) == []


def test_of_replaced_samples_no_byte_is_left(store: Store, path: Path) -> None:
    found = enrol_many(store, path, 10)
    for name, values in found.items():
        kept = {*pieces(name.encode()), *pieces(speaker_id(path, name))}
        store.enrol(name, PACK, [sample(1)], mode="replace")
        assert set(left_of(values, path)) == {value for value in values if value in kept}


def speaker_id(path: Path, name: str) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT id FROM speakers WHERE name = ?"
        (found,) = connection.execute(query, (name,)).fetchone()
    return bytes(found, "ascii")


def test_of_samples_replaced_by_an_import_no_byte_is_left(store: Store, path: Path) -> None:
    store.enrol("ada", PACK, [sample(1)])
    document = store.export("ada")
    store.delete("ada")
    ((name, values),) = enrol_many(store, path, 1).items()
    kept = {*pieces(name.encode()), *pieces(speaker_id(path, name))}
    store.import_(document | {"speaker": name}, mode="replace")
    assert set(left_of(values, path)) == {value for value in values if value in kept}


@pytest.mark.usefixtures("impatient")
def test_while_another_program_reads_the_old_state_its_traces_stay_and_this_is_told(
    path: Path,
) -> None:
    with closing(opening(path)) as store:
        ((name, values),) = enrol_many(store, path, 1).items()
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM speakers").fetchone() == (1,)
            with pytest.raises(StoreWriteError, match=r"It is deleted, but its traces stay"):
                store.delete(name)
            with pytest.raises(SpeakerNotFoundError):
                store.samples(name)
            opening(path).close()  # does not wait, and does not fail
            assert left_of(values, path) != []
        with closing(opening(path)):
            assert left_of(values, path) == []


@pytest.mark.usefixtures("impatient")
def test_the_next_deletion_removes_the_traces_of_one_that_was_cut_short(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = enrol_many(store, path, 3)
    first, second, third = found

    def killed(self: SqliteDatabase, *, wait: bool = True) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SqliteDatabase, "erase", killed)
        store.delete(first)
    assert left_of(found[first], path) != []
    store.delete(second)
    assert left_of(found[first] + found[second], path) == []
    erased: list[bool] = []
    monkeypatch.setattr(SqliteDatabase, "erase", lambda self, *, wait=True: erased.append(wait))
    opening(path).close()
    assert erased == []  # nothing is due any more
    assert store.voiceprint(third, PACK).speaker == third


# everything else that takes back


def person(store: Store, number: int) -> str:
    """A speaker with metadata, two samples, and a group of its own."""
    name = np.random.default_rng(number).bytes(30).hex()
    store.add_speaker(name, {"account": f"a person's account {number}"})
    store.enrol(name, PACK, [sample(1000 + 2 * number + i, dim=200) for i in range(2)])
    store.put_group(group_of(name))
    store.add_members(group_of(name), [name])
    return name


def group_of(name: str) -> str:
    return f"those with {name[::-1]}"


def parts(path: Path, name: str) -> dict[str, list[bytes]]:
    """What is on the disk of a person, in pieces."""
    queries = {
        "speaker": "SELECT name, id FROM speakers WHERE name = :name",
        "metadata": "SELECT sealed_metadata FROM speakers WHERE name = :name",
        "first sample": f"{_SAMPLE} LIMIT 1",
        "second sample": f"{_SAMPLE} LIMIT 1 OFFSET 1",
        "voiceprint": """SELECT v.sealed_embedding FROM voiceprints v
            JOIN speakers s ON s.id = v.speaker_id WHERE s.name = :name""",
        "group": "SELECT name, id FROM speaker_groups WHERE name = :group",
    }
    facts = {"name": name, "group": group_of(name)}
    with closing(sqlite3.connect(path)) as connection:
        found = {part: connection.execute(query, facts).fetchone()
                 for part, query in queries.items()}  # fmt: skip
    return {part: in_pieces(row) for part, row in found.items() if row}


_SAMPLE = """SELECT a.id, a.sealed_embedding, a.sealed_facts FROM samples a
    JOIN speakers s ON s.id = a.speaker_id WHERE s.name = :name ORDER BY number"""


def in_pieces(row: tuple[str | bytes, ...]) -> list[bytes]:
    values = [value.encode() if isinstance(value, str) else value for value in row]
    return [piece for value in values for piece in pieces(value)]


VOICE = {"first sample", "second sample", "voiceprint"}
TAKEN_BACK: dict[str, tuple[Callable[[Store, str], object], set[str]]] = {
    "delete": (lambda store, name: store.delete(name), {"speaker", "metadata", *VOICE}),
    "opt_out": (lambda store, name: store.opt_out(name), {"speaker", "metadata", *VOICE}),
    "reset": (lambda store, name: store.reset(name), VOICE),
    "remove_sample": (
        lambda store, name: store.remove_sample(name, store.samples(name)[0].id),
        {"first sample", "voiceprint"},
    ),
    "describe": (lambda store, name: store.describe(name, {"other": 1}), {"metadata"}),
    "describe with nothing": (lambda store, name: store.describe(name, {}), {"metadata"}),
    "import": (
        lambda store, name: store.import_(
            store.export(name) | {"samples": [], "metadata": {"other": 1}}, mode="replace"
        ),
        {"metadata"},
    ),
    "delete_group": (lambda store, name: store.delete_group(group_of(name)), {"group"}),
}


@pytest.mark.parametrize("call", TAKEN_BACK)
def test_of_what_is_taken_back_no_byte_is_left(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    take_back, goes = TAKEN_BACK[call]
    monkeypatch.setattr(sqlite, "_SETTINGS", ("foreign_keys = ON", "secure_delete = OFF"))
    with closing(opening(path)) as store:
        names = [person(store, number) for number in range(8)]
        found = {name: parts(path, name) for name in names}
        with monkeypatch.context() as patch:  # the test would find it
            patch.setattr(SqliteDatabase, "erase", lambda self, *, wait=True: None)
            take_back(store, names[0])
            assert any(left_of(found[names[0]][part], path) for part in goes)
        for name in names[1:6]:
            take_back(store, name)
        for name in names[:6]:
            for part, values in found[name].items():
                assert left_of(values, path) == ([] if part in goes else values), part
        for name in names[6:]:
            for values in found[name].values():
                assert left_of(values, path) == values


def test_of_a_deleted_domain_no_byte_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_SETTINGS", ("foreign_keys = ON", "secure_delete = OFF"))
    with closing(opening(path)) as store:
        domains = {f"a customer called {name}": number for number, name in enumerate(("a", "b"))}
        found: dict[str, list[bytes]] = {}
        for domain, number in domains.items():
            store.add_domain(domain)
            view = store.within(domain)
            names = [person(view, 10 * number + i) for i in range(3)]
            names.append(person(view.fraudsters(), 10 * number + 3))
            found[domain] = [piece for name in names for part in parts(path, name).values()
                             for piece in part]  # fmt: skip
            job = view.jobs.add("enrol", 1, {"speakers": names})
            with closing(sqlite3.connect(path)) as connection:
                query = "SELECT id, sealed_payload FROM jobs WHERE id = ?"
                found[domain] += in_pieces(connection.execute(query, (job.id,)).fetchone())
            found[domain] += pieces(domain.encode(), len(domain))
            assert left_of(found[domain], path) == found[domain]
        gone, kept = domains
        store.delete_domain(gone)
        assert left_of(found[gone], path) == []
        assert left_of(found[kept], path) == found[kept]
