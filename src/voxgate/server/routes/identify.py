"""Find the speaker whose voice it is."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from voxgate.server import bodies
from voxgate.server.auth import Verifying
from voxgate.server.bodies import Recording
from voxgate.server.routes.common import Far, GroupName, judge_for, problems
from voxgate.server.schemas import Identification, Name

router = APIRouter(prefix="/v1", tags=["decisions"])


@router.post(
    "/identify",
    summary="Identify a speaker",
    response_model=Identification,
    responses=problems(404, 415),
    openapi_extra=bodies.documented(),
)
def identify(  # noqa: PLR0913, PLR0917 - its parameters are those of the request
    request: Request,
    caller: Verifying,
    recording: Recording,
    group: GroupName | None = None,
    speaker: Annotated[
        list[Name] | None,
        Query(max_length=1000, description="One of those to choose from; may be repeated."),
    ] = None,
    top: Annotated[int, Query(ge=1, le=100, description="How many candidates to list.")] = 5,
    far: Far = None,
) -> dict[str, Any]:
    """Find whose voice it is: among all speakers, a group, or some; or that it is nobody's.

    The false-accept rate is that of the whole search.
    """
    judge = judge_for(caller, request)
    return judge.identify(recording, top=top, far=far, among=speaker, group=group)
