"""Compare two recordings."""

from typing import Any

from fastapi import APIRouter, Request

from voxgate.server import bodies
from voxgate.server.auth import Verifying
from voxgate.server.bodies import TwoRecordings
from voxgate.server.routes.common import Far, judge_for, problems
from voxgate.server.schemas import Comparison

router = APIRouter(prefix="/v1", tags=["decisions"])


@router.post(
    "/compare",
    summary="Compare two recordings",
    response_model=Comparison,
    responses=problems(415),
    openapi_extra=bodies.documented(raw=False),
)
def compare(
    request: Request, caller: Verifying, recordings: TwoRecordings, far: Far = None
) -> dict[str, Any]:
    """Decide whether two recordings, the files of a form, are of one voice. Nothing is kept."""
    return judge_for(caller, request).compare(*recordings, far)
