import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tiny_ear import TinyEar

from voxgate.errors import EnrolmentError, KnownFraudsterError
from voxgate.server.archives import Labelled
from voxgate.server.batch import Batch, Item, Processor, spooled
from voxgate.server.spool import Spool, new_key
from voxgate.store import open_store
from voxgate.verify import Verifier


@pytest.fixture
def sides(tiny_pack):
    """The verifiers of a domain's speakers and of its fraudsters."""
    store, ear = open_store("memory:"), TinyEar(tiny_pack)
    both = (store, store.fraudsters())
    yield [Verifier(side, pack=tiny_pack, embedder=ear) for side in both]
    store.close()


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path, "job1", new_key())


def processor(sides, spool, *, since=None, **options):
    batch = Batch(**{"kind": "enrolment", "items": (), "key": b"", **options})
    return Processor(batch, spool, *sides, since or datetime.now(timezone.utc))


def item(spool, *recordings, speaker="ada"):
    (made,) = spooled(
        [Labelled(speaker, f"{i}.wav", words) for i, words in enumerate(recordings)], spool
    )
    return made


def test_recordings_are_listed_by_speaker_in_the_order_they_came(spool):
    given = [Labelled("ada", "a", b"1"), Labelled("bob", "b", b"2"), Labelled("ada", "c", b"3")]
    assert spooled(given, spool) == (
        Item("ada", ((0, "a"), (2, "c"))),
        Item("bob", ((1, "b"),)),
    )
    assert spool.get(2) == b"3"


def test_a_batch_comes_back_from_json_as_it_was():
    batch = Batch("fraudsters", (Item("ada", ((0, "a"),)),), new_key(), "overwrite", "ignore", "w")
    assert Batch.from_dict(json.loads(json.dumps(batch.to_dict()))) == batch


def test_a_speaker_is_enrolled_with_what_can_be_heard(sides, spool):
    made = item(spool, b"0/0", b"noise", b"0/1")
    assert processor(sides, spool).process(made) == "enrolled"
    samples = sides[0].store.samples("ada")
    assert [sample.name for sample in samples] == ["0.wav", "2.wav"]


def test_a_speaker_of_whom_nothing_can_be_heard_fails_with_the_reason(sides, spool):
    with pytest.raises(EnrolmentError, match=r"0\.wav is no sound"):
        processor(sides, spool).process(item(spool, b"noise"))


def test_a_voiceprint_that_is_there_is_skipped_or_overwritten(sides, spool):
    before = processor(sides, spool)
    before.process(item(spool, b"0/0"))
    other = item(spool, b"3/0", b"3/1")
    assert processor(sides, spool).process(other) == "skipped"
    assert len(sides[0].store.samples("ada")) == 1
    assert processor(sides, spool, existing="overwrite").process(other) == "enrolled"
    assert len(sides[0].store.samples("ada")) == 2


def test_what_the_job_itself_enrolled_before_it_was_cut_off_is_not_skipped(sides, spool):
    work, made = processor(sides, spool), item(spool, b"0/0")
    work.process(made)
    assert work.process(made) == "enrolled"
    assert len(sides[0].store.samples("ada")) == 1
    later = replace(work, since=datetime.now(timezone.utc) + timedelta(seconds=1))
    assert later.process(made) == "skipped"
    other_names = replace(made, recordings=((0, "other.wav"),))
    assert work.process(other_names) == "skipped"


def test_a_speaker_who_sounds_like_a_known_fraudster_fails_unless_that_is_ignored(sides, spool):
    fraudster = item(spool, b"3/0", speaker="mallory")
    work = processor(sides, spool, kind="fraudsters", watchlist="known")
    assert work.process(fraudster) == "enrolled"
    assert sides[1].store.members("known") == ["mallory"]
    claimed = item(spool, b"3/1")
    with pytest.raises(KnownFraudsterError, match="ada sounds like a known fraudster"):
        processor(sides, spool).process(claimed)
    assert processor(sides, spool).process(item(spool, b"0/0", speaker="bob")) == "enrolled"
    assert processor(sides, spool, on_fraud_risk="ignore").process(claimed) == "enrolled"
    assert [one.name for one in sides[0].store.speakers()] == ["ada", "bob"]


def test_a_fraudster_who_was_registered_but_not_yet_listed_is_listed(sides, spool):
    fraudster = item(spool, b"3/0", speaker="mallory")
    since = datetime.now(timezone.utc)
    processor(sides, spool, kind="fraudsters").process(fraudster)
    work = processor(sides, spool, kind="fraudsters", watchlist="known", since=since)
    assert work.process(fraudster) == "enrolled"
    assert sides[1].store.members("known") == ["mallory"]
