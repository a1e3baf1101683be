"""Batch jobs in an SQL database: what is to be done, by whom at present, and how far it is.

A job belongs to the worker that claimed it until its lease runs out; telling of progress renews
that. What a job is to do, and whom it failed for, is sealed, for it names people.
"""

import json
import uuid
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, and_, delete, insert, or_, select, update

from voxgate.errors import JobNotFoundError
from voxgate.store import audit, responses
from voxgate.store.entities import Job, JobFailure, JobStatus
from voxgate.store.rows import Rows
from voxgate.store.schema import jobs, spaces
from voxgate.store.times import now_us, to_datetime

Transaction = Callable[[], AbstractContextManager[Rows]]

_MICROSECONDS = 1_000_000


class SqlJobs:
    """The jobs of a domain; those of all domains, to a worker."""

    def __init__(
        self, reading: Transaction, writing: Transaction, erase: Callable[[], None]
    ) -> None:
        """Give the transactions of a view on the domain, and what removes traces."""
        self._reading = reading
        self._writing = writing
        self._erase = erase

    def add(self, kind: str, total: int, payload: dict[str, Any], *, id: str | None = None) -> Job:
        job_id, at_us = id or uuid.uuid4().hex, now_us()
        with self._writing() as rows:
            values = {
                "id": job_id,
                "space_id": rows.space,
                "kind": kind,
                "status": "waiting",
                "total": total,
                "created_us": at_us,
                "updated_us": at_us,
                "sealed_payload": _seal(rows, "payload", job_id, payload),
            }
            rows.connection.execute(insert(jobs).values(values))
            audit.append(rows, "add_job", None, {"id": job_id, "kind": kind, "speakers": total})
            return _job(rows, _required(rows, job_id))

    def find(self, job_id: str) -> Job:
        with self._reading() as rows:
            return _job(rows, _required(rows, job_id))

    def page(self, *, after: str | None = None, limit: int = 100) -> list[Job]:
        query = _all().order_by(jobs.c.created_us.desc(), jobs.c.id).limit(limit)
        with self._reading() as rows:
            query = query.where(jobs.c.space_id == rows.space)
            if after is not None:
                last = _required(rows, after)
                earlier = and_(jobs.c.created_us == last.created_us, jobs.c.id > last.id)
                query = query.where(or_(jobs.c.created_us < last.created_us, earlier))
            return [_job(rows, row) for row in rows.connection.execute(query)]

    def cancel(self, job_id: str) -> Job:
        with self._writing() as rows:
            if _required(rows, job_id).status in ("waiting", "running"):
                values = {"status": "cancelled", "updated_us": now_us(), "sealed_payload": None}
                change = update(jobs).where(jobs.c.id == job_id)
                rows.connection.execute(change.values(values))
                audit.append(rows, "cancel_job", None, {"id": job_id})
            return _job(rows, _required(rows, job_id))

    def remove(self, job_id: str) -> None:
        with self._writing() as rows:
            _required(rows, job_id)
            rows.connection.execute(delete(jobs).where(jobs.c.id == job_id))
            rows.raise_revision(erasure=True)
            responses.blank(rows)
            audit.append(rows, "remove_job", None, {"id": job_id})
        self._erase()

    # of all domains: for a worker

    def claim(self, worker: str, among: Collection[str], *, lease_s: float) -> Job | None:
        if not among:
            return None
        at_us = now_us()
        left = and_(jobs.c.status == "running", jobs.c.leased_until_us < at_us)
        free = or_(jobs.c.status == "waiting", left)
        query = _all().where(free, jobs.c.id.in_(among))
        with self._writing() as rows:
            row = rows.connection.execute(query.order_by(jobs.c.created_us).limit(1)).first()
            if row is None:
                return None
            values = {"status": "running", "worker": worker, "updated_us": at_us}
            until = {"leased_until_us": at_us + round(lease_s * _MICROSECONDS)}
            change = update(jobs).where(jobs.c.id == row.id)
            rows.connection.execute(change.values(values | until))
            return _job(rows, rows.connection.execute(_all().where(jobs.c.id == row.id)).one())

    def payload(self, job_id: str) -> dict[str, Any]:
        query = select(jobs.c.sealed_payload).where(jobs.c.id == job_id)
        with self._reading() as rows:
            sealed = rows.connection.execute(query).scalar_one_or_none()
            if sealed is None:
                raise JobNotFoundError(job_id)
            opened: dict[str, Any] = _open(rows, "payload", job_id, sealed)
            return opened

    def progress(  # noqa: PLR0913 - the whole state of a job that is running
        self,
        job_id: str,
        worker: str,
        *,
        lease_s: float,
        done: int = 0,
        skipped: int = 0,
        failure: JobFailure | None = None,
        status: JobStatus = "running",
    ) -> bool:
        with self._writing() as rows:
            query = _all().where(jobs.c.id == job_id, jobs.c.worker == worker)
            row = rows.connection.execute(query.where(jobs.c.status == "running")).first()
            if row is None:
                return False
            at_us = now_us()
            values: dict[str, Any] = {
                "done": row.done + done,
                "skipped": row.skipped + skipped,
                "status": status,
                "updated_us": at_us,
                "leased_until_us": at_us + round(lease_s * _MICROSECONDS),
            }
            if failure is not None:
                failures = [*_job(rows, row).failures, failure]
                kept = [asdict(one) for one in failures]
                values["failed"] = row.failed + 1
                values["sealed_failures"] = _seal(rows, "failures", job_id, kept)
            if status != "running":
                values["sealed_payload"] = None
            rows.connection.execute(update(jobs).where(jobs.c.id == job_id).values(values))
            return True


def _all() -> Select[Any]:
    columns = [column for column in jobs.c if column is not jobs.c.sealed_payload]
    return select(*columns, spaces.c.domain).join(spaces, spaces.c.id == jobs.c.space_id)


def _required(rows: Rows, job_id: str) -> Row[Any]:
    """The row of a job of this domain, or a JobNotFoundError."""
    query = _all().where(jobs.c.id == job_id, jobs.c.space_id == rows.space)
    row = rows.connection.execute(query).first()
    if row is None:
        raise JobNotFoundError(job_id)
    return row


def _job(rows: Rows, row: Row[Any]) -> Job:
    sealed = row.sealed_failures
    kept = _open(rows, "failures", row.id, sealed) if sealed is not None else []
    return Job(
        id=row.id,
        domain=row.domain,
        kind=row.kind,
        status=row.status,
        total=row.total,
        done=row.done,
        skipped=row.skipped,
        failed=row.failed,
        failures=tuple(JobFailure(**one) for one in kept),
        created_at=to_datetime(row.created_us),
        updated_at=to_datetime(row.updated_us),
    )


def _seal(rows: Rows, column: str, job_id: str, value: Any) -> bytes:
    return rows.vault.seal(json.dumps(value).encode(), f"jobs.{column}", job_id)


def _open(rows: Rows, column: str, job_id: str, sealed: bytes) -> Any:
    what = f"The {column} of job {job_id}"
    return json.loads(rows.vault.open(sealed, f"jobs.{column}", job_id, what=what))
