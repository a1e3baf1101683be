"""A service whose PostgreSQL goes away says so, loses nothing, and goes on when it is back."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest
import real_service
from real_service import SERVE, WAV, wav
from server.conftest import Running, running
from started import Started, started
from store.databases import KEY
from store.server import PostgresServer
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from voxgate.packs import Pack

SECRET = "hunter2"  # noqa: S105 - in the URL of the store, and nowhere else


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url.replace("postgres@", f"postgres:{SECRET}@")


@pytest.fixture
def service(url: str, tiny_pack: Pack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("VOXGATE_KEY", KEY.hex())
    yield from running(store=url, pack=str(tiny_pack.path), ears=1)


def test_without_its_database_it_answers_503_and_needs_no_restart_when_that_is_back(
    service: Running, postgres: PostgresServer
) -> None:
    key = service.key("admin")
    with service.client(key) as client, streaming(service, key) as stream:
        assert [answer.status_code for answer in ask(client)] == [201, 200, 200, 200, 200]
        postgres.stop()
        try:
            for answer in ask(client):
                check_it_is_told(answer, postgres)
            check_a_stream_is_told(service, key, stream)
            assert client.get("/readyz").status_code == 503
            assert client.get("/readyz").json()["reason"] == "store"
            assert client.get("/healthz").status_code == 200
            assert client.get("/metrics").status_code == 200
        finally:
            postgres.start()
        assert [answer.status_code for answer in ask(client, 1)] == [201, 200, 200, 200, 200]
        assert client.get("/readyz").status_code == 200
        assert client.get("/v1/speakers/ada").json()["recordings"] == 2


def ask(client: httpx.Client, take: int = 0) -> list[httpx.Response]:
    """What a client is answered who enrols, verifies, identifies and looks."""
    recording = wav(1, take)
    return [
        client.post("/v1/speakers/ada/enrolments", content=recording),
        client.post("/v1/speakers/ada/verify", content=recording),
        client.post("/v1/identify", content=recording),
        client.get("/v1/speakers/ada"),
        client.get("/speaker/verification/v2.0/text-independent/profiles"),
    ]


def check_it_is_told(answer: httpx.Response, postgres: PostgresServer) -> None:
    """That it cannot be done now, in the form of the API, and nothing of where the store is."""
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    if "/v1/" in str(answer.url):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:voxgate:store-unavailable"
    for word in (SECRET, str(postgres.folder), "postgres"):
        assert word not in answer.text


def streaming(service: Running, key: str) -> ClientConnection:
    url = service.url.replace("http", "ws") + "/v1/stream"
    return connect(url, additional_headers={"X-API-Key": key}, proxy=None)


def check_a_stream_is_told(service: Running, key: str, stream: ClientConnection) -> None:
    """One that had begun, and one that would begin now."""
    stream.send(json.dumps({"speaker": "ada"}))
    assert json.loads(stream.recv())["status"] == 503
    with pytest.raises(ConnectionClosed) as closed:
        stream.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    with pytest.raises(InvalidStatus) as refused, streaming(service, key):
        pass
    assert refused.value.response.status_code == 503


def enrol(service: Started, prefix: str, acknowledged: list[str]) -> int:
    """Enrol one speaker after the other until the service is gone; how many were refused."""
    refused = 0
    with service.client(headers=WAV) as client:
        for i in count():
            name = f"{prefix}-{i}"
            try:
                answer = client.post(f"/v1/speakers/{name}/enrolments", content=wav(1))
            except httpx.TransportError:
                return refused
            if answer.status_code == 201:
                acknowledged.append(name)
            else:
                assert answer.status_code == 503, answer.text
                refused += 1
                time.sleep(0.05)
    raise AssertionError("it was not killed")


def test_kill_9_of_the_database_and_of_the_service_during_writes_loses_nothing_acknowledged(
    url: str, postgres: PostgresServer, tiny_pack: Pack, tmp_path: Path
) -> None:
    settings = real_service.settings(tmp_path, tiny_pack.path)
    settings |= {"VOXGATE_STORE": url, "VOXGATE_KEY": KEY.hex()}
    acknowledged: list[str] = []

    def written(enough: int) -> None:
        """Return when so many more were acknowledged."""
        wanted, deadline = len(acknowledged) + enough, time.monotonic() + 60
        while len(acknowledged) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    with ThreadPoolExecutor(3) as pool, started(program=SERVE, env=settings) as service:
        clients = [pool.submit(enrol, service, f"{n}", acknowledged) for n in range(3)]
        for _ in range(2):
            written(4)
            postgres.kill()
            postgres.start()
        written(4)  # by a service that was not started again
        service.kill()
        refused = sum(client.result() for client in clients)
    assert refused > 0
    assert SECRET not in service.text
    with started(program=SERVE, env=settings) as service, service.client() as client:
        found = client.get("/v1/speakers", params={"limit": 500}).json()["speakers"]
        assert set(acknowledged) <= {one["speaker"] for one in found}
        assert all(one["recordings"] >= 1 for one in found)
        answer = client.post(f"/v1/speakers/{acknowledged[0]}/verify", content=wav(1))
        assert answer.json()["outcome"] == "accept"
