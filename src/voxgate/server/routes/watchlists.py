"""Watchlists of known fraudsters, who are looked for whenever a claim is verified.

Fraudsters are kept apart from the speakers: nobody is ever identified as one of them.
"""

from typing import Any

from fastapi import APIRouter

from voxgate.server import bodies
from voxgate.server.auth import Administering
from voxgate.server.bodies import Recordings
from voxgate.server.routes.common import GroupName, SpeakerName, problems
from voxgate.server.routes.enrolments import add
from voxgate.server.schemas import Enrolled, Group, Groups, Names

router = APIRouter(prefix="/v1/watchlists", tags=["watchlists"])


@router.get("", summary="List watchlists", response_model=Groups, responses=problems())
def show_all(caller: Administering) -> dict[str, Any]:
    """All watchlists of the domain."""
    return {"groups": [vars(found) for found in caller.tenant.watch.store.groups()]}


@router.put("/{watchlist}", summary="Make a watchlist", response_model=Group, responses=problems())
def put(caller: Administering, watchlist: GroupName) -> dict[str, Any]:
    """Make a watchlist, unless it is there."""
    return vars(caller.tenant.watch.store.put_group(watchlist))


@router.delete(
    "/{watchlist}", status_code=204, summary="Remove a watchlist", responses=problems(404)
)
def delete(caller: Administering, watchlist: GroupName) -> None:
    """Remove a watchlist, and forget for good whoever is on no other one."""
    store = caller.tenant.watch.store
    for name in store.members(watchlist):
        if store.speaker(name).groups == (watchlist,):
            store.delete(name)
    store.delete_group(watchlist)


@router.get(
    "/{watchlist}/fraudsters",
    summary="Who is on a watchlist",
    response_model=Names,
    responses=problems(404),
)
def members(caller: Administering, watchlist: GroupName) -> dict[str, Any]:
    """The names under which they were registered."""
    return {"names": caller.tenant.watch.store.members(watchlist)}


@router.post(
    "/{watchlist}/fraudsters/{fraudster}",
    status_code=201,
    summary="Register a fraudster",
    response_model=Enrolled,
    responses=problems(404, 415),
    openapi_extra=bodies.documented(),
)
def register(
    caller: Administering, watchlist: GroupName, fraudster: SpeakerName, recordings: Recordings
) -> dict[str, Any]:
    """Put a fraudster on a watchlist, or add recordings of one who is on it."""
    watch = caller.tenant.watch
    watch.store.members(watchlist)  # nothing is heard for one that is not there
    enrolment = add(watch, fraudster, recordings)
    watch.store.add_members(watchlist, [fraudster])
    return {**enrolment, "speech_wanted_s": 0.0}


@router.delete(
    "/{watchlist}/fraudsters/{fraudster}",
    status_code=204,
    summary="Take a fraudster off a watchlist",
    responses=problems(404),
)
def remove(caller: Administering, watchlist: GroupName, fraudster: SpeakerName) -> None:
    """Take a fraudster off, and forget who is then on no watchlist for good."""
    store = caller.tenant.watch.store
    store.remove_members(watchlist, [fraudster])
    if not store.speaker(fraudster).groups:
        store.delete(fraudster)
