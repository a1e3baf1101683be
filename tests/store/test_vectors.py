"""The search of PostgreSQL: exact among few voices, by an index among many, within its scope."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import psycopg
import pytest
from sqlalchemy import text

from store.conftest import KEY
from store.migrating import migrate_down
from store.samples import PACK, sample
from voxgate.errors import GroupNotFoundError, StoreCorruptError
from voxgate.store import Nearest, Store, open_store, vectors


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    """With speakers "0" to "19" of one sample each."""
    opened = open_store(postgres_url, key=KEY)
    for number in range(20):
        opened.enrol(str(number), PACK, [sample(number)])
    yield opened
    opened.close()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let five voices be so many that an index is used."""
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 5)


def near(number: int) -> np.ndarray:
    """A probe: near to the voice of that sample."""
    vector = sample(number).vector + 0.2 * sample(1000 + number).vector
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def search(store: Store, number: int, count: int = 3, **scope: object) -> Nearest:
    found = store.search(PACK, near(number), count, **scope)  # type: ignore[arg-type]
    assert found is not None
    return found


def names(found: Nearest) -> list[str]:
    return [voiceprint.speaker for voiceprint in found.voiceprints]


def by_hand(number: int, among: range = range(20), count: int = 3) -> list[str]:
    cosines = {str(n): float(sample(n).vector @ near(number)) for n in among}
    return sorted(cosines, key=lambda name: -cosines[name])[:count]


def test_the_nearest_are_found_nearest_first(store: Store) -> None:
    for number in range(20):
        found = search(store, number)
        assert (names(found), found.searched) == (by_hand(number), 20)
        kept = store.voiceprint(found.voiceprints[0].speaker, PACK)
        assert found.voiceprints[0].vector.tolist() == kept.vector.tolist()
    assert len(search(store, 1, 100).voiceprints) == 20


def test_only_who_is_in_scope_is_found(store: Store) -> None:
    assert names(search(store, 1, among=["3", "5", "nobody"])) == by_hand(1, range(3, 6, 2))
    assert search(store, 1, among=["3", "5", "nobody"]).searched == 2
    assert search(store, 1, among=[]) == ([], 0)
    store.put_group("staff")
    store.add_members("staff", ["7", "8", "9", "10"])
    assert names(search(store, 1, group="staff")) == by_hand(1, range(7, 11))
    assert names(search(store, 1, group="staff", among=["1", "9"])) == ["9"]
    with pytest.raises(GroupNotFoundError):
        search(store, 1, group="nobody")
    found = store.search("other@1", near(1), 3)
    assert found == ([], 0)


def test_domains_and_fraudsters_are_never_met(store: Store) -> None:
    store.add_domain("acme")
    acme = store.within("acme")
    acme.enrol("1", PACK, [sample(1)])
    store.fraudsters().enrol("eve", PACK, [sample(2)])
    assert names(search(acme, 2)) == ["1"]
    assert names(search(store.fraudsters(), 1)) == ["eve"]
    assert search(store, 2, 100).searched == 20


def test_what_is_changed_or_deleted_is_found_as_it_is(store: Store) -> None:
    store.enrol("1", PACK, [sample(50)], mode="replace")
    assert names(search(store, 50))[0] == "1"
    store.enrol("50", PACK, [sample(1)])
    assert names(search(store, 1))[0] == "50"
    store.delete("50")
    assert "50" not in names(search(store, 1, 100))
    store.reset("1")
    assert search(store, 1, 100).searched == 19


def test_voices_of_other_dimensions_are_left_out(store: Store) -> None:
    store.enrol("short", PACK, [sample(1, dim=4)])
    assert "short" not in names(search(store, 1, 100))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("count", [1, 3, 30])
def test_among_many_an_index_is_used_and_finds_them_as_well(
    own_database: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(own_database, key=KEY)) as store:
        for number in range(4):
            store.enrol(str(number), PACK, [sample(number)])
        with psycopg.connect(own_database, autocommit=True) as raw:
            exists = "SELECT to_regclass(%s) IS NOT NULL"
            assert raw.execute(exists, [vectors.index_of(PACK)]).fetchone() == (False,)
            store.add_domain("acme")
            store.within("acme").enrol("1", PACK, [sample(1)])
            assert raw.execute(exists, [vectors.index_of(PACK)]).fetchone() == (True,)
        for number in range(4, 20):
            store.enrol(str(number), PACK, [sample(number)])
        with monkeypatch.context() as patch:
            if count < 20:
                patch.delattr(vectors, "_exactly")
            for number in range(20):
                found = search(store, number, count)
                assert (names(found), found.searched) == (by_hand(number, count=count), 20)
        assert names(search(store.within("acme"), 5, count)) == ["1"]


@pytest.mark.usefixtures("few")
def test_an_index_is_what_postgresql_uses(own_database: str) -> None:
    with closing(open_store(own_database, key=KEY)) as store:
        for number in range(6):
            store.enrol(str(number), PACK, [sample(number)])
        query, values = vectors._by_index(vectors.Scope("default", PACK), near(1), 3)
        with store._database.reading() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
            for _ in range(8):  # so often that the plan could be one for all packs
                connection.execute(vectors._SEARCHING, {"effort": "100"})
                plan = connection.execute(text(f"EXPLAIN {query}"), values).scalars().all()
                assert any(vectors.index_of(PACK) in line for line in plan)


def test_how_many_there_are_among_many_is_not_counted_each_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 15)
    assert search(store, 1).searched == 20
    store.delete("1")
    assert search(store, 1).searched == 20
    monkeypatch.setattr(vectors, "COUNTED_FOR_S", 0.0)
    assert search(store, 1).searched == 19


def test_an_altered_vector_can_hide_a_voice_but_not_put_another_in_its_place(
    store: Store, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as raw:
        raw.execute(
            "UPDATE vectors SET embedding = (SELECT embedding FROM vectors JOIN speakers ON"
            " id = speaker_id WHERE name = '2') WHERE speaker_id IN"
            " (SELECT id FROM speakers WHERE name = '1')"
        )
        first, *rest = search(store, 2, 20).voiceprints
        assert first.speaker == "2"  # by the sealed voiceprints
        assert {one.speaker for one in rest} == {str(n) for n in range(20) if n != 2}
        raw.execute("UPDATE voiceprints SET speech_s = 9")
    with pytest.raises(StoreCorruptError, match="was altered"):
        search(store, 2)


def test_vectors_that_are_missing_are_put_in_at_opening(store: Store, own_database: str) -> None:
    with closing(open_store(own_database, key=KEY)) as first:
        for number in range(3):
            first.enrol(str(number), PACK, [sample(number)])
        first.fraudsters().enrol("eve", "other@1", [sample(4, dim=4)])
        migrate_down(first, "0002")
    with closing(open_store(own_database, key=KEY)) as again:
        assert names(search(again, 2)) == by_hand(2, range(3))
        found = again.fraudsters().search("other@1", sample(4, dim=4).vector, 1)
        assert found is not None
        assert names(found) == ["eve"]
