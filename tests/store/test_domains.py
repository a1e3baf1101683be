"""Domains, their two sides, speakers without samples, opt-outs and groups; over each backend."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from store.conftest import KEY
from store.samples import PACK, sample
from voxgate.errors import (
    DomainExistsError,
    DomainNotFoundError,
    GroupNotFoundError,
    SampleNotFoundError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    SpeakerOptedOutError,
    StoreError,
    UsageError,
)
from voxgate.store import Store, Voiceprint, open_store


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url, key=KEY)
    yield opened
    opened.close()


def names(store: Store) -> list[str]:
    return [summary.name for summary in store.speakers()]


# domains and their sides


def test_there_is_a_default_domain_and_others_are_made(store: Store) -> None:
    assert (store.domain, store.domains()) == ("default", ["default"])
    store.add_domain("Zoë's bank")
    store.within("default").add_domain("acme")
    assert store.domains() == ["Zoë's bank", "acme", "default"]
    assert store.within(" acme ").domain == "acme"
    with pytest.raises(DomainExistsError, match="is a domain 'acme' already"):
        store.add_domain("acme")
    with pytest.raises(UsageError, match="domain's name"):
        store.add_domain(" ")


def test_a_domain_that_is_not_there_can_be_neither_read_nor_written(store: Store) -> None:
    nowhere = store.within("acme")
    for ask in (
        nowhere.speakers,
        nowhere.revision,
        nowhere.fraudsters().speakers,
        lambda: nowhere.enrol("ada", PACK, [sample(1)]),
        lambda: nowhere.audit("verify", None, {}),
        lambda: store.delete_domain("acme"),
    ):
        with pytest.raises(DomainNotFoundError, match="no domain 'acme'"):
            ask()
    assert store.audit_log() == []


def views(store: Store) -> list[Store]:
    """All views there are on two domains."""
    if "acme" not in store.domains():
        store.add_domain("acme")
    acme = store.within("acme")
    return [store, store.fraudsters(), acme, acme.fraudsters()]


@pytest.mark.parametrize("mine", range(4))
def test_what_is_in_one_view_is_in_no_other(store: Store, mine: int) -> None:
    others = views(store)
    here = others.pop(mine)
    seen = {id(view): view.revision() for view in others}
    here.enrol("ada", PACK, [sample(1), sample(2)])
    here.put_group("staff")
    here.add_members("staff", ["ada"])
    here.opt_out("bob")
    assert here.voiceprint("ada", PACK).recordings == 2
    for other in others:
        assert other.revision() == seen[id(other)]
        check_nothing_can_be_seen(other)
        other.enrol("ada", PACK, [sample(4)])
        other.opt_out("ada")
        other.opt_in("bob")
    assert names(here) == ["ada"]
    assert here.members("staff") == ["ada"]
    assert here.opted_out("bob")
    assert [kept.id for kept in here.samples("ada")] == [sample(1).id, sample(2).id]


def check_nothing_can_be_seen(view: Store) -> None:
    """Nothing of what the test above has put into another view."""
    assert view.speakers() == view.page() == view.voiceprints(PACK) == view.groups() == []
    assert not view.opted_out("bob")
    asked: tuple[Callable[[], object], ...] = (
        lambda: view.voiceprint("ada", PACK),
        lambda: view.samples("ada"),
        lambda: view.speaker("ada"),
        lambda: view.export("ada"),
        lambda: view.describe("ada", {}),
        lambda: view.remove_sample("ada", sample(1).id),
        lambda: view.reset("ada"),
        lambda: view.delete("ada"),
        lambda: view.enrol("ada", PACK, [sample(3)], mode="add"),
    )
    for ask in asked:
        with pytest.raises(SpeakerNotFoundError) as caught:
            ask()
        assert caught.value.nearest == ()  # not even as a hint
    for ask in (lambda: view.members("staff"), lambda: view.page(group="staff")):
        with pytest.raises(GroupNotFoundError):
            ask()
    view.put_group("staff")
    with pytest.raises(SpeakerNotFoundError):
        view.add_members("staff", ["ada"])
    assert view.members("staff") == []


def test_each_view_can_have_a_speaker_of_the_same_name(store: Store) -> None:
    for number, view in enumerate(views(store)):
        view.enrol("ada", PACK, [sample(number)])
    for number, view in enumerate(views(store)):
        assert view.voiceprint("ada", PACK).vector == pytest.approx(sample(number).vector)


def test_the_audit_log_is_that_of_the_domain(store: Store) -> None:
    here, watched, acme, _ = views(store)
    here.enrol("ada", PACK, [sample(1)])
    watched.enrol("ada", PACK, [sample(2)])
    acme.enrol("ada", PACK, [sample(3)])
    for view in (here, watched):
        assert [entry.action for entry in view.audit_log()] == ["enrol", "enrol", "add_domain"]
    assert [entry.action for entry in acme.audit_log()] == ["enrol"]
    logs = [view.audit_log(speaker="ada") for view in (here, watched, acme)]
    assert [len(log) for log in logs] == [1, 1, 1]
    assert len({log[0].speaker for log in logs}) == 3  # not even hashes can be compared


def test_a_deleted_domain_is_gone_with_all_that_was_in_it(store: Store) -> None:
    here, _, acme, watched = views(store)
    here.enrol("ada", PACK, [sample(1)])
    for view in (acme, watched):
        view.enrol("ada", PACK, [sample(2)])
        view.put_group("staff")
        view.add_members("staff", ["ada"])
        view.opt_out("bob")
    before = acme.revision()
    store.delete_domain("acme")
    assert store.domains() == ["default"]
    assert names(here) == ["ada"]
    with pytest.raises(DomainNotFoundError):
        acme.speakers()
    assert [(entry.action, entry.detail) for entry in store.audit_log(1)] == [
        ("delete_domain", {"domain": "acme"})
    ]
    store.add_domain("acme")
    assert acme.revision() > before  # so that nobody takes what was kept of it for current
    for view in (acme, watched):
        assert view.speakers() == view.groups() == view.audit_log() == []
        assert not view.opted_out("bob")


def test_the_default_domain_cannot_be_deleted(store: Store) -> None:
    with pytest.raises(UsageError, match="always there"):
        store.delete_domain("default")


def test_a_store_can_be_opened_on_a_domain(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/voices.db"
    store = open_store(url)
    store.add_domain("acme")
    acme = open_store(url, domain="acme")
    acme.add_speaker("ada")
    assert (names(store.within("acme")), names(store)) == (["ada"], [])
    acme.close()
    store.close()


# speakers without samples


def test_a_speaker_can_be_made_before_there_is_a_sample(store: Store) -> None:
    made = store.add_speaker(" ada ", {"locale": "en-GB", "tags": [1, None]})
    assert made == store.speaker("ada") == store.speakers()[0]
    assert (made.name, made.packs, made.recordings, made.speech_s) == ("ada", (), 0, 0.0)
    assert (made.metadata, made.groups) == ({"locale": "en-GB", "tags": [1, None]}, ())
    assert store.samples("ada") == []
    assert store.voiceprints(PACK) == []
    with pytest.raises(SpeakerExistsError):
        store.add_speaker("ada")
    with pytest.raises(SpeakerNotFoundError):
        store.voiceprint("ada", PACK)
    with pytest.raises(SpeakerNotFoundError, match="Did you mean 'ada'"):
        store.speaker("adda")
    store.enrol("ada", PACK, [sample(1)])
    enrolled = store.speaker("ada")
    assert (enrolled.recordings, enrolled.metadata) == (1, made.metadata)
    assert enrolled.created_at == made.created_at < enrolled.updated_at


def test_metadata_is_replaced_as_a_whole(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    assert store.speaker("ada").metadata == {}
    assert store.describe("ada", {"a": 1}).metadata == {"a": 1}
    assert store.describe("ada", {"b": 2}).metadata == store.speaker("ada").metadata == {"b": 2}
    assert store.describe("ada", {}).metadata == {}
    with pytest.raises(StoreError, match="metadata cannot be kept as JSON"):
        store.describe("ada", {"a": float("nan")})
    with pytest.raises(UsageError, match="at most 16,384 are kept"):
        store.describe("ada", {"a": "x" * 16_384})


def test_pages_follow_each_other_by_name(store: Store) -> None:
    for name in ("b", "Zoë", "a", "é", "B", "z"):
        store.add_speaker(name)
    store.put_group("some")
    store.add_members("some", ["é", "a", "z"])
    assert [one.name for one in store.page(limit=4)] == ["B", "Zoë", "a", "b"]
    assert [one.name for one in store.page(after="b", limit=4)] == ["z", "é"]
    assert [one.name for one in store.page(after="c")] == ["z", "é"]  # nobody has this name
    assert store.page(after="é") == []
    assert [one.name for one in store.page(group="some", limit=2)] == ["a", "z"]
    assert [one.name for one in store.page(group="some", after="a")] == ["z", "é"]
    assert store.page(group="some")[0].groups == ("some",)
    for limit in (0, 1001):
        with pytest.raises(UsageError, match="1 to 1,000 speakers"):
            store.page(limit=limit)


def test_removing_a_sample_makes_the_voiceprint_anew(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1), sample(2), sample(3)])
    store.enrol("ada", "other@1", [sample(4)])
    before = store.revision()
    store.remove_sample("ada", sample(2).id)
    assert store.revision() > before
    left = Voiceprint.of("ada", PACK, [sample(1), sample(3)])
    found = store.voiceprint("ada", PACK)
    assert found.vector.tolist() == left.vector.tolist()
    assert (found.speech_s, found.recordings) == (left.speech_s, 2)
    assert store.voiceprint("ada", "other@1").recordings == 1
    for missing in (sample(2).id, "x", ""):
        with pytest.raises(SampleNotFoundError, match="no enrolled recording"):
            store.remove_sample("ada", missing)
    assert store.audit_log(1)[0].detail == {"pack": PACK}


def test_with_the_last_sample_of_a_pack_its_voiceprint_goes_and_the_speaker_stays(
    store: Store,
) -> None:
    store.enrol("ada", PACK, [sample(1)])
    store.remove_sample("ada", sample(1).id)
    assert store.voiceprints(PACK) == store.samples("ada") == []
    assert store.speaker("ada").packs == ()
    store.enrol("ada", PACK, [sample(1)])


def test_a_reset_leaves_the_speaker_the_metadata_and_the_groups(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1), sample(2)])
    store.enrol("ada", "other@1", [sample(3)])
    store.describe("ada", {"a": 1})
    store.put_group("staff")
    store.add_members("staff", ["ada"])
    before = store.revision()
    store.reset("ada")
    left = store.speaker("ada")
    assert (left.packs, left.recordings, left.metadata, left.groups) == (
        (),
        0,
        {"a": 1},
        ("staff",),
    )
    assert store.samples("ada") == store.voiceprints(PACK) == store.voiceprints("other@1") == []
    assert store.revision() > before
    assert [(e.action, e.detail) for e in store.audit_log(1)] == [("reset", {"recordings": 3})]


# opting out


def test_who_opts_out_is_forgotten_and_not_taken_in_again(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    store.put_group("staff")
    store.add_members("staff", ["ada"])
    document = store.export("ada")
    before = store.revision()
    store.opt_out(" ada ")
    assert store.opted_out("ada")
    assert store.speakers() == store.voiceprints(PACK) == store.members("staff") == []
    assert store.revision() > before
    refused: tuple[Callable[[], Any], ...] = (
        lambda: store.add_speaker("ada"),
        lambda: store.import_(document),
        lambda: store.import_(document, mode="replace"),
        lambda: store.import_(document | {"samples": []}),
        lambda: store.enrol("ada", PACK, [sample(1)]),
        lambda: store.enrol("ada", PACK, [sample(1)], mode="add"),
        lambda: store.enrol("ada", PACK, [sample(1)], mode="replace"),
    )
    for attempt in refused:
        with pytest.raises(SpeakerOptedOutError, match="'ada' has opted out"):
            attempt()
    with pytest.raises(SpeakerNotFoundError):
        store.speaker("ada")
    assert store.speakers() == []


def test_who_is_not_known_can_opt_out(store: Store) -> None:
    store.opt_out("ada")
    store.opt_out("ada")
    assert [entry.action for entry in store.audit_log(speaker="ada")] == ["opt_out"]
    assert (store.opted_out("ada"), store.opted_out("Ada")) == (True, False)
    with pytest.raises(SpeakerOptedOutError):
        store.enrol("ada", PACK, [sample(1)])
    store.enrol("Ada", PACK, [sample(1)])


def test_opting_in_allows_to_begin_again_with_nothing(store: Store) -> None:
    store.enrol("ada", PACK, [sample(1)])
    store.describe("ada", {"a": 1})
    store.opt_out("ada")
    store.opt_in("ada")
    store.opt_in("ada")
    assert not store.opted_out("ada")
    assert store.speakers() == []
    assert store.add_speaker("ada").metadata == {}
    actions = [entry.action for entry in store.audit_log(speaker="ada")]
    assert actions == ["add", "opt_in", "opt_out", "describe", "enrol"]


# groups


def test_groups_have_members_who_are_speakers(store: Store) -> None:
    for name in ("ada", "bob", "eve"):
        store.add_speaker(name)
    made = store.put_group(" staff ")
    assert (made.name, made.size) == ("staff", 0)
    store.add_members("staff", ["eve", "ada", "ada"])
    store.add_members("staff", ["ada", "bob"])
    store.put_group("empty")
    assert store.put_group("staff").created_at == made.created_at
    assert [(group.name, group.size) for group in store.groups()] == [("empty", 0), ("staff", 3)]
    assert store.members("staff") == ["ada", "bob", "eve"]
    assert store.speaker("ada").groups == ("staff",)
    store.remove_members("staff", ["bob", "eve"])
    store.remove_members("staff", ["bob"])
    assert store.members("staff") == ["ada"]
    store.delete("ada")
    assert store.members("staff") == []
    store.delete_group("staff")
    assert [group.name for group in store.groups()] == ["empty"]
    assert names(store) == ["bob", "eve"]


def test_what_is_no_group_or_no_speaker_is_told(store: Store) -> None:
    store.add_speaker("ada")
    store.put_group("staff")
    for ask in (
        lambda: store.delete_group("stuff"),
        lambda: store.members("stuff"),
        lambda: store.add_members("stuff", ["ada"]),
        lambda: store.remove_members("stuff", ["ada"]),
        lambda: store.page(group="stuff"),
    ):
        with pytest.raises(GroupNotFoundError, match="no group 'stuff'"):
            ask()
    for change in (store.add_members, store.remove_members):
        with pytest.raises(SpeakerNotFoundError, match="Did you mean 'ada'"):
            change("staff", ["ada", "adda"])
    assert store.members("staff") == []
    with pytest.raises(UsageError, match="group's name"):
        store.put_group("a\nb")


def test_the_revision_changes_with_the_groups(store: Store) -> None:
    store.add_speaker("ada")
    seen = [store.revision()]
    for change in (
        lambda: store.put_group("staff"),
        lambda: store.add_members("staff", ["ada"]),
        lambda: store.remove_members("staff", ["ada"]),
        lambda: store.delete_group("staff"),
    ):
        change()
        seen.append(store.revision())
    assert sorted(set(seen)) == seen


# export and import


def test_metadata_and_groups_are_exported_and_imported(store: Store) -> None:
    store.add_speaker("ada", {"a": 1})
    store.put_group("staff")
    store.add_members("staff", ["ada"])
    document = json.loads(json.dumps(store.export("ada")))
    elsewhere = open_store("memory:")
    summary = elsewhere.import_(document)
    assert (summary.metadata, summary.groups, summary.recordings) == ({"a": 1}, ("staff",), 0)
    assert elsewhere.export("ada") == document
    with pytest.raises(SpeakerExistsError):
        elsewhere.import_(document)
    other = document | {"metadata": {"b": 2}, "groups": ["night"]}
    assert elsewhere.import_(other, mode="add").metadata == {"a": 1}
    replaced = elsewhere.import_(other, mode="replace")
    assert (replaced.metadata, replaced.groups) == ({"b": 2}, ("night", "staff"))
    elsewhere.close()
