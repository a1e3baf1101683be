"""Speakers: make, look at, describe, forget; verify a claim to be one."""

from typing import Any

from fastapi import APIRouter, Request, Response

from voxgate.server import bodies
from voxgate.server.auth import Administering, Caller, Enrolling, Verifying
from voxgate.server.bodies import Recording
from voxgate.server.cursors import from_cursor
from voxgate.server.routes.common import (
    After,
    Far,
    GroupName,
    Limit,
    SpeakerName,
    judge_for,
    paged,
    problems,
    service_of,
)
from voxgate.server.schemas import Description, NewSpeaker, Speaker, Speakers, Verification
from voxgate.store import SpeakerSummary

router = APIRouter(prefix="/v1/speakers", tags=["speakers"])


@router.post(
    "", status_code=201, summary="Make a speaker", response_model=Speaker, responses=problems(409)
)
def create(request: Request, caller: Enrolling, given: NewSpeaker) -> dict[str, Any]:
    """Make a speaker without recordings. Enrolling somebody unknown makes the speaker, too."""
    made = caller.tenant.store.add_speaker(given.speaker, given.metadata)
    return shown(request, caller, made)


@router.get("", summary="List speakers", response_model=Speakers, responses=problems(404))
def page(
    request: Request,
    caller: Verifying,
    after: After = None,
    limit: Limit = 100,
    group: GroupName | None = None,
) -> dict[str, Any]:
    """All speakers by name, or those of a group, page by page."""
    found = caller.tenant.store.page(after=from_cursor(after), limit=limit + 1, group=group)
    count, last = paged([summary.name for summary in found], limit)
    return {"speakers": [shown(request, caller, one) for one in found[:count]], "next": last}


@router.get(
    "/{speaker}", summary="A speaker's status", response_model=Speaker, responses=problems(404)
)
def show(request: Request, caller: Verifying, speaker: SpeakerName) -> dict[str, Any]:
    """How much is enrolled of a speaker, and how much speech is still wanted."""
    if caller.tenant.store.opted_out(speaker):
        nothing = {"recordings": 0, "speech_s": 0.0, "speech_wanted_s": 0.0}
        pack = caller.tenant.verifier.pack.id
        return {"speaker": speaker, "status": "opted_out", "pack": pack, **nothing}
    return shown(request, caller, caller.tenant.store.speaker(speaker))


@router.patch(
    "/{speaker}", summary="Describe a speaker", response_model=Speaker, responses=problems(404)
)
def describe(
    request: Request, caller: Enrolling, speaker: SpeakerName, given: Description
) -> dict[str, Any]:
    """Put other metadata in the place of a speaker's. It is kept encrypted."""
    return shown(request, caller, caller.tenant.store.describe(speaker, given.metadata))


@router.delete("/{speaker}", status_code=204, summary="Delete a speaker", responses=problems(404))
def delete(caller: Enrolling, speaker: SpeakerName) -> None:
    """Forget a speaker for good: voiceprints, recordings' facts, metadata."""
    caller.tenant.store.delete(speaker)


@router.put("/{speaker}/opt-out", status_code=204, summary="Opt out", responses=problems())
def opt_out(caller: Enrolling, speaker: SpeakerName) -> None:
    """Forget a speaker, known or not, and never take one of that name in again.

    Nothing is left but a keyed hash of the name.
    """
    caller.tenant.store.opt_out(speaker)


@router.delete("/{speaker}/opt-out", status_code=204, summary="Opt in again", responses=problems())
def opt_in(caller: Administering, speaker: SpeakerName) -> None:
    """Take back an opt-out. Nothing that was forgotten comes back."""
    caller.tenant.store.opt_in(speaker)


@router.post(
    "/{speaker}/verify",
    summary="Verify a claim",
    response_model=Verification,
    responses=problems(415),
    openapi_extra=bodies.documented(),
)
def verify(
    request: Request,
    caller: Verifying,
    speaker: SpeakerName,
    recording: Recording,
    far: Far = None,
) -> dict[str, Any]:
    """Decide whether a recording is of the speaker, and whether it is of a known fraudster."""
    return judge_for(caller, request).verify(speaker, recording, far)


@router.get("/{speaker}/export", summary="Export a speaker", responses=problems(404))
def export(caller: Administering, speaker: SpeakerName, response: Response) -> dict[str, Any]:
    """All that is kept about a person, to hand over or to import elsewhere. Not encrypted."""
    response.headers["Content-Disposition"] = 'attachment; filename="speaker.json"'
    return caller.tenant.store.export(speaker)


def shown(request: Request, caller: Caller, summary: SpeakerSummary) -> dict[str, Any]:
    """A speaker as the routes show one."""
    pack, store = caller.tenant.verifier.pack.id, caller.tenant.store
    voiceprint = store.voiceprint(summary.name, pack) if pack in summary.packs else None
    speech_s = voiceprint.speech_s if voiceprint else 0.0
    wanted_s = service_of(request).settings.enrolment_speech_s
    return {
        "speaker": summary.name,
        "status": "enrolled" if voiceprint else "pending",
        "recordings": voiceprint.recordings if voiceprint else 0,
        "speech_s": speech_s,
        "speech_wanted_s": max(0.0, wanted_s - speech_s),
        "pack": pack,
        "metadata": summary.metadata,
        "groups": list(summary.groups),
        "created_at": summary.created_at,
        "updated_at": summary.updated_at,
    }
