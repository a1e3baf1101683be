"""Answers to requests with an idempotency key, over each of the databases."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from store.conftest import KEY
from store.samples import PACK, sample
from voxgate.errors import KeyReusedError, RequestInProgressError, StoreCorruptError
from voxgate.store import Answer, Claim, open_store, responses, schema
from voxgate.store.sqlite import SqliteDatabase

ADA = Answer(201, b"digest of the body", b'{"speaker": "ada"}')
LEASE = {"lease_s": 60.0}
DAY_US = 24 * 3600 * 1_000_000


@pytest.fixture
def store(url):
    opened = open_store(url, key=KEY)
    opened.add_domain("acme")
    opened.enrol("ada", PACK, [sample(1), sample(2)])
    opened.describe("ada", {"account": 1})
    opened.enrol("bob", PACK, [sample(3)])
    opened.fraudsters().enrol("mallory", PACK, [sample(4)])
    yield opened
    opened.close()


def answered(store, key="k1", answer=ADA, names=("ada",)):
    """A key whose request was answered."""
    store.responses.finish(store.responses.begin(key, "POST", **LEASE), answer, names=names)
    return key


def found(store, key="k1"):
    return store.responses.begin(key, "POST", **LEASE)


def test_a_key_is_claimed_once_and_then_has_an_answer(store):
    claim = store.responses.begin("k1", "POST", **LEASE)
    assert isinstance(claim, Claim)
    with pytest.raises(RequestInProgressError):
        found(store)
    store.responses.finish(claim, ADA, names=["ada"])
    assert found(store) == ADA
    assert isinstance(found(store, "k2"), Claim)


def test_of_threads_that_claim_a_key_at_the_same_time_one_has_it(store):
    def claim(_):
        try:
            return store.responses.begin("k1", "POST", **LEASE)
        except RequestInProgressError:
            return None

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(claim, range(8)))
    assert sum(one is not None for one in claims) == 1


def test_another_request_with_the_key_is_refused_while_it_is_worked_on_and_after(store):
    claim = store.responses.begin("k1", "POST", **LEASE)
    with pytest.raises(KeyReusedError, match="choose a new one"):
        store.responses.begin("k1", "DELETE", **LEASE)
    store.responses.finish(claim, ADA, names=["ada"])
    with pytest.raises(KeyReusedError):
        store.responses.begin("k1", "DELETE", **LEASE)


def test_domains_know_nothing_of_each_others_keys_and_sides_share_them(store):
    answered(store)
    other = store.within("acme").responses
    assert isinstance(other.begin("k1", "DELETE", **LEASE), Claim)
    assert store.fraudsters().responses.begin("k1", "POST", **LEASE) == ADA


def test_a_claim_that_is_given_up_or_runs_out_can_be_taken(store):
    store.responses.release(found(store))
    lost = store.responses.begin("k1", "POST", lease_s=0.05)
    time.sleep(0.06)
    taken = found(store)
    assert isinstance(taken, Claim)
    store.responses.release(lost)  # these have no part in it any more
    store.responses.finish(lost, ADA, names=["ada"])
    store.responses.renew(lost, lease_s=0)
    with pytest.raises(RequestInProgressError):
        found(store)
    store.responses.finish(taken, ADA, names=["ada"])
    store.responses.release(taken)
    assert found(store) == ADA


def test_a_claim_that_is_renewed_does_not_run_out(store):
    claim = store.responses.begin("k1", "POST", lease_s=0.05)
    store.responses.renew(claim, **LEASE)
    time.sleep(0.06)
    with pytest.raises(RequestInProgressError):
        found(store)


def test_after_a_day_a_key_can_be_used_again(store, monkeypatch):
    at_us = responses.now_us()
    answered(store)
    monkeypatch.setattr(responses, "now_us", lambda: at_us + DAY_US - 1)
    assert found(store) == ADA
    monkeypatch.setattr(responses, "now_us", lambda: at_us + DAY_US + 60_000_000)
    assert isinstance(found(store, "k2"), Claim)
    assert [row.status for row in rows(store)] == [None]  # any key prunes all
    assert isinstance(store.responses.begin("k1", "DELETE", **LEASE), Claim)


ERASURES = {
    "delete": lambda store: store.delete("ada"),
    "opt_out": lambda store: store.opt_out("ada"),
    "reset": lambda store: store.reset("ada"),
    "remove_sample": lambda store: store.remove_sample("ada", sample(1).id),
    "replace": lambda store: store.enrol("ada", PACK, [sample(9)], mode="replace"),
    "describe": lambda store: store.describe("ada", {"account": 2}),
    "import": lambda store: store.import_(
        {**store.export("ada"), "samples": [], "metadata": {"account": 2}}, mode="replace"
    ),
}


@pytest.mark.parametrize("erase", ERASURES.values(), ids=ERASURES)
def test_with_a_speaker_goes_what_may_name_the_speaker_and_nothing_else(store, erase):
    answered(store, "ada")
    answered(store, "any", names=None)
    answered(store, "several", names={"bob", "eve"})
    answered(store, "bob", names=["bob"])
    answered(store, "nobody", names=[])
    answered(store.within("acme"), "elsewhere")
    erase(store)
    for key in ("ada", "any", "several"):
        assert found(store, key) == Answer(201, ADA.body_digest, None), key
    assert found(store, "bob") == found(store, "nobody") == ADA
    assert found(store.within("acme"), "elsewhere") == ADA


def test_who_is_not_known_and_opts_out_is_forgotten_too(store):
    answered(store, names=["eve"])
    store.opt_out("eve")
    assert found(store).content is None


def test_with_a_fraudster_goes_what_names_the_fraudster(store):
    answered(store, "ada")
    answered(store, "mallory", names=["mallory"])
    store.fraudsters().delete("mallory")
    assert found(store, "mallory").content is None
    assert found(store, "ada") == ADA


FORGETTING = {
    "job": lambda store: store.jobs.remove(store.jobs.add("enrolment", 1, {}).id),
    "group": lambda store: store.delete_group(store.put_group("staff").name),
}


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
def test_with_a_job_or_a_group_goes_whatever_names_somebody_or_may_name_it(store, forget):
    answered(store)
    answered(store, "any", names=None)
    answered(store, "nobody", names=())
    forget(store)
    assert found(store).content is found(store, "any").content is None
    assert found(store, "nobody") == ADA


@pytest.mark.parametrize("action", responses.ERASING)
@pytest.mark.parametrize(("names", "kept"), [(("ada",), 0), (None, 0), (("bob",), 1), ((), 1)])
def test_an_answer_that_comes_after_the_erasure_of_whom_it_is_about_is_not_kept(
    store, action, names, kept
):
    claim = found(store)
    ERASURES[action](store)
    store.responses.finish(claim, ADA, names=names)
    assert found(store) == Answer(201, ADA.body_digest, ADA.content if kept else None)


def test_an_answer_about_a_fraudster_who_was_deleted_meanwhile_is_not_kept(store):
    claim = found(store)
    store.fraudsters().delete("mallory")
    store.responses.finish(claim, ADA, names=["mallory"])
    assert found(store).content is None


def test_what_was_erased_before_or_elsewhere_does_not_matter(store):
    store.delete("ada")
    claim = found(store)
    store.within("acme").opt_out("ada")
    store.enrol("ada", PACK, [sample(5)])
    store.responses.finish(claim, ADA, names=["ada"])
    assert found(store) == ADA


@pytest.mark.parametrize(("more", "kept"), [(0, True), (1, False)])
def test_what_is_too_long_or_not_to_be_kept_is_known_to_have_been_answered(store, more, kept):
    content = bytes(responses.LONGEST_ANSWER + more)
    answered(store, "long", Answer(200, b"d", content))
    assert found(store, "long") == Answer(200, b"d", content if kept else None)
    answered(store, "secret", Answer(201, b"d", None))
    assert found(store, "secret") == Answer(201, b"d", None)
    answered(store, "empty", Answer(204, b"d", b""))
    assert found(store, "empty") == Answer(204, b"d", b"")


def test_names_are_compared_as_everywhere(store):
    answered(store, names=[" ada "])
    store.delete("ada")
    assert found(store).content is None


def rows(store):
    with store._database.reading() as connection:
        return connection.execute(select(schema.responses)).all()


def test_answers_go_with_their_domain(store):
    answered(store.within("acme"))
    store.delete_domain("acme")
    assert rows(store) == []


def test_nothing_in_a_row_can_be_read_or_altered_without_the_key_of_the_store(store):
    answered(store, "order-of-zoe", Answer(201, b"zoe", b"zoe"), names=["zoe"])
    (row,) = rows(store)
    open_values = (row.key, row.request, row.speaker)
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in open_values)
    for value in row:
        assert b"zoe" not in (value if isinstance(value, bytes) else str(value).encode())
    with store._database.writing() as connection:
        connection.execute(schema.responses.update().values(status=200))
    with pytest.raises(StoreCorruptError, match="An answer to a request"):
        found(store, "order-of-zoe")


@pytest.mark.parametrize("erase", ["delete", "opt_out", "reset", "remove_sample"])
def test_no_byte_of_an_answer_is_left_in_a_sqlite_file(tmp_path, erase):
    store = open_store(f"sqlite:///{tmp_path}/voices.db", key=KEY)
    store.enrol("ada", PACK, [sample(1)])
    for number in range(20):
        answered(store, f"k{number}", names=["ada"] if number % 2 else ["bob"])
    sealed = [row.sealed_content for row in rows(store) if row.sealed_content]
    assert len(left_of(sealed, tmp_path)) == 20
    ERASURES[erase](store)
    kept = [row.sealed_content for row in rows(store) if row.sealed_content]
    assert len(kept) == 10
    assert left_of(sealed, tmp_path) == left_of(kept, tmp_path)
    store.close()


def test_files_are_written_afresh_even_if_nothing_but_an_answer_is_forgotten(tmp_path, monkeypatch):
    store, erased = open_store(f"sqlite:///{tmp_path}/voices.db", key=KEY), []
    monkeypatch.setattr(SqliteDatabase, "erase", lambda self, **_: erased.append(True) or True)
    store.opt_out("eve")
    assert erased == []  # nobody knew of her
    answered(store, names=["mallory"])
    store.opt_out("mallory")
    assert erased == [True]
    store.jobs.remove(store.jobs.add("enrolment", 1, {}).id)
    assert erased == [True, True]
    store.close()


def left_of(values, folder):
    """Those that are in one of the files of a folder."""
    written = b"".join(file.read_bytes() for file in folder.iterdir())
    return sorted(value for value in values if value in written)


def test_no_byte_of_an_answer_is_left_in_the_tables_of_postgresql(postgres_url, postgres):
    store = open_store(postgres_url, key=KEY)
    store.enrol("ada", PACK, [sample(1)])
    answered(store)
    (row,) = rows(store)
    ((file,),) = postgres.run("SELECT pg_relation_filepath('responses')", "made")
    postgres.run("CHECKPOINT")
    assert row.sealed_content in (postgres.data / file).read_bytes()
    store.delete("ada")
    postgres.run("CHECKPOINT")
    folder = (postgres.data / file).parent
    assert left_of([row.sealed_content], folder) == []
    store.close()
