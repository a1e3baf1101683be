"""API keys in a store; over each backend that keeps them."""

from datetime import datetime, timezone

import pytest

from store.conftest import KEY
from voxgate.store import ApiKey, open_store

AT = datetime(2026, 11, 21, 9, 30, tzinfo=timezone.utc)


def key(number, domain="default", **facts):
    scopes = frozenset({"verify", "enrol"})
    return ApiKey(f"{number:012x}", b"digest", scopes, domain, "a label", AT, **facts)


@pytest.fixture
def store(url):
    opened = open_store(url, key=KEY)
    yield opened
    opened.close()


def test_keys_come_back_as_they_were_kept_in_the_order_they_were_made(store):
    store.keys.add(key(2))
    store.within("elsewhere").keys.add(key(1, expires_at=AT))
    assert store.keys.list() == [key(2), key(1, expires_at=AT)]
    assert store.keys.find(key(1).id) == key(1, expires_at=AT)
    assert store.keys.find("none") is None


def test_a_revoked_key_is_still_listed_and_stays_revoked(store):
    store.keys.add(key(1))
    store.keys.revoke(key(1).id)
    first = store.keys.find(key(1).id).revoked_at
    store.keys.revoke(key(1).id)
    assert first is not None
    assert store.keys.find(key(1).id).revoked_at == first


def test_the_last_use_of_a_key_is_noted_once_in_a_while(store):
    for number in range(2):
        store.keys.add(key(number))
    store.keys.touch(key(1).id, every_s=60)
    first = store.keys.find(key(1).id).last_used_at
    assert abs(datetime.now(timezone.utc) - first).total_seconds() < 30
    store.keys.touch(key(1).id, every_s=60)
    assert store.keys.find(key(1).id).last_used_at == first
    store.keys.touch(key(1).id, every_s=0)
    assert store.keys.find(key(1).id).last_used_at > first
    assert store.keys.find(key(0).id).last_used_at is None


def test_the_keys_of_a_deleted_domain_are_revoked_and_no_others(store):
    store.add_domain("acme")
    for number, domain in enumerate(("acme", "default", "acme")):
        store.keys.add(key(number, domain=domain))
    store.delete_domain("acme")
    kept = [one.domain for one in store.keys.list() if one.revoked_at is None]
    assert kept == ["default"]


def test_a_digest_is_not_shown():
    assert "digest" not in repr(key(1))
