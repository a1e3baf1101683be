"""Who is let in, and to what."""

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest
from server.conftest import running
from sounds import wav

from voxgate.errors import StoreWriteError, UsageError
from voxgate.server.app import create_app
from voxgate.server.keys import new_key, rotated
from voxgate.server.settings import read_settings
from voxgate.store.keys import SqlKeys

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is refused
ADA = "/v1/speakers/ada"


@pytest.fixture(scope="module")
def limited(tiny_pack):
    """A service that one key may ask twice."""
    settings = {"rate_a_minute": 1, "rate_burst": 2, "ears": 1, "queue": 4}
    yield from running(store="memory:", pack=str(tiny_pack.path), **settings)


def test_until_there_is_a_key_programs_on_the_machine_are_let_in_but_no_page(limited):
    with limited.client() as client:
        assert client.get("/v1/speakers").status_code == 200
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
            assert client.get("/v1/speakers", headers=headers).status_code == 401


def test_too_many_requests_of_one_key_are_told_when_to_come_back(limited):
    keys = [limited.key("verify"), limited.key("verify")]
    with limited.client() as client:
        tried = [
            client.get("/v1/speakers", headers={"X-API-Key": key})
            for key in (keys[0], keys[0], keys[0], keys[1])
        ]
    assert [answer.status_code for answer in tried] == [200, 200, 429, 200]
    assert 1 <= int(tried[2].headers["retry-after"]) <= 60


def test_without_a_key_nobody_is_let_in_when_there_is_one(service, admin):
    with service.client() as client:
        answer = client.get("/v1/speakers")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key", "Ocp-Apim-Subscription-Key"])
def test_a_key_is_taken_from_each_of_the_headers(service, header):
    key = service.key("verify")
    with service.client() as client:
        value = f"Bearer {key}" if header == "Authorization" else key
        assert client.get("/v1/speakers", headers={header: value}).status_code == 200


def test_only_the_whole_key_opens(service):
    key, other = service.key("verify"), service.key("verify")
    mixed = key[:16] + other[16:]
    for wrong in (key[:-1], key + "x", key[:-1] + "\xe9", mixed, "vg_", "a.b.c", key.upper()):
        with service.client() as client:
            headers = {"X-API-Key": wrong.encode("latin-1")}
            assert client.get("/v1/speakers", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [("verify", (200, 403, 403)), ("enrol", (403, 422, 403)), ("admin", (200, 422, 200))],
)
def test_a_key_opens_what_its_scopes_say(service, scope, statuses):
    with service.client(service.key(scope)) as client:
        answers = [
            client.get("/v1/speakers"),
            client.post(f"{ADA}/enrolments", content=b""),
            client.get("/v1/audit"),
        ]
    assert tuple(answer.status_code for answer in answers) == statuses


def test_a_body_is_not_read_for_who_may_not_send_it(service, monkeypatch):
    def read(*_):
        raise AssertionError("it was read")

    monkeypatch.setattr("voxgate.server.bodies.NamedBytes.__new__", read)
    with service.client(service.key("verify")) as client:
        assert client.post(f"{ADA}/enrolments", content=wav(1)).status_code == 403


def test_keys_are_made_rotated_and_revoked(service, admin):
    made = admin.post("/v1/keys", json={"scopes": ["verify"], "label": "desk", "valid_days": 1})
    old = made.json()
    assert (made.status_code, old["scopes"], old["label"]) == (201, ["verify"], "desk")
    new = admin.post(f"/v1/keys/{old['id']}/rotate").json()
    assert (new["scopes"], new["expires_at"]) == (old["scopes"], old["expires_at"])
    listed = admin.get("/v1/keys").json()["keys"]
    assert {old["id"], new["id"]} <= {key["id"] for key in listed}
    assert not any("key" in key or "digest" in key for key in listed)
    assert admin.delete(f"/v1/keys/{old['id']}").status_code == 204
    for key, status in ((old, 401), (new, 200)):
        with service.client(key["key"]) as client:
            assert client.get("/v1/speakers").status_code == status
    assert admin.delete("/v1/keys/000000000000").status_code == 404


def test_what_is_done_with_keys_is_in_the_audit_log_and_no_secret_is(service):
    by = service.key("admin")
    with service.client(by) as client:
        client.put("/v1/domains/branch")
        made = client.post("/v1/keys", json={"scopes": ["admin"], "domain": "branch"}).json()
        new = client.post(f"/v1/keys/{made['id']}/rotate").json()
        for _ in range(2):  # the second time nothing is done
            client.delete(f"/v1/keys/{made['id']}")
        with service.client(new["key"]) as branch:
            answer = branch.get("/v1/audit")
        client.delete("/v1/domains/branch")
        assert client.post(f"/v1/keys/{new['id']}/rotate").status_code == 404
    found = [(entry["action"], entry["detail"]) for entry in answer.json()["entries"]]
    who = {"by": by[3:15]}
    assert found == [
        ("revoke_key", {"key": made["id"], **who}),
        ("add_key", {"key": new["id"], "rotates": made["id"], **who}),
        ("add_key", {"key": made["id"], **who}),
    ]
    for text in (by, made["key"], new["key"]):
        assert text[16:] not in answer.text


def test_the_last_use_of_a_key_is_told_and_no_request_fails_where_it_cannot_be_noted(
    service, admin, monkeypatch
):
    def refused(keys, key_id, *, every_s):
        raise StoreWriteError("The store is read-only.")

    keys = [service.key("verify") for _ in range(3)]
    ids = [key[3:15] for key in keys]
    with monkeypatch.context() as patch:
        patch.setattr(SqlKeys, "touch", refused)
        with service.client(keys[1]) as client:
            assert client.get("/v1/speakers").status_code == 200
    with service.client(keys[2]) as client:
        assert client.get("/v1/speakers").status_code == 200
        with monkeypatch.context() as patch:
            patch.setattr(SqlKeys, "touch", None)  # not called again within a minute
            assert client.get("/v1/speakers").status_code == 200
    used = {key["id"]: key["last_used_at"] for key in admin.get("/v1/keys").json()["keys"]}
    assert [used[key_id] is None for key_id in ids] == [True, True, False]


def test_an_admin_of_a_tenant_sees_and_makes_keys_of_that_tenant_only(service, admin):
    admin.put("/v1/domains/tenant")
    other = service.key("verify")
    with service.client(service.key("admin", domain="tenant")) as tenant:
        listed = tenant.get("/v1/keys").json()["keys"]
        assert {key["domain"] for key in listed} == {"tenant"}
        assert tenant.delete(f"/v1/keys/{other[3:15]}").status_code == 404
        asked = {"scopes": ["admin"], "domain": "default"}
        assert tenant.post("/v1/keys", json=asked).status_code == 403
        assert tenant.post("/v1/keys", json={"scopes": ["verify"]}).json()["domain"] == "tenant"


def test_an_expired_key_opens_nothing(service):
    key, text = new_key(frozenset({"admin"}), "default", "", timedelta(days=1))
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    service.service.store.keys.add(dataclasses.replace(key, expires_at=past))
    with service.client(text) as client:
        assert client.get("/v1/speakers").status_code == 401


def test_a_rotated_key_is_another_for_the_same():
    key, text = new_key(frozenset({"verify"}), "acme", "desk", timedelta(days=1))
    again, other = rotated(key)
    assert again.id != key.id
    assert other != text
    assert (again.scopes, again.domain, again.label, again.expires_at) == (
        key.scopes, key.domain, key.label, key.expires_at,
    )  # fmt: skip
    assert text.encode() not in key.digest


def test_it_refuses_to_be_open_to_other_machines_without_keys(tiny_pack):
    settings = read_settings(host=EVERYWHERE, store="memory:", pack=str(tiny_pack.path), ears=1)
    with pytest.raises(UsageError, match="there are no API keys"):
        create_app(settings)


def test_a_long_body_is_refused_whether_or_not_it_says_how_long_it_is(service, admin):
    most = round(service.service.settings.largest_body_mb * 1_000_000)
    assert admin.post(f"{ADA}/verify", content=bytes(most + 1)).status_code == 413

    def pieces():
        for _ in range(most // 1_000_000 + 2):
            yield bytes(1_000_000)

    answer = admin.post("/v1/import", content=pieces())
    assert answer.status_code == 413


def test_a_deleted_domain_s_keys_open_none_of_that_name(service, admin):
    admin.put("/v1/domains/passing")
    with service.client(service.key("verify", domain="passing")) as tenant:
        assert tenant.get("/v1/speakers").status_code == 200
        assert admin.delete("/v1/domains/passing").status_code == 204
        admin.put("/v1/domains/passing")
        assert tenant.get("/v1/speakers").status_code == 401
    assert admin.get("/v1/speakers").status_code == 200
