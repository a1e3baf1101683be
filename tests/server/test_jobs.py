import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_ear import TinyEar

from voxgate.errors import OverloadedError, StoreWriteError
from voxgate.server.archives import Labelled
from voxgate.server.batch import Batch, spooled
from voxgate.server.jobs import JobWorker
from voxgate.server.spool import Spool, new_key, waiting
from voxgate.store import open_store
from voxgate.verify import Verifier

LONG_LEASE_S = 1.5  # a busy machine may keep a worker from renewing it for a while
GIVEN = [
    Labelled("ada", "a.wav", b"0/0"),
    Labelled("bob", "b.wav", b"noise"),
    Labelled("eve", "e.wav", b"8/0"),
]


@pytest.fixture
def ear(tiny_pack):
    return TinyEar(tiny_pack)


@pytest.fixture
def service(tiny_pack, ear, tmp_path):
    """What a worker knows of a service: its store, and the two sides of a domain."""
    store = open_store(f"sqlite:///{tmp_path}/voices.db")
    sides = [Verifier(s, pack=tiny_pack, embedder=ear) for s in (store, store.fraudsters())]
    tenant = SimpleNamespace(verifier=sides[0], watch=sides[1])
    yield SimpleNamespace(store=store, tenant=lambda domain: tenant)
    store.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "jobs"


def give(service, folder, given=GIVEN, **options):
    key, job_id = new_key(), f"{time.time_ns():032x}"
    items = spooled(given, Spool(folder, job_id, key))
    batch = Batch(**{"kind": "enrolment", "items": items, "key": key, **options})
    return service.store.jobs.add("enrolment", len(items), batch.to_dict(), id=job_id)


def ended(service, job, within_s=20):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = service.store.jobs.find(job.id)
        if found.status not in ("waiting", "running"):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


@pytest.fixture
def worker(service, folder):
    made = JobWorker(service, folder, poll_s=0.02, lease_s=0.3)
    yield made
    made.stop()


def test_a_job_is_done_and_says_whom_it_failed_for(service, folder, worker):
    job = give(service, folder)
    worker.start()
    found = ended(service, job)
    assert (found.status, found.done, found.skipped, found.failed) == ("done", 2, 0, 1)
    (failure,) = found.failures
    assert (failure.speaker, failure.error) == ("bob", "EnrolmentError")
    assert failure.message == "No recording can be enrolled. b.wav is no sound."
    assert [one.name for one in service.store.speakers()] == ["ada", "eve"]
    assert list(waiting(folder)) == []


def test_a_job_goes_on_where_a_worker_that_was_killed_has_left_it(service, folder, worker):
    job = give(service, folder)
    service.store.jobs.claim("killed", [job.id], lease_s=0.1)
    service.store.jobs.progress(job.id, "killed", done=1, lease_s=0.1)
    worker.start()
    found = ended(service, job)
    assert (found.done, found.failed) == (2, 1)
    assert [one.name for one in service.store.speakers()] == ["eve"]


def test_a_speaker_waits_while_the_service_has_no_room(service, folder, worker, ear, monkeypatch):
    hear, refused = ear.embed, []

    def busy(recording):
        if len(refused) < 2:
            refused.append(recording)
            raise OverloadedError(17)
        return hear(recording)

    monkeypatch.setattr(ear, "embed", busy)
    monkeypatch.setattr("voxgate.server.jobs.BACK_OFF_S", 0.01)
    worker.start()
    found = ended(service, give(service, folder, GIVEN[:1]))
    assert (found.done, found.failed, len(refused)) == (1, 0, 2)


def test_a_speaker_who_takes_long_does_not_cost_the_lease(service, folder, ear, monkeypatch):
    hear, heard, enough = ear.embed, threading.Event(), threading.Event()

    def slow(recording):
        heard.set()
        assert enough.wait(20)
        return hear(recording)

    monkeypatch.setattr(ear, "embed", slow)
    worker = JobWorker(service, folder, poll_s=0.02, lease_s=LONG_LEASE_S)
    job = give(service, folder, GIVEN[:1])
    worker.start()
    try:
        assert heard.wait(20)
        for _ in range(8):  # over two leases
            time.sleep(LONG_LEASE_S / 4)
            assert service.store.jobs.claim("other", [job.id], lease_s=1) is None
        enough.set()
        assert ended(service, job).done == 1
    finally:
        enough.set()
        worker.stop()


def test_a_store_that_cannot_be_written_fails_nobody(service, folder, worker, monkeypatch):
    enrol, failed = Verifier.enrol, threading.Event()

    def full(*words, **options):
        if not failed.is_set():
            failed.set()
            raise StoreWriteError("The disk is full.")
        return enrol(*words, **options)

    monkeypatch.setattr(Verifier, "enrol", full)
    worker.start()
    found = ended(service, give(service, folder, GIVEN[:1]))
    assert failed.is_set()
    assert (found.done, found.failed) == (1, 0)


def test_a_cancelled_job_stops_after_the_speaker_at_hand(service, folder, worker, ear, monkeypatch):
    hear = ear.embed
    job = give(service, folder)

    def cancelling(recording):
        service.store.jobs.cancel(job.id)
        return hear(recording)

    monkeypatch.setattr(ear, "embed", cancelling)
    worker.start()
    ended(service, job)
    worker.stop()
    assert service.store.jobs.find(job.id).status == "cancelled"
    assert [one.name for one in service.store.speakers()] == ["ada"]
    assert list(waiting(folder)) == []


def test_a_job_whose_recordings_lie_on_another_machine_is_left_to_it(service, folder, worker):
    job = give(service, Path(folder).with_name("elsewhere"))
    worker.start()
    time.sleep(0.2)
    assert service.store.jobs.find(job.id).status == "waiting"


def test_a_job_that_cannot_be_read_has_failed(service, folder, worker, monkeypatch):
    job = give(service, folder)
    monkeypatch.setattr(Batch, "from_dict", lambda kept: _corrupt())
    worker.start()
    assert ended(service, job).status == "failed"


def _corrupt():
    from voxgate.errors import StoreCorruptError  # noqa: PLC0415 - of this one test

    raise StoreCorruptError("The payload was altered.")
