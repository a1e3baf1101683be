"""Groups of speakers, to be searched apart."""

from typing import Any

from fastapi import APIRouter

from voxgate.server.auth import Administering, Enrolling, Verifying
from voxgate.server.routes.common import GroupName, SpeakerName, problems
from voxgate.server.schemas import Group, Groups, Names

router = APIRouter(prefix="/v1/groups", tags=["groups"])


@router.get("", summary="List groups", response_model=Groups, responses=problems())
def show_all(caller: Verifying) -> dict[str, Any]:
    """All groups of the domain."""
    return {"groups": [vars(group) for group in caller.tenant.store.groups()]}


@router.put("/{group}", summary="Make a group", response_model=Group, responses=problems())
def put(caller: Enrolling, group: GroupName) -> dict[str, Any]:
    """Make a group, unless it is there."""
    return vars(caller.tenant.store.put_group(group))


@router.delete("/{group}", status_code=204, summary="Remove a group", responses=problems(404))
def delete(caller: Administering, group: GroupName) -> None:
    """Remove a group; its members stay speakers."""
    caller.tenant.store.delete_group(group)


@router.get(
    "/{group}/members", summary="A group's members", response_model=Names, responses=problems(404)
)
def members(caller: Verifying, group: GroupName) -> dict[str, Any]:
    """The names of the speakers in it."""
    return {"names": caller.tenant.store.members(group)}


@router.put(
    "/{group}/members/{speaker}", status_code=204, summary="Add to a group", responses=problems(404)
)
def add(caller: Enrolling, group: GroupName, speaker: SpeakerName) -> None:
    """Put a speaker into a group."""
    caller.tenant.store.add_members(group, [speaker])


@router.delete(
    "/{group}/members/{speaker}",
    status_code=204,
    summary="Take out of a group",
    responses=problems(404),
)
def remove(caller: Enrolling, group: GroupName, speaker: SpeakerName) -> None:
    """Take a speaker out of a group."""
    caller.tenant.store.remove_members(group, [speaker])
