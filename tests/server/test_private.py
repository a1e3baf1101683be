"""What a caller sends is in no log and no metric: a real service, at its most talkative."""

from base64 import b64encode
from contextlib import closing

import pytest
import real_service
from certificates import Authority
from real_service import SERVE, wav
from started import started

from voxgate.server.keys import new_key
from voxgate.store import open_store

NAME = "Zebulon-Quux"
API_KEY, KEY = new_key(frozenset({"admin"}), "default")
NOTE = "metadata-about-somebody"
MARK = b"PRIVATE-SOUND-MARKER"


@pytest.fixture(scope="module")
def said(tmp_path_factory, tiny_pack):
    """All that a service of two processes, over TLS, has said after it was asked this and that."""
    folder = tmp_path_factory.mktemp("service")
    authority = Authority(folder)
    certificate, key = authority.sign("service")
    settings = {
        **real_service.settings(folder, tiny_pack.path),
        "VOXGATE_PROCESSES": "2",
        "VOXGATE_LOG_LEVEL": "debug",
        "VOXGATE_TLS_CERTIFICATE": str(certificate),
        "VOXGATE_TLS_KEY": str(key),
    }
    with closing(
        open_store(settings["VOXGATE_STORE"], key=bytes.fromhex(settings["VOXGATE_KEY"]))
    ) as store:
        store.keys.add(API_KEY)
    trusted = authority.trusted()
    with started(program=SERVE, env=settings, tls=trusted) as service:
        with service.client(verify=trusted, headers=headers()) as client:
            answers = list(ask(client))
            metrics = client.get("/metrics").text
        status = service.terminate()
    return {"answers": answers, "metrics": metrics, "log": service, "status": status,
            "key": settings["VOXGATE_KEY"]}  # fmt: skip


def headers():
    return {"Authorization": f"Bearer {KEY}", "X-API-Key": KEY, "X-Metadata": NOTE}


def ask(client):
    """What succeeds, what is refused, and what makes no sense."""
    path = f"/v1/speakers/{NAME}"
    yield client.post(f"{path}/enrolments?note={NOTE}", content=wav(1))
    yield client.post(f"{path}/verify", content=wav(1))
    yield client.get(path)
    yield client.post(f"{path}/enrolments", content=MARK)
    yield client.post(f"{path}/verify", content=wav(1)[:2000] + MARK)
    yield client.get(f"/v1/speakers/{NAME}-unknown")
    yield client.get(f"/{NAME}/{KEY}")
    yield client.request("DELETE", f"/v1/{NOTE}", json={"name": NAME, "metadata": NOTE})
    yield client.post("/v1/speakers/%FF%00/verify", content=MARK)


def test_the_service_was_asked_all_kinds_of_things(said):
    statuses = [answer.status_code for answer in said["answers"]]
    assert statuses[:3] == [201, 200, 200]
    assert all(400 <= status < 500 for status in statuses[3:])
    assert said["status"] == 0


def test_every_request_left_a_line_of_json_and_nothing_that_was_sent(said):
    log = said["log"]
    lines = [line for line in log.messages if line["message"] == "request"]
    assert len(lines) == len(said["answers"])
    assert {line["request_id"] for line in lines} == {
        answer.headers["x-request-id"] for answer in said["answers"]
    }
    for private in (
        NAME,
        KEY,
        KEY[-43:],
        NOTE,
        MARK.decode(),
        b64encode(MARK).decode(),
        said["key"],
    ):
        assert private not in log.text


def test_metrics_of_both_processes_hold_nothing_that_was_sent(said):
    assert 'asked="verify",outcome="accept"' in said["metrics"]
    for private in (NAME, KEY, NOTE, MARK.decode(), said["key"]):
        assert private not in said["metrics"]


def test_answers_over_tls_carry_the_security_headers(said):
    for answer in said["answers"]:
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
