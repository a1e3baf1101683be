"""Batch jobs: given by a request, done in the background, taken up again after a crash.

Every service process has one worker. A job belongs to the worker that claimed it for as long as
that renews its lease; the job of one that was killed is claimed by another, and goes on after the
last speaker that was told finished.
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from voxgate.errors import (
    OverloadedError,
    StoreCorruptError,
    StoreError,
    StoreUnavailableError,
    StoreWriteError,
    VoxgateError,
)
from voxgate.server.batch import Batch, Item, Processor, Result
from voxgate.server.service import Service
from voxgate.server.spool import Spool, waiting
from voxgate.store import Job, JobFailure, JobStatus

POLL_S = 1.0  # how often a worker with nothing to do looks for a job
LEASE_S = 8.0  # after which another worker may take up a job that nothing was heard of
BACK_OFF_S = 0.5  # before a speaker is tried again for whom the service had no room
ENDS_WITHIN_S = 30.0

log = logging.getLogger("voxgate.jobs")


class JobWorker:
    """A thread that does the jobs of all domains, one after the other."""

    def __init__(
        self, service: Service, folder: Path, *, poll_s: float = POLL_S, lease_s: float = LEASE_S
    ) -> None:
        """Say what to work with; `start` begins.

        Args:
            service: whose tenants' voices are enrolled.
            folder: where recordings wait.
            poll_s: how often to look for a job.
            lease_s: for how long a job stays this worker's when nothing is heard of it.
        """
        self._service = service
        self._jobs = service.store.jobs
        self._folder = folder
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._name = f"{os.getpid()}-{uuid4().hex[:8]}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the speaker at hand; what is left of the job is done after the next start."""
        self._stopping.set()
        self._thread.join(ENDS_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                here = list(waiting(self._folder))  # not on another machine
                job = self._jobs.claim(self._name, here, lease_s=self._lease_s)
                if job is not None:
                    self._do(job)
                    continue
            except StoreError:  # the lease runs out, and the job is tried again
                log.exception("jobs cannot be done now")
            self._stopping.wait(self._poll_s)

    def _do(self, job: Job) -> None:
        """Do what is left of a job, speaker by speaker."""
        facts = {"job": job.id, "finished": job.finished, "total": job.total}
        log.info("job taken up", extra=facts)
        try:
            batch = Batch.from_dict(self._jobs.payload(job.id))
        except StoreCorruptError:
            log.exception("a job cannot be read", extra=facts)
            self._tell(job, status="failed")
            return
        spool = Spool(self._folder, job.id, batch.key)
        tenant = self._service.tenant(job.domain)
        processor = Processor(batch, spool, tenant.verifier, tenant.watch, job.created_at)
        with self._kept(job):
            if not all(self._finish(job, item, processor) for item in batch.items[job.finished :]):
                return
        self._tell(job, status="done")
        spool.clear()

    def _finish(self, job: Job, item: Item, processor: Processor) -> bool:
        """Do one speaker and tell of it; False where the job is not this worker's any more."""
        try:
            result = self._patiently(item, processor)
        except (StoreUnavailableError, StoreWriteError):
            raise  # it is no fault of the speaker's
        except VoxgateError as error:
            failure = JobFailure(item.speaker, type(error).__name__, str(error))
            told = self._tell(job, failure=failure)
        else:
            if result is None:
                return False
            told = self._tell(job, done=result == "enrolled", skipped=result == "skipped")
        for number, _ in item.recordings:
            processor.spool.drop(number)
        if not told:
            processor.spool.clear()  # cancelled
        return told

    def _patiently(self, item: Item, processor: Processor) -> Result | None:
        """Do one speaker, when there is room for it; None where the service ends before."""
        while not self._stopping.is_set():
            try:
                return processor.process(item)
            except OverloadedError:
                self._stopping.wait(BACK_OFF_S)  # whoever waits for an answer goes first
        return None

    def _tell(
        self,
        job: Job,
        *,
        done: bool = False,
        skipped: bool = False,
        failure: JobFailure | None = None,
        status: JobStatus = "running",
    ) -> bool:
        """Tell of progress; False where the job was cancelled, or another worker has it."""
        return self._jobs.progress(
            job.id,
            self._name,
            lease_s=self._lease_s,
            done=int(done),
            skipped=int(skipped),
            failure=failure,
            status=status,
        )

    @contextmanager
    def _kept(self, job: Job) -> Iterator[None]:
        """While the lease of a job is renewed, however long one speaker takes."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(self._lease_s / 3):
                with suppress(StoreError):  # tried again, and then the lease has run out
                    self._tell(job)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
