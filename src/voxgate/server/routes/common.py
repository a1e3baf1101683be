"""What the routes have in common."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query, Request

from voxgate.server.auth import Caller
from voxgate.server.judging import Judge
from voxgate.server.schemas import NAME, Problem
from voxgate.server.service import Service

_PROBLEM: dict[str, Any] = {
    "model": Problem,
    "content": {"application/problem+json": {}},
}
_SAYS = {
    401: "No key, or not a valid one.",
    403: "The key may not do that.",
    404: "There is no such thing.",
    409: "It conflicts with what is there.",
    413: "The body is too long.",
    415: "No sound in it that can be decoded.",
    422: "The request makes no sense, or the recording is not fit to use.",
    429: "Too many requests; see Retry-After.",
    503: "Busy, or the store cannot be reached; see Retry-After.",
}
ALWAYS = (401, 403, 413, 422, 429, 503)

PathName = Path(min_length=1, max_length=256, pattern=NAME)
SpeakerName = Annotated[str, PathName]
GroupName = Annotated[str, PathName]
Far = Annotated[
    float | None,
    Query(gt=0, lt=1, description="The false-accept rate to decide by; else the service's."),
]
After = Annotated[str | None, Query(max_length=2000, description="'next' of the page before.")]
Limit = Annotated[int, Query(ge=1, le=500, description="The most of them on one page.")]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that say what is wrong, for OpenAPI."""
    return {
        status: {**_PROBLEM, "description": _SAYS[status]}
        for status in sorted({*ALWAYS, *statuses})
    }


def service_of(request: Request) -> Service:
    """The service that a request has come to."""
    service: Service = request.app.state.service
    return service


def judge_for(caller: Caller, request: Request) -> Judge:
    """What decides for a caller."""
    return Judge(caller, service_of(request).settings.least_snr_db)


def paged(names: Sequence[str], limit: int) -> tuple[int, str | None]:
    """Of one more than wanted: how many to show, and the name after which there are more."""
    return (limit, names[limit - 1]) if len(names) > limit else (len(names), None)
