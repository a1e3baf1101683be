"""The service itself as processes: what it has acknowledged is there, whatever is killed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import real_service
from real_service import SERVE, WAV, wav
from started import started


@pytest.fixture
def settings(tmp_path, tiny_pack):
    return real_service.settings(tmp_path, tiny_pack.path)


def enrol(service, speaker, recording):
    """The answer; who is told to come back does so."""
    with service.client(headers=WAV) as client:
        while True:
            answer = client.post(f"/v1/speakers/{speaker}/enrolments", content=recording)
            if answer.status_code != 503:
                return answer
            time.sleep(0.05)


def enrol_until_killed(service, prefix, enough):
    """Names that the service has acknowledged, from several clients; it is killed meanwhile."""
    acknowledged, recording = [], wav(1)
    reached = threading.Event()

    def client(number):
        with service.client(headers=WAV) as client:
            for i in range(10_000):
                name = f"{prefix}-{number}-{i}"
                try:
                    answer = client.post(f"/v1/speakers/{name}/enrolments", content=recording)
                except httpx.TransportError:
                    return
                if answer.status_code == 503:  # not acknowledged
                    continue
                assert answer.status_code < 300, answer.text
                acknowledged.append(name)
                if len(acknowledged) >= enough:
                    reached.set()

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(client, number) for number in range(4)]
        assert reached.wait(60)
        service.kill()
        for each in clients:
            each.result()
    return acknowledged


def test_kill_9_during_writes_loses_nothing_acknowledged(settings):
    acknowledged = []
    for round in range(2):
        with started(program=SERVE, env=settings) as service:
            acknowledged += enrol_until_killed(service, f"r{round}", enough=12)
    with started(program=SERVE, env=settings) as service, service.client(headers=WAV) as client:
        for name in acknowledged:
            assert client.get(f"/v1/speakers/{name}").status_code == 200
        answer = client.post(f"/v1/speakers/{acknowledged[0]}/verify", content=wav(1))
        assert answer.json()["outcome"] == "accept"


def test_two_services_over_one_store_see_each_others_writes_and_lose_none(settings):
    with (
        started(program=SERVE, env=settings) as one,
        started(program=SERVE, env=settings) as other,
    ):
        assert enrol(one, "ada", wav(1)).status_code < 300
        with other.client(headers=WAV) as client:
            answer = client.post("/v1/speakers/ada/verify", content=wav(1))
        assert answer.json()["outcome"] == "accept"
        with ThreadPoolExecutor() as pool:
            services = [one, other] * 4
            takes = [wav(1, take) for take in range(2, 10)]
            answers = list(pool.map(enrol, services, ["ada"] * 8, takes))
        assert [answer.status_code < 300 for answer in answers] == [True] * 8
        assert one.get("/v1/speakers/ada").json()["recordings"] == 9


def test_sigterm_under_load_breaks_no_request(settings):
    def verify_until_refused(service):
        with service.client() as client:
            statuses = []
            while not statuses or statuses[-1] == 200:
                answer = client.post("/v1/speakers/ada/verify", content=wav(1))
                statuses.append(answer.status_code)
            assert "going down" in answer.json()["detail"]
            return statuses

    with started(program=SERVE, env=settings | {"VOXGATE_DRAIN_NOTICE_S": "2"}) as service:
        enrol(service, "ada", wav(1))
        with ThreadPoolExecutor() as pool:
            clients = [pool.submit(verify_until_refused, service) for _ in range(2)]
            time.sleep(1)
            assert service.terminate() == 0
            answered = [client.result() for client in clients]
    assert all(statuses[-1] == 503 for statuses in answered)
    assert sum(map(len, answered)) > 4  # it was busy, and every request had its answer
