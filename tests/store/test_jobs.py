"""Batch jobs, over each of the databases."""

import time

import pytest

from store.conftest import KEY
from voxgate.errors import JobNotFoundError
from voxgate.store import JobFailure, open_store

PAYLOAD = {"items": ["ada"], "key": "secret"}
LEASE = {"lease_s": 60.0}


@pytest.fixture
def store(url):
    opened = open_store(url, key=KEY)
    yield opened
    opened.close()


def test_a_job_waits_as_it_was_given_and_is_found_by_its_domain_only(store):
    job = store.jobs.add("enrolment", 3, PAYLOAD)
    assert (job.kind, job.status, job.total, job.finished) == ("enrolment", "waiting", 3, 0)
    assert job.domain == "default"
    assert store.jobs.find(job.id) == job
    assert store.jobs.payload(job.id) == PAYLOAD
    store.add_domain("other")
    with pytest.raises(JobNotFoundError, match=job.id):
        store.within("other").jobs.find(job.id)
    assert store.within("other").jobs.page() == []


def test_one_worker_has_a_job_until_its_lease_runs_out(store):
    job = store.jobs.add("enrolment", 3, PAYLOAD)
    claimed = store.jobs.claim("a", [job.id], lease_s=0.1)
    assert (claimed.id, claimed.status) == (job.id, "running")
    assert store.jobs.claim("b", [job.id], **LEASE) is None
    time.sleep(0.15)
    assert store.jobs.claim("b", [job.id], **LEASE).id == job.id
    assert not store.jobs.progress(job.id, "a", done=1, **LEASE)
    assert store.jobs.progress(job.id, "b", done=1, **LEASE)
    assert store.jobs.find(job.id).done == 1


def test_telling_of_progress_renews_the_lease(store):
    job = store.jobs.add("enrolment", 3, PAYLOAD)
    store.jobs.claim("a", [job.id], lease_s=0.1)
    assert store.jobs.progress(job.id, "a", **LEASE)
    time.sleep(0.15)
    assert store.jobs.claim("b", [job.id], **LEASE) is None


def test_a_worker_is_given_the_oldest_of_the_jobs_that_it_can_do_whatever_the_domain(store):
    store.add_domain("other")
    first = store.jobs.add("enrolment", 1, PAYLOAD)
    second = store.within("other").jobs.add("fraudsters", 1, PAYLOAD)
    third = store.jobs.add("enrolment", 1, PAYLOAD)
    both = [third.id, second.id]
    assert store.jobs.claim("a", both, **LEASE).id == second.id
    assert store.jobs.claim("a", both, **LEASE).id == third.id
    assert store.jobs.claim("a", [], **LEASE) is None
    assert store.jobs.find(first.id).status == "waiting"


def test_progress_adds_up_and_says_whom_it_failed_for(store):
    job = store.jobs.add("enrolment", 4, PAYLOAD)
    store.jobs.claim("a", [job.id], **LEASE)
    failures = [JobFailure(name, "EnrolmentError", "No sound.") for name in ("bob", "eve")]
    store.jobs.progress(job.id, "a", done=1, **LEASE)
    store.jobs.progress(job.id, "a", failure=failures[0], **LEASE)
    store.jobs.progress(job.id, "a", skipped=1, **LEASE)
    store.jobs.progress(job.id, "a", failure=failures[1], **LEASE)
    found = store.jobs.find(job.id)
    assert (found.done, found.skipped, found.failed, found.finished) == (1, 1, 2, 4)
    assert list(found.failures) == failures


def test_what_a_job_was_to_do_is_forgotten_when_it_is_over(store):
    job = store.jobs.add("enrolment", 1, PAYLOAD)
    store.jobs.claim("a", [job.id], **LEASE)
    assert store.jobs.progress(job.id, "a", status="done", **LEASE)
    assert store.jobs.find(job.id).status == "done"
    with pytest.raises(JobNotFoundError):
        store.jobs.payload(job.id)
    assert store.jobs.claim("b", [job.id], **LEASE) is None


def test_a_cancelled_job_is_nobodys(store):
    job = store.jobs.add("enrolment", 1, PAYLOAD)
    store.jobs.claim("a", [job.id], **LEASE)
    assert store.jobs.cancel(job.id).status == "cancelled"
    assert not store.jobs.progress(job.id, "a", done=1, **LEASE)
    done = store.jobs.add("enrolment", 1, PAYLOAD)
    store.jobs.claim("a", [done.id], **LEASE)
    store.jobs.progress(done.id, "a", status="done", **LEASE)
    assert store.jobs.cancel(done.id).status == "done"


def test_jobs_are_listed_the_newest_first_page_by_page(store):
    made = [store.jobs.add("enrolment", 1, PAYLOAD).id for _ in range(5)]
    first = [job.id for job in store.jobs.page(limit=2)]
    second = [job.id for job in store.jobs.page(after=first[-1], limit=10)]
    assert first + second == made[::-1]


def test_a_removed_job_is_gone_and_so_are_those_of_a_deleted_domain(store):
    store.add_domain("other")
    job = store.jobs.add("enrolment", 1, PAYLOAD)
    gone = store.within("other").jobs.add("enrolment", 1, PAYLOAD)
    store.jobs.remove(job.id)
    store.delete_domain("other")
    for one in (job, gone):
        with pytest.raises(JobNotFoundError):
            store.jobs.find(one.id)
        assert store.jobs.claim("a", [one.id], **LEASE) is None


def test_names_of_a_job_are_not_readable_in_the_file(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/voices.db", key=KEY)
    job = store.jobs.add("enrolment", 1, {"items": ["adalovelace"]})
    store.jobs.claim("a", [job.id], **LEASE)
    store.jobs.progress(job.id, "a", failure=JobFailure("adalovelace", "E", "m"), **LEASE)
    store.close()
    for file in tmp_path.iterdir():
        assert b"adalovelace" not in file.read_bytes()
