"""Requests with an idempotency key, by real clients against a real server."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import real_service
from real_service import SERVE, WAV
from server.test_arrival import arrival
from sounds import wav
from starlette.exceptions import HTTPException
from started import started
from store.databases import KEY

from voxgate.errors import KeyReusedError, OverloadedError, StoreUnavailableError
from voxgate.server import auth, idempotency
from voxgate.server.keys import new_key
from voxgate.store import Answer, open_store
from voxgate.store.responses import SqlResponses
from voxgate.store.sql import SqlStore

SPEAKERS = "/v1/speakers"


def header(key=None):
    return {"Idempotency-Key": key or uuid4().hex}


def is_replay(answer, of):
    """Whether it is what was answered before, word for word."""
    replayed = answer.headers.get("idempotency-replayed") == "true"
    facts = [(one.status_code, one.content, one.headers["content-type"]) for one in (answer, of)]
    return replayed and facts[0] == facts[1]


def make(client, name, key):
    return client.post(SPEAKERS, json={"speaker": name}, headers=key)


@pytest.fixture
def key():
    return header()


def test_a_request_that_is_sent_again_is_answered_again_and_done_once(admin, key):
    files = [("recording", ("1.wav", wav(1))), ("recording", ("2.wav", wav(1, take=1)))]
    first, again = (
        admin.post(f"{SPEAKERS}/ada/enrolments", files=files, headers=key) for _ in range(2)
    )  # each with a boundary of its own
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    assert is_replay(again, first)
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert admin.get(f"{SPEAKERS}/ada").json()["recordings"] == 2
    once = admin.get("/v1/audit", params={"speaker": "ada"}).json()["entries"]
    assert [entry["action"] for entry in once] == ["enrol"]
    assert 'route="(replayed)",status="201"' in admin.get("/metrics").text


def test_a_key_may_stand_in_quotes(admin, key):
    first = make(admin, "quoted", key)
    assert is_replay(make(admin, "quoted", header(f'"{key["Idempotency-Key"]}"')), first)


def test_without_a_key_or_with_another_it_is_done_again(admin, key):
    assert make(admin, "eva", key).status_code == 201
    assert make(admin, "eva", header()).status_code == 409
    assert make(admin, "eva", {}).status_code == 409


def test_looking_is_done_again_whatever_the_key(admin, key):
    make(admin, "zoe", {})
    before = admin.get(f"{SPEAKERS}/zoe", headers=key)
    admin.delete(f"{SPEAKERS}/zoe")
    assert before.status_code == 200
    assert admin.get(f"{SPEAKERS}/zoe", headers=key).status_code == 404


def test_the_key_of_another_request_is_refused(service, admin, key):
    make(admin, "one", key)
    other = service.client(service.key("enrol"))
    with other:
        for answer in (
            make(admin, "two", key),
            admin.post("/v1/import", json={"speaker": "one"}, headers=key),
            admin.post(f"{SPEAKERS}?a=1", json={"speaker": "one"}, headers=key),
            admin.delete(SPEAKERS, headers=key),
            make(other, "one", key),
        ):
            assert answer.status_code == 422
            assert answer.json()["type"] == "urn:voxgate:key-reused"
    assert admin.get(f"{SPEAKERS}/two").status_code == 404


@pytest.mark.parametrize(
    "given", [["no key"], [""], ['"'], ['"a'], ["x" * 129], ["ä"], ["a", "a"], ['"a";b=1']]
)
def test_what_is_no_key_is_refused(admin, given):
    headers = [("Idempotency-Key", one.encode()) for one in given]
    answer = admin.post(SPEAKERS, json={"speaker": "nokey"}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "a random UUID will do" in answer.json()["detail"]
    assert admin.get(f"{SPEAKERS}/nokey").status_code == 404


def test_whoever_may_not_ask_is_told_nothing_of_a_key(service, admin, key):
    make(admin, "private", key)
    with service.client("vg_000000000000_wrong") as stranger:
        assert make(stranger, "private", key).status_code == 401


def test_a_caller_is_asked_for_and_counted_once(admin, key, monkeypatch):
    counted = []
    monkeypatch.setattr(auth, "_count", lambda caller, service: counted.append(caller))
    make(admin, "counted", key)
    assert len(counted) == 1


@pytest.fixture
def slow(monkeypatch):
    """Making a speaker waits for an event; another one tells that it began."""
    begun, go = threading.Event(), threading.Event()
    add_speaker = SqlStore.add_speaker

    def add_slowly(*given):
        begun.set()
        assert go.wait(20)
        return add_speaker(*given)

    monkeypatch.setattr(SqlStore, "add_speaker", add_slowly)
    yield begun, go
    go.set()


def test_while_it_is_worked_on_it_is_not_begun_again_however_long_it_takes(
    admin, key, slow, monkeypatch
):
    begun, go = slow
    monkeypatch.setattr(idempotency, "LEASE_S", 0.3)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(make, admin, "slow", key)
        assert begun.wait(20)
        time.sleep(0.6)
        answer = make(admin, "slow", key)
        assert (answer.status_code, answer.headers["retry-after"]) == (409, "1")
        assert answer.json()["type"] == "urn:voxgate:request-in-progress"
        go.set()
        assert first.result().status_code == 201
    assert is_replay(make(admin, "slow", key), first.result())


def test_what_was_refused_is_refused_again_without_being_tried(admin, key):
    make(admin, "twice", {})
    first = make(admin, "twice", key)
    assert first.status_code == 409
    assert is_replay(make(admin, "twice", key), first)


def fail_once(monkeypatch, error):
    """Make making a speaker fail the next time."""
    add_speaker, errors = SqlStore.add_speaker, [error]

    def fail_first(*given):
        if errors:
            raise errors.pop()
        return add_speaker(*given)

    monkeypatch.setattr(SqlStore, "add_speaker", fail_first)


@pytest.mark.parametrize(
    ("error", "status"),
    [(OverloadedError(3), 503), (StoreUnavailableError("gone"), 503), (RuntimeError("bug"), 500)],
)
def test_what_failed_may_be_tried_again(admin, key, monkeypatch, error, status):
    name = f"failed-{type(error).__name__}"
    fail_once(monkeypatch, error)
    assert make(admin, name, key).status_code == status
    again = make(admin, name, key)
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (201, None)


def test_what_was_refused_unread_may_be_sent_again_as_it_should_be(service, admin, key):
    most = round(service.service.settings.largest_body_mb * 1_000_000)
    path = f"{SPEAKERS}/unread/enrolments"
    assert admin.post(path, content=bytes(most + 1), headers=key).status_code == 413
    assert admin.post(path, content=wav(1), headers=key).status_code == 201
    assert admin.post(path, content=bytes(most + 1), headers=key).status_code == 413


def test_of_a_deleted_speaker_no_answer_is_kept_and_nothing_is_done_again(admin, key):
    path = f"{SPEAKERS}/gone/enrolments"
    assert admin.post(path, content=wav(1), headers=key).status_code == 201
    admin.delete(f"{SPEAKERS}/gone")
    answer = admin.post(path, content=wav(1), headers=key)
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:voxgate:answer-forgotten")
    assert "with 201" in answer.json()["detail"]
    assert admin.get(f"{SPEAKERS}/gone").status_code == 404


def test_a_deletion_that_is_sent_again_has_succeeded(admin, key):
    make(admin, "leaving", {})
    first, again = (admin.delete(f"{SPEAKERS}/leaving", headers=key) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
    assert again.headers["idempotency-replayed"] == "true"


def test_the_secret_of_a_new_key_is_kept_by_nobody_and_no_second_key_is_made(admin, key):
    def labels():
        return [one["label"] for one in admin.get("/v1/keys").json()["keys"]]

    asked = {"scopes": ["verify"], "label": "once"}
    first, again = (admin.post("/v1/keys", json=asked, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 410)
    assert labels().count("once") == 1
    path, rotate = f"/v1/keys/{first.json()['id']}", header()
    rotated = [admin.post(f"{path}/rotate", json={}, headers=rotate) for _ in range(2)]
    assert [one.status_code for one in rotated] == [201, 410]  # whose body nobody asked for
    assert labels().count("once") == 2
    revoke = header()
    assert [admin.delete(path, headers=revoke).status_code for _ in range(2)] == [204, 204]


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(admin, key, monkeypatch, caplog):
    def fail(*given, **options):
        raise StoreUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(SqlResponses, "finish", fail)
        assert make(admin, "unkept", key).status_code == 201
    assert "an answer was not kept" in caplog.text
    assert make(admin, "unkept", key).status_code == 409  # until the lease is over


@pytest.mark.parametrize(
    ("status", "parts", "final"),
    [
        (201, [b"x"], True),
        (404, [b"x"], False),
        (429, [], False),
        (500, [], False),
        (503, [], False),
        (422, [], True),
    ],
)
def test_an_answer_is_final_if_asking_again_is_to_change_nothing(status, parts, final):
    length = [("content-length", "1")] if parts else []
    assert asyncio.run(idempotency._is_final(status, arrival(parts, length))) is final


def test_what_was_done_whatever_its_body_is_not_final_where_that_is_too_long():
    async def refuse():
        raise HTTPException(413)

    found = arrival([], [("content-length", "1")])
    found._receive = refuse
    assert not asyncio.run(idempotency._is_final(204, found))


def test_who_is_gone_before_the_end_of_the_body_is_told_no_answer():
    found = arrival([b"x", b"y"], [("content-length", "2")], gone=True)
    with pytest.raises(KeyReusedError):
        asyncio.run(idempotency._again(Answer(200, found.digest, b"{}\n"), found))


@pytest.mark.parametrize(
    ("status", "content", "names"),
    [
        (204, b"", set()),
        (201, b'{"speaker": "ada", "metadata": {}}', {"ada"}),
        (200, b'{"speaker": "ada", "risk": {"fraudster": "mallory"}}', {"ada", "mallory"}),
        (200, b'{"speaker": null, "candidates": [{"speaker": "a"}, {"speaker": "b"}]}', {"a", "b"}),
        (200, b'{"name": "staff", "size": 3}', None),
        (202, b'{"id": "1", "failures": []}', set()),
        (404, b'{"detail": "No speaker ada. Did you mean bob?"}', None),
        (200, b'["ada"]', None),
        (200, b"a,b", None),
        (200, b"[" * 100_000, None),
    ],
)
def test_whom_an_answer_names_is_found_in_it(status, content, names):
    assert idempotency._names(status, content) == names


def test_every_route_that_changes_something_says_what_a_key_brings(service):
    with service.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    told = 0
    for path, item in paths.items():
        for method, route in item.items():
            names = [one["name"] for one in route.get("parameters", ())]
            counts = path.startswith("/v1/") and method in ("post", "put", "patch", "delete")
            assert names.count("Idempotency-Key") == counts, (method, path)
            if counts:
                assert {"400", "409", "410", "422"} <= set(route["responses"])
                told += 1
    assert told > 20


def test_one_of_ten_at_two_processes_enrols(tmp_path, tiny_pack, postgres_url, key):
    store = open_store(postgres_url, key=KEY)
    made, text = new_key(frozenset({"enrol", "verify"}), "default")
    store.keys.add(made)
    settings = real_service.settings(tmp_path, tiny_pack.path)
    settings |= {"VOXGATE_STORE": postgres_url, "VOXGATE_KEY": KEY.hex()}
    headers = {**WAV, "X-API-Key": text, **key}

    def enrol(service):
        with service.client(headers=headers) as client:
            while True:
                answer = client.post(f"{SPEAKERS}/ada/enrolments", content=wav(1))
                if answer.status_code != 409:
                    return answer
                assert answer.headers["retry-after"] == "1"
                time.sleep(0.05)

    with (
        started(program=SERVE, env=settings) as one,
        started(program=SERVE, env=settings) as other,
        ThreadPoolExecutor(10) as pool,
    ):
        answers = list(pool.map(enrol, [one, other] * 5))
    assert [answer.status_code for answer in answers] == [201] * 10
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 9
    assert len(store.samples("ada")) == 1
    assert [entry.action for entry in store.audit_log(speaker="ada")] == ["enrol"]
    store.close()
