"""Batch jobs over HTTP, of the service as it is started; and killed."""

import io
import secrets
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile as sf
from started import started

from voxgate.server.keys import new_key
from voxgate.store import open_store

VOICES = Path(__file__).parents[3] / "examples" / "voices"
STORE_KEY = secrets.token_bytes(32)


def recording(name):
    return (VOICES / f"{name}.flac").read_bytes()


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    url = f"sqlite:///{folder}/voices.db"
    store = open_store(url, key=STORE_KEY)
    may = {"enrol": {"enrol", "verify"}, "verify": {"verify"}, "admin": {"admin"}}
    texts = {}
    for name, scopes in may.items():
        key, texts[name] = new_key(frozenset(scopes), "default")
        store.keys.add(key)
    store.close()
    return texts, {
        "VOXGATE_STORE": url,
        "VOXGATE_KEY": STORE_KEY.hex(),
        "VOXGATE_JOBS_FOLDER": str(folder / "jobs"),
        "VOXGATE_LARGEST_UPLOAD_MB": "5",
        "VOXGATE_EARS": "1",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="module")
def serving(settings):
    with started(program=("-m", "voxgate", "serve"), env=settings[1]) as service:
        yield service


@pytest.fixture
def client(serving, settings):
    with serving.client(headers={"X-API-Key": settings[0]["enrol"]}) as client:
        yield client


def give(client, members, **fields):
    files = {"archive": ("voices.zip", archive(members), "application/zip")}
    return client.post("/v1/jobs", files=files, data=fields)


def ended(client, job_id, within_s=60):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = client.get(f"/v1/jobs/{job_id}").json()
        if found["status"] not in ("waiting", "running"):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def counts(job):
    return tuple(job[name] for name in ("status", "speakers", "enrolled", "skipped", "failed"))


def test_a_zip_of_speakers_is_enrolled_in_the_background(client):
    members = {
        f"{name}/{n}.flac": recording(f"{name}-{n}") for name in ("ada", "alan") for n in (1, 2)
    }
    given = give(client, {**members, "bob/text.wav": b"no sound"})
    assert given.status_code == 202
    job = given.json()
    assert given.headers["location"].endswith(f"/v1/jobs/{job['id']}")
    assert (job["kind"], job["speakers"]) == ("enrolment", 3)
    done = ended(client, job["id"])
    assert counts(done) == ("done", 3, 2, 0, 1)
    assert done["failures"][0]["speaker"] == "bob"
    assert client.get("/v1/speakers/ada").json()["recordings"] == 2
    assert client.get("/v1/jobs").json()["jobs"][0] == done
    again = give(client, members).json()
    assert counts(ended(client, again["id"])) == ("done", 2, 0, 2, 0)
    anew = give(client, {"ada/3.flac": recording("ada-3")}, existing="overwrite").json()
    assert counts(ended(client, anew["id"])) == ("done", 1, 1, 0, 0)
    assert client.get("/v1/speakers/ada").json()["recordings"] == 1


def test_fraudsters_are_registered_and_whoever_sounds_like_one_is_refused(client, settings):
    files = [("recording", ("mallory/1.flac", recording("edsger-1"), "audio/flac"))]
    fields = {"kind": "fraudsters", "watchlist": "known"}
    assert client.post("/v1/jobs", files=files, data=fields).status_code == 403
    admin = {"X-API-Key": settings[0]["admin"]}
    given = client.post("/v1/jobs", files=files, data=fields, headers=admin).json()
    assert counts(ended(client, given["id"])) == ("done", 1, 1, 0, 0)
    posing = {"grace/1.flac": recording("edsger-2")}
    refused = ended(client, give(client, posing).json()["id"])
    assert counts(refused) == ("done", 1, 0, 0, 1)
    assert refused["failures"][0]["error"] == "KnownFraudsterError"
    taken = ended(client, give(client, posing, on_fraud_risk="ignore").json()["id"])
    assert counts(taken) == ("done", 1, 1, 0, 0)


def test_a_job_that_is_given_twice_with_one_key_is_one_job(client):
    files = {"archive": ("voices.zip", archive({"once/1.flac": recording("ada-1")}))}
    before = len(client.get("/v1/jobs").json()["jobs"])
    key = {"Idempotency-Key": "upload-of-monday"}
    first, again = (client.post("/v1/jobs", files=files, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert len(client.get("/v1/jobs").json()["jobs"]) == before + 1
    other = {"archive": ("voices.zip", archive({"twice/1.flac": recording("ada-1")}))}
    assert client.post("/v1/jobs", files=other, headers=key).status_code == 422
    ended(client, first.json()["id"])


def test_a_job_is_cancelled_and_forgotten(client, settings):
    members = {f"p{n}/1.flac": recording("ada-1") for n in range(20)}
    job = give(client, members, on_fraud_risk="ignore").json()
    assert client.post(f"/v1/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert client.get(f"/v1/jobs/{job['id']}").status_code == 404
    assert not (Path(settings[1]["VOXGATE_JOBS_FOLDER"]) / job["id"]).exists()


@pytest.mark.parametrize(
    ("members", "fields", "refusal"),
    [
        ({}, {}, (422, "holds 0 recordings")),
        ({"1.wav": b"x"}, {}, (422, "lies in no folder")),
        ({"ada/1.wav": b"x"}, {"kind": "other"}, (422, "kind='other' is not one of")),
        ({"ada/1.wav": b"x"}, {"existing": "add"}, (422, "existing='add' is not one of")),
        ({"ada/1.wav": b"x"}, {"kind": "fraudsters"}, (422, "Name the 'watchlist'")),
        ({"ada/1.wav": b"x"}, {"watchlist": "known"}, (422, "Name the 'watchlist'")),
        ({"ada/1.wav": bytes(5_100_000)}, {}, (413, "more than 5,000,000 bytes")),
    ],
)
def test_what_is_no_job_is_refused_and_leaves_nothing(client, settings, members, fields, refusal):
    status, detail = refusal
    answer = give(client, members, **fields)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert detail in answer.json()["detail"]
    folder = Path(settings[1]["VOXGATE_JOBS_FOLDER"])
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"content": b"zip", "headers": {"Content-Type": "application/zip"}}, 415),
        ({"files": {"other": ("a.zip", b"x")}}, 400),
        ({"data": {"kind": "enrolment"}, "files": {"archive": ("a.zip", b"no zip")}}, 422),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
    ],
)
def test_a_body_that_is_no_form_with_recordings_is_refused(client, options, status):
    assert client.post("/v1/jobs", **options).status_code == status


@pytest.mark.parametrize(("job_id", "status"), [("0" * 32, 404), ("x", 422), ("%00" * 32, 422)])
def test_an_unknown_job_is_not_found_and_a_malformed_id_refused(client, job_id, status):
    for method, path in (("GET", ""), ("POST", "/cancel"), ("DELETE", "")):
        assert client.request(method, f"/v1/jobs/{job_id}{path}").status_code == status
    assert client.get("/v1/jobs", params={"after": "x"}).status_code == 422
    assert client.get("/v1/jobs", params={"after": "0" * 32}).status_code == 404


def test_a_key_that_may_not_enrol_gives_no_jobs(serving, settings):
    with serving.client(headers={"X-API-Key": settings[0]["verify"]}) as client:
        assert give(client, {"ada/1.flac": recording("ada-1")}).status_code == 403


def noisy(rng):
    """A recording that is no copy of another."""
    sound = sf.read(VOICES / "ada-2.flac", dtype="float32")[0]
    file = io.BytesIO()
    sf.write(file, sound + rng.normal(0, 1e-3, sound.shape), 16_000, format="FLAC")
    return file.getvalue()


def test_a_job_outlives_a_service_that_is_killed(settings, tmp_path):
    texts, env = settings
    env = {**env, "VOXGATE_JOBS_FOLDER": str(tmp_path / "jobs")}
    rng, names = np.random.default_rng(3), [f"k{n:02}" for n in range(12)]
    members = {f"{name}/1.flac": noisy(rng) for name in names}
    header = {"X-API-Key": texts["enrol"]}
    serve = ("-m", "voxgate", "serve")
    with started(program=serve, env=env) as service, service.client(headers=header) as client:
        job = give(client, members, on_fraud_risk="ignore").json()
        while client.get(f"/v1/jobs/{job['id']}").json()["enrolled"] < 2:
            time.sleep(0.01)
        kill(service)
    with started(program=serve, env=env) as service, service.client(headers=header) as client:
        found = client.get(f"/v1/jobs/{job['id']}").json()
        assert found["status"] == "running"
        assert 2 <= found["enrolled"] < len(names)
        assert counts(ended(client, job["id"])) == ("done", 12, 12, 0, 0)
        enrolled = [client.get(f"/v1/speakers/{name}").json()["recordings"] for name in names]
    assert enrolled == [1] * 12
    assert list((tmp_path / "jobs").iterdir()) == []


def kill(service):
    """Kill -9, with what it has started."""
    processes = [psutil.Process(service.process.pid)]
    processes += processes[0].children(recursive=True)
    service.signal(signal.SIGKILL)
    psutil.wait_procs(processes, 20)
