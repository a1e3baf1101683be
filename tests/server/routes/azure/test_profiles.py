import pytest
from tiny_ear import TinyEar

from voxgate.server.routes.azure.profiles import Profiles
from voxgate.server.routes.azure.refusals import Refused
from voxgate.store import open_store
from voxgate.verify import Verifier


@pytest.fixture
def profiles(tiny_pack):
    store = open_store("memory:")
    yield Profiles(Verifier(store, pack=tiny_pack, embedder=TinyEar(tiny_pack)), "verification")
    store.close()


def refusal(call, *words, **options):
    with pytest.raises(Refused) as caught:
        call(*words, **options)
    return caught.value.status, caught.value.code, caught.value.message


def test_a_profile_takes_no_more_than_300_seconds(profiles):
    made = profiles.create("en-US").id
    for take in (b"0/0 100 s", b"0/1 120 s"):
        profiles.enrol(made, take, waive=False)
    assert refusal(profiles.enrol, made, b"0/2 81 s", waive=False) == (
        403,
        "InvalidRequest",
        f"Profile {made} would have 301 s of enrollments. Maximum allowed length across all "
        "profile enrollments is 300 seconds.",
    )
    assert profiles.enrol(made, b"0/2 80 s", waive=False)[0].audio_s == 300


def test_a_profile_that_changes_meanwhile_is_a_conflict(profiles, monkeypatch):
    made = profiles.create("en-US").id
    before = profiles.find(made)
    profiles.enrol(made, b"0/0 30 s", waive=False)
    monkeypatch.setattr(profiles, "find", lambda _: before)  # as another request has seen it
    assert refusal(profiles.enrol, made, b"0/1 30 s", waive=False)[:2] == (409, "Conflict")


def test_what_others_keep_with_a_profile_stays(profiles):
    made = profiles.create("en-US").id
    store = profiles._store
    store.describe(made, {**store.speaker(made).metadata, "customer": "17"})
    assert profiles.enrol(made, b"0/0 5 s", waive=True)[0].enrolled
    assert not profiles.reset(made).waived
    assert store.speaker(made).metadata == {"azure_locale": "en-US", "customer": "17"}


def test_nobody_has_made_a_profile_yet(profiles):
    assert profiles.page(None, 100) == ([], None)
