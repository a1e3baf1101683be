"""Batch jobs: enrol many speakers, or register many fraudsters, in the background."""

from collections.abc import Mapping
from typing import Annotated, Any, cast, get_args
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from voxgate.errors import VoxgateError
from voxgate.server.auth import Enrolling
from voxgate.server.batch import Batch, Existing, Kind, OnFraudRisk, spooled
from voxgate.server.routes.common import problems
from voxgate.server.service import Service
from voxgate.server.spool import Spool, new_key
from voxgate.server.uploads import Uploaded
from voxgate.store import Job

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=problems())

ID = "^[0-9a-f]{32}$"
JobId = Annotated[str, Path(pattern=ID)]

CHOICES: Mapping[str, tuple[str, ...]] = {  # the first counts where nothing is said
    "kind": get_args(Kind),
    "existing": get_args(Existing),
    "on_fraud_risk": tuple(reversed(get_args(OnFraudRisk))),
}
EXAMPLE = {
    "id": "5f0c7d1e9a8b4c3d8e7f6a5b4c3d2e1f",
    "kind": "enrolment",
    "status": "running",
    "speakers": 250,
    "enrolled": 97,
    "skipped": 2,
    "failed": 1,
    "failures": [
        {"speaker": "ada", "error": "EnrolmentError", "message": "No recording can be enrolled."}
    ],
    "created_at": "2026-01-05T09:30:00+00:00",
    "updated_at": "2026-01-05T09:31:40+00:00",
}
_SHOWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"example": EXAMPLE}}},
    404: {"description": "No such job in this domain."},
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "archive": {"type": "string", "format": "binary"},
                        "recording": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        },
                        **{name: {"enum": list(words)} for name, words in CHOICES.items()},
                        "watchlist": {"type": "string"},
                    },
                }
            }
        },
    }
}


@router.post("", status_code=202, summary="Give a batch job", openapi_extra=_FORM)
def give(
    request: Request, response: Response, caller: Enrolling, upload: Uploaded
) -> dict[str, Any]:
    """Enrol the speakers, or register the fraudsters, whose recordings are in the form.

    They are in one zip, the field `archive`, with a folder for each speaker; or in fields
    `recording`, each with a file name such as `ada/first.wav`. `existing`: voiceprints that are
    there are left (`skip`) or made anew (`overwrite`). `on_fraud_risk`: a speaker who sounds
    like a known fraudster fails (`fail`) or is enrolled all the same (`ignore`).
    """
    service: Service = request.app.state.service
    choices = {name: _choice(upload.fields, name) for name in CHOICES}
    watchlist = upload.fields.get("watchlist")
    if (watchlist is None) != (choices["kind"] == "enrolment"):
        raise HTTPException(422, "Name the 'watchlist' for kind=fraudsters, and only for it.")
    if watchlist is not None and not caller.may("admin"):
        raise HTTPException(403, "Only a key with the scope 'admin' may register fraudsters.")
    job_id, key = uuid4().hex, new_key()
    spool = Spool(service.settings.jobs, job_id, key)
    longest = round(service.settings.largest_body_mb * 1_000_000)
    try:
        items = spooled(upload.labelled(longest), spool)
        batch = Batch(
            kind=cast("Kind", choices["kind"]),
            items=items,
            key=key,
            existing=cast("Existing", choices["existing"]),
            on_fraud_risk=cast("OnFraudRisk", choices["on_fraud_risk"]),
            watchlist=watchlist,
        )
        job = caller.tenant.store.jobs.add(batch.kind, len(items), batch.to_dict(), id=job_id)
    except VoxgateError:
        spool.clear()
        raise
    response.headers["Location"] = f"{request.url.replace(query='')}/{job.id}"
    return facts(job)


@router.get("", summary="List batch jobs")
def page(
    caller: Enrolling,
    after: Annotated[
        str | None, Query(pattern=ID, description="The last job of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """The domain's jobs, the newest first."""
    jobs = caller.tenant.store.jobs
    found = jobs.page(after=after, limit=limit + 1)
    more = found[limit - 1].id if len(found) > limit else None
    return {"jobs": [facts(job) for job in found[:limit]], "next": more}


@router.get("/{job_id}", summary="A batch job's progress", responses=_SHOWN)
def show(caller: Enrolling, job_id: JobId) -> dict[str, Any]:
    """How far it is, and whom it failed for."""
    return facts(caller.tenant.store.jobs.find(job_id))


@router.post("/{job_id}/cancel", summary="Cancel a batch job", responses=_SHOWN)
def cancel(request: Request, caller: Enrolling, job_id: JobId) -> dict[str, Any]:
    """End it after the speaker at hand; whoever is enrolled stays."""
    service: Service = request.app.state.service
    job = caller.tenant.store.jobs.cancel(job_id)
    if job.status == "cancelled":
        Spool(service.settings.jobs, job.id, new_key()).clear()
    return facts(job)


@router.delete("/{job_id}", status_code=204, summary="Forget a batch job")
def forget(request: Request, caller: Enrolling, job_id: JobId) -> None:
    """Cancel it if it is not done, and forget what it was to do and whom it failed for."""
    cancel(request, caller, job_id)
    caller.tenant.store.jobs.remove(job_id)


def facts(job: Job) -> dict[str, Any]:
    """A job as it is shown."""
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "speakers": job.total,
        "enrolled": job.done,
        "skipped": job.skipped,
        "failed": job.failed,
        "failures": [
            {"speaker": one.speaker, "error": one.error, "message": one.message}
            for one in job.failures
        ],
        "created_at": job.created_at.isoformat(),
        "updated_at": job.updated_at.isoformat(),
    }


def _choice(fields: Mapping[str, str], name: str) -> str:
    """One of the words that a field may have."""
    words = CHOICES[name]
    given = fields.get(name, words[0]).lower()
    if given not in words:
        raise HTTPException(422, f"{name}={given!r} is not one of {', '.join(words)}.")
    return given
