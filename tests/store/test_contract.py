"""What every backend must do, run over each of them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from store.conftest import KEY
from store.samples import PACK, START, sample
from voxgate.errors import (
    ScoringError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    StoreError,
    UsageError,
)
from voxgate.store import Sample, Store, Voiceprint, default_url, open_store


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, key=KEY)
    yield opened
    opened.close()


def facts_of(kept: Sample) -> tuple[Any, ...]:
    vector = kept.vector.dtype, kept.vector.tobytes()
    return (kept.id, vector, kept.speech_s, kept.quality, kept.name, kept.added_at)


def facts_of_voiceprint(found: Voiceprint) -> tuple[Any, ...]:
    vector = found.vector.dtype, found.vector.tobytes()
    amount = (found.speech_s, found.recordings, found.updated_at)
    return (found.speaker, found.pack, vector, *amount)


def state(store: Store) -> tuple[Any, ...]:
    """Everything but the audit log."""
    summaries = store.speakers()
    samples = [facts_of(kept) for summary in summaries for kept in store.samples(summary.name)]
    return store.revision(), summaries, samples


# enrolling


def test_a_voiceprint_is_the_mean_of_the_samples_weighted_by_their_speech(store: Store) -> None:
    east = replace(sample(1), vector=np.array([1, 0], np.float32), speech_s=3.0)
    north = replace(sample(2), vector=np.array([0, 1], np.float32), speech_s=4.0)
    store.enrol("ada", PACK, [east, north])
    found = store.voiceprint("ada", PACK)
    assert found.vector.dtype == np.float32
    assert found.vector.tolist() == pytest.approx([0.6, 0.8])
    assert (found.speech_s, found.recordings, found.updated_at) == (7.0, 2, north.added_at)


def test_the_voiceprint_is_always_that_of_all_samples(store: Store) -> None:
    returned = store.enrol("ada", PACK, [sample(1), sample(2)])
    assert facts_of_voiceprint(returned) == facts_of_voiceprint(store.voiceprint("ada", PACK))
    returned = store.enrol("ada", PACK, [sample(3)], mode="add")
    expected = Voiceprint.of("ada", PACK, [sample(1), sample(2), sample(3)])
    assert facts_of_voiceprint(store.voiceprint("ada", PACK)) == facts_of_voiceprint(expected)
    assert facts_of_voiceprint(returned) == facts_of_voiceprint(expected)


def test_samples_come_back_as_they_were_in_the_order_they_came(store: Store) -> None:
    given = [sample(3), sample(1), sample(2)]
    store.enrol("ada", PACK, given[:2])
    store.enrol("ada", PACK, given[2:], mode="add")
    assert [facts_of(kept) for kept in store.samples("ada")] == [facts_of(one) for one in given]


def test_times_are_told_in_utc_whatever_zone_they_came_in(store: Store) -> None:
    elsewhere = START.astimezone(timezone(timedelta(hours=-5)))
    store.enrol("ada", PACK, [replace(sample(1), added_at=elsewhere)])
    for told in (store.samples("ada")[0].added_at, store.voiceprint("ada", PACK).updated_at):
        assert told.isoformat() == "2025-01-31T12:00:00.123456+00:00"


def test_a_new_speaker_must_not_be_there_already(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    before = state(store)
    with pytest.raises(SpeakerExistsError, match="'ada' is enrolled already"):
        store.enrol("ada", PACK, [sample(2)], mode="new")
    assert state(store) == before


def test_adding_needs_an_enrolment_to_add_to(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    before = state(store)
    with pytest.raises(SpeakerNotFoundError, match="Did you mean 'ada'"):
        store.enrol("adda", PACK, [sample(2)], mode="add")
    with pytest.raises(SpeakerNotFoundError, match="'ada' is enrolled with other@1"):
        store.enrol("ada", "other@1", [sample(2)], mode="add")
    assert state(store) == before


def test_replacing_leaves_only_the_new_samples_of_that_pack(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1), sample(2)])
    store.enrol("ada", "other@1", [sample(3)])
    store.enrol("ada", PACK, [sample(4)], mode="replace")
    assert [kept.id for kept in store.samples("ada", PACK)] == [sample(4).id]
    assert store.voiceprint("ada", PACK).vector == pytest.approx(sample(4).vector)
    assert [kept.id for kept in store.samples("ada", "other@1")] == [sample(3).id]


def test_replacing_may_use_the_ids_of_what_it_replaces(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    store.enrol("ada", PACK, [sample(1)], mode="replace")
    assert store.voiceprint("ada", PACK).recordings == 1


def test_replacing_enrols_whoever_is_not_there(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)], mode="replace")
    assert store.voiceprint("ada", PACK).recordings == 1


def test_packs_do_not_mix(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    store.enrol("ada", "other@1", [sample(2, dim=4)])
    store.enrol("bob", "other@1", [sample(3, dim=4)])
    assert [found.speaker for found in store.voiceprints(PACK)] == ["ada"]
    assert [found.speaker for found in store.voiceprints("other@1")] == ["ada", "bob"]
    assert store.voiceprints("third@1") == []
    assert store.voiceprint("ada", "other@1").vector.size == 4
    assert [kept.id for kept in store.samples("ada", PACK)] == [sample(1).id]
    assert len(store.samples("ada")) == 2


def test_voiceprints_and_speakers_are_in_the_order_of_their_names(store: Store) -> None:
    names = ["b", "Zoë", "a", "é", "B", "z"]
    for number, name in enumerate(names):
        store.enrol(name, PACK, [sample(number)])
    ordered = ["B", "Zoë", "a", "b", "z", "é"]
    assert [found.speaker for found in store.voiceprints(PACK)] == ordered
    assert [summary.name for summary in store.speakers()] == ordered


def test_a_summary_is_over_all_packs(store: Store) -> None:
    store.enrol("ada", "b@1", [sample(7), sample(14)])
    store.enrol("ada", "a@1", [sample(21)])
    (summary,) = store.speakers()
    assert (summary.name, summary.packs, summary.recordings) == ("ada", ("a@1", "b@1"), 3)
    assert summary.speech_s == pytest.approx(6 + 7 + 8)
    assert summary.created_at.utcoffset() is not None
    assert summary.created_at < summary.updated_at


def test_threads_lose_no_sample(store: Store) -> None:
    store.enrol("ada", PACK, [sample(0)])

    def add(number: int) -> Voiceprint:
        return store.enrol("ada", PACK, [sample(number)], mode="add")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(1, 17)))
    assert {kept.id for kept in store.samples("ada")} == {sample(n).id for n in range(17)}
    expected = Voiceprint.of("ada", PACK, store.samples("ada"))
    assert facts_of_voiceprint(store.voiceprint("ada", PACK)) == facts_of_voiceprint(expected)


# what may not enter


@pytest.mark.parametrize(
    "vector",
    [[np.nan, 1], [np.inf, 0], [0, 0], [1, 1], [[1, 0]], []],
    ids=["nan", "infinity", "zeros", "not of length 1", "a matrix", "empty"],
)
def test_what_is_no_direction_is_not_kept(store: Store, vector: list[Any]) -> None:
    bad = replace(sample(1), vector=np.array(vector, np.float32), name="rec.wav")
    with pytest.raises(StoreError, match=r"^rec\.wav: its embedding"):
        store.enrol("ada", PACK, [sample(2, dim=2), bad])
    assert store.speakers() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speech_s": 0.0}, "seconds of speech"),
        ({"speech_s": float("nan")}, "seconds of speech"),
        ({"speech_s": float("inf")}, "seconds of speech"),
        ({"id": "1"}, "32 hexadecimal digits"),
        ({"quality": {"snr_db": float("nan")}}, "cannot be kept as JSON"),
        ({"quality": {"snr_db": START}}, "cannot be kept as JSON"),
        ({"added_at": datetime(2025, 1, 31)}, "has no zone"),
    ],
)
def test_a_sample_that_makes_no_sense_is_not_kept(
    store: Store, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        store.enrol("ada", PACK, [replace(sample(1), **change)])
    assert store.speakers() == []


def test_an_enrolment_needs_a_sample(store: Store) -> None:
    with pytest.raises(StoreError, match="give at least one"):
        store.enrol("ada", PACK, [])


def test_samples_of_one_pack_have_one_dimension(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1, dim=8)])
    before = state(store)
    with pytest.raises(StoreError, match=r"dimensions \[4, 8\]"):
        store.enrol("ada", PACK, [sample(2, dim=4)], mode="add")
    assert state(store) == before


def test_samples_that_cancel_out_are_not_kept(store: Store) -> None:
    one = replace(sample(1), speech_s=3.0)
    opposite = replace(sample(2), vector=-one.vector, speech_s=3.0)
    with pytest.raises(ScoringError, match="no direction"):
        store.enrol("ada", PACK, [one, opposite])
    assert store.speakers() == []


def test_a_sample_is_kept_once(store: Store) -> None:
    with pytest.raises(StoreError, match="the same id"):
        store.enrol("ada", PACK, [sample(1), sample(1)])
    store.enrol("ada", PACK, [sample(1)])
    for pack, mode in ((PACK, "add"), ("other@1", "new")):
        with pytest.raises(StoreError, match=f"{sample(1).id} is enrolled already"):
            store.enrol("ada", pack, [sample(1)], mode=mode)  # type: ignore[arg-type]
    assert store.samples("ada")[0].id == sample(1).id
    store.enrol("bob", PACK, [sample(1)])  # another speaker's is another sample


@pytest.mark.parametrize(
    "name",
    ["", "  \t ", "a" * 257, "a\nb", "a\0b", "a\u2028b", "a\ud800"],
    ids=["empty", "blank", "too long", "line", "nul", "line separator", "half a pair"],
)
def test_a_name_that_cannot_be_shown_on_a_line_is_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match=r"characters|control character"):
        store.enrol(name, PACK, [sample(1)])
    with pytest.raises(UsageError, match=r"characters|control character"):
        store.voiceprint(name, PACK)
    with pytest.raises(UsageError, match="pack's id"):
        store.enrol("ada", name, [sample(1)])


def test_names_are_compared_without_white_space_around_and_in_one_normal_form(
    store: Store,
) -> None:
    store.enrol(" Zoe\u0308 ", PACK, [sample(1)])
    assert store.speakers()[0].name == "Zo\u00eb"
    assert store.voiceprint("Zo\u00eb", PACK).speaker == "Zo\u00eb"
    with pytest.raises(SpeakerExistsError):
        store.enrol("Zo\u00eb", PACK, [sample(2)])


def test_a_long_name_in_any_script_is_kept(store: Store) -> None:
    for name in ("a" * 256, "李小龍 🎤 %s '); --", "सङ्ख्\u200dया"):
        store.enrol(name, PACK, [sample(1)])
        assert store.voiceprint(name, PACK).speaker == name


def test_an_unknown_mode_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="'upsert' is none of new, add, replace"):
        store.enrol("ada", PACK, [sample(1)], mode="upsert")  # type: ignore[arg-type]


def test_nobody_else_can_change_what_is_kept(store: Store) -> None:
    given = sample(1)
    store.enrol("ada", PACK, [given])
    given.vector[:] = 0
    given.quality["snr_db"] = 0
    assert facts_of(store.samples("ada")[0]) == facts_of(sample(1))
    for vector in (store.samples("ada")[0].vector, store.voiceprint("ada", PACK).vector):
        assert vector == pytest.approx(sample(1).vector)
        with pytest.raises(ValueError, match="read-only"):
            vector[0] = 0


# finding and deleting


def test_an_unknown_speaker_is_told_with_the_nearest_names(store: Store) -> None:
    for number, name in enumerate(["Ada Lovelace", "Alan Turing", "Grace Hopper"]):
        store.enrol(name, PACK, [sample(number)])
    for ask in (
        lambda: store.voiceprint("ada lovelance", PACK),
        lambda: store.samples("ada lovelance"),
        lambda: store.delete("ada lovelance"),
        lambda: store.export("ada lovelance"),
    ):
        with pytest.raises(SpeakerNotFoundError, match="Did you mean 'Ada Lovelace'") as caught:
            ask()
        assert caught.value.nearest == ("Ada Lovelace",)


def test_a_speaker_of_another_pack_only_is_not_found(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    for ask in (store.voiceprint, store.samples):
        with pytest.raises(SpeakerNotFoundError, match="'ada' is enrolled with other@1") as caught:
            ask("ada", "other@1")
        assert caught.value.nearest == ()


def test_a_deleted_speaker_is_gone_from_all_packs_and_may_come_again(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    store.enrol("ada", "other@1", [sample(2)])
    store.enrol("bob", PACK, [sample(3)])
    store.delete("ada")
    assert [summary.name for summary in store.speakers()] == ["bob"]
    assert [found.speaker for found in store.voiceprints(PACK)] == ["bob"]
    assert store.voiceprints("other@1") == []
    for ask in (store.samples, store.delete, store.export):
        with pytest.raises(SpeakerNotFoundError, match="'ada' is enrolled with any pack"):
            ask("ada")
    store.enrol("ada", PACK, [sample(1)])
    assert len(store.samples("ada")) == 1


def test_the_revision_changes_with_the_speakers_and_only_then(store: Store) -> None:
    seen = [store.revision()]

    def changed() -> bool:
        seen.append(store.revision())
        return seen[-1] not in seen[:-1]

    store.enrol("ada", PACK, [sample(1)])
    assert changed()
    store.enrol("ada", PACK, [sample(2)], mode="add")
    assert changed()
    store.enrol("ada", PACK, [sample(3)], mode="replace")
    assert changed()
    document = store.export("ada")
    store.samples("ada"), store.voiceprints(PACK), store.speakers()
    store.audit("verify", "ada", {})
    assert not changed()
    store.delete("ada")
    assert changed()
    store.import_(document)
    assert changed()


# export and import


def test_an_exported_speaker_can_be_imported_elsewhere(store: Store) -> None:
    store.enrol("Zoë", PACK, [sample(2), sample(1)])
    store.enrol("Zoë", "other@1", [sample(3, dim=4)])
    document = json.loads(json.dumps(store.export("Zoë"), allow_nan=False))
    elsewhere = open_store("memory:")
    summary = elsewhere.import_(document)
    assert summary == elsewhere.speakers()[0]
    assert summary.created_at == store.speakers()[0].created_at
    assert (summary.name, summary.packs, summary.recordings) == ("Zoë", ("other@1", PACK), 3)
    for pack in (PACK, "other@1"):
        found = [facts_of(kept) for kept in elsewhere.samples("Zoë", pack)]
        assert found == [facts_of(kept) for kept in store.samples("Zoë", pack)]
        original = store.voiceprint("Zoë", pack)
        assert facts_of_voiceprint(elsewhere.voiceprint("Zoë", pack)) == facts_of_voiceprint(
            original
        )
    assert elsewhere.export("Zoë") == document


def test_importing_goes_by_the_modes_of_enrolling(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    document = store.export("ada")
    with pytest.raises(SpeakerExistsError):
        store.import_(document)
    with pytest.raises(StoreError, match="is enrolled already"):
        store.import_(document, mode="add")
    store.enrol("ada", PACK, [sample(2)], mode="replace")
    store.import_(document, mode="add")
    assert [kept.id for kept in store.samples("ada")] == [sample(2).id, sample(1).id]
    store.import_(document, mode="replace")
    assert [kept.id for kept in store.samples("ada")] == [sample(1).id]


def test_an_import_is_done_as_a_whole_or_not_at_all(store: Store) -> None:
    store.enrol("ada", "a@1", [sample(1)])
    store.enrol("ada", "b@1", [sample(2)])
    document = store.export("ada")
    store.delete("ada")
    store.enrol("ada", "b@1", [sample(3)])
    before = state(store)
    with pytest.raises(SpeakerExistsError):
        store.import_(document)
    assert state(store) == before


# the audit log


def test_the_audit_log_tells_what_was_done_newest_first(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    document = store.export("ada")
    store.audit("verify", "ada", {"outcome": "accept", "llr": 4.5})
    store.audit("identify", None, {"outcome": "reject"})
    store.delete("ada")
    store.import_(document)
    log = store.audit_log()
    assert [(entry.action, entry.detail) for entry in log] == [
        ("import", {"packs": [PACK], "mode": "new"}),
        ("delete", {}),
        ("identify", {"outcome": "reject"}),
        ("verify", {"outcome": "accept", "llr": 4.5}),
        ("export", {}),
        ("enrol", {"pack": PACK, "mode": "new", "recordings": 1}),
    ]
    assert [entry.action for entry in store.audit_log(limit=2)] == ["import", "delete"]
    assert sorted((entry.at for entry in log), reverse=True) == [entry.at for entry in log]


def test_the_audit_log_names_nobody_but_can_be_asked_about_somebody(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    store.enrol("bob", PACK, [sample(2)])
    store.audit("verify", " ada ", {})
    store.enrol("zoë", PACK, [sample(3)])  # unlike "ada", this cannot be part of a hex digest
    assert "zoë" not in repr(store.audit_log())
    assert [entry.action for entry in store.audit_log(speaker="ada")] == ["verify", "enrol"]
    assert [entry.action for entry in store.audit_log(speaker="bob")] == ["enrol"]
    assert store.audit_log(speaker="eve") == []
    assert len({entry.speaker for entry in store.audit_log()}) == 3


def test_what_was_refused_is_not_in_the_audit_log(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    with pytest.raises(SpeakerExistsError):
        store.enrol("ada", PACK, [sample(2)])
    with pytest.raises(StoreError, match="audit detail of verify cannot be kept"):
        store.audit("verify", "ada", {"llr": float("inf")})
    assert len(store.audit_log()) == 1


# opening


def test_unknown_backends_are_told_with_the_known_ones() -> None:
    for url in ("redis://x", "voices.db"):
        with pytest.raises(StoreError, match=r"No store backend for .*: memory, postgresql, sql"):
            open_store(url)


def test_the_default_store_is_that_of_the_environment_or_in_the_users_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOXGATE_STORE", "memory:")
    assert default_url() == "memory:"
    assert open_store().speakers() == []
    monkeypatch.delenv("VOXGATE_STORE")
    assert default_url().startswith("sqlite:///")
    assert default_url().endswith("voxgate.db")


def test_embeddings_are_not_shown() -> None:
    shown = repr(sample(1)) + repr(Voiceprint.of("ada", PACK, [sample(1)]))
    assert "vector" not in shown
    assert "array" not in shown
