"""The app over a Service: health, and how errors are answered."""

import inspect
import io

import pytest
import soundfile
from starlette.testclient import TestClient
from voices import speak

from voxgate import errors
from voxgate.errors import VoxgateError
from voxgate.server.app import create_app
from voxgate.server.errors import STATUS, status_of
from voxgate.server.settings import read_settings
from voxgate.store import open_store


def wav(voice, seconds=2.0):
    file = io.BytesIO()
    soundfile.write(file, speak(voice, seconds), 16_000, format="WAV")
    return file.getvalue()


@pytest.fixture(scope="module")
def app(tiny_pack, tmp_path_factory):
    store = f"sqlite:///{tmp_path_factory.mktemp('store')}/voices.db"
    return create_app(
        read_settings(store=store, pack=str(tiny_pack.path), ears=1, queue=1, largest_body_mb=0.2)
    )


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def test_it_is_alive_and_ready_and_tells_of_its_model(client, tiny_pack):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    told = client.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f'pack="{tiny_pack.id}"' in told.text


def test_it_is_not_ready_while_the_store_or_the_workers_are_gone(app, client, monkeypatch):
    service = app.state.service

    def lost():
        raise errors.StoreError("gone")

    monkeypatch.setattr(service.store, "revision", lost)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "store")
    monkeypatch.setattr(service.ears, "_alive", set())
    assert client.get("/readyz").json()["reason"] == "workers"


def test_a_voice_is_enrolled_and_verified_and_both_are_told_of(client):
    assert client.post("/v1/speakers/ada/enrolments", content=wav(1)).status_code == 201
    answer = client.post("/v1/speakers/ada/verify", content=wav(1))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accept")
    told = client.get("/metrics").text
    assert 'voxgate_decisions_total{asked="verify",outcome="accept"} 1.0' in told
    assert 'voxgate_stage_seconds_count{stage="embed"} 2.0' in told
    assert 'route="/v1/speakers/{speaker}/verify"' in told


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("/v1/speakers/bob/enrolments", b"no sound", 422, "recording"),
        ("/v1/speakers/bob/enrolments", b"x" * 300_000, 413, "more than 200,000 bytes"),
        ("/v1/none", b"", 404, "Not Found"),
    ],
)
def test_an_error_is_a_problem_with_an_id(client, path, body, status, detail):
    answer = client.post(path, content=body)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_too_many_recordings_at_once_are_told_to_come_back(app, client, monkeypatch):
    monkeypatch.setattr(app.state.service.ears, "_inside", 99)
    answer = client.post("/v1/speakers/eve/enrolments", content=wav(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert 'voxgate_requests_shed_total{reason="overload"} 1.0' in client.get("/metrics").text


def test_every_error_has_a_status():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    for kind in kinds:
        if issubclass(kind, VoxgateError):
            assert status_of(kind.__new__(kind)) >= 400
    assert set(STATUS) <= set(kinds)


def test_the_store_that_it_writes_is_an_ordinary_one(app, client):
    client.post("/v1/speakers/alan/enrolments", content=wav(2))
    store = open_store(app.state.service.settings.store)
    assert "alan" in [summary.name for summary in store.speakers()]
