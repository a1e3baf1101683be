"""Speakers: enrol one, look at one, verify a claim to be one."""

from typing import Any

from fastapi import APIRouter, Request

from voxgate.errors import SpeakerExistsError
from voxgate.server.bodies import Recording
from voxgate.server.service import Service
from voxgate.server.trace import note_decision

router = APIRouter(prefix="/v1/speakers", tags=["speakers"])


@router.get("/{speaker}", summary="A speaker's enrolment")
def show(request: Request, speaker: str) -> dict[str, Any]:
    """How much of the speaker is enrolled with the pack in use."""
    service: Service = request.app.state.service
    voiceprint = service.verifier.store.voiceprint(speaker, service.verifier.pack.id)
    return {
        "speaker": voiceprint.speaker,
        "recordings": voiceprint.recordings,
        "speech_s": voiceprint.speech_s,
        "pack": voiceprint.pack,
    }


@router.post("/{speaker}/enrolments", status_code=201, summary="Enrol a recording")
def enrol(request: Request, speaker: str, recording: Recording) -> dict[str, Any]:
    """Add a recording, the body, to a speaker's enrolment, which it may be the first of."""
    verifier = request.app.state.service.verifier
    try:
        enrolment = verifier.enrol(speaker, [recording])
    except SpeakerExistsError:
        enrolment = verifier.enrol(speaker, [recording], mode="add")
    found: dict[str, Any] = enrolment.to_dict()
    return found


@router.post("/{speaker}/verify", summary="Verify a claim")
def verify(request: Request, speaker: str, recording: Recording) -> dict[str, Any]:
    """Decide whether the recording, the body, is of the speaker."""
    decision = request.app.state.service.verifier.verify(speaker, recording)
    note_decision("verify", decision.outcome.value)
    found: dict[str, Any] = decision.to_dict()
    return found
