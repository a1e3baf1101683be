"""The recordings that a speaker is enrolled with: add, list, remove; import a person's data."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, HTTPException, Path, Query, Request

from voxgate.errors import (
    AudioError,
    SpeakerExistsError,
    SpeakerNotFoundError,
    SpeakerOptedOutError,
    StoreError,
)
from voxgate.server import bodies
from voxgate.server.auth import Administering, Enrolling, Verifying
from voxgate.server.bodies import NamedBytes, Recordings
from voxgate.server.routes.common import SpeakerName, problems, service_of
from voxgate.server.routes.speakers import shown
from voxgate.server.schemas import Enrolled, Enrolments, Speaker
from voxgate.verify import Verifier

router = APIRouter(prefix="/v1", tags=["enrolments"])

_PATH = "/speakers/{speaker}/enrolments"
_DOCUMENT = {
    "format": "voxgate speaker",
    "version": 2,
    "speaker": "ada",
    "created_at": "2026-11-21T09:24:49+00:00",
    "metadata": {},
    "groups": [],
    "samples": [],
}


@router.post(
    _PATH,
    status_code=201,
    summary="Enrol recordings",
    response_model=Enrolled,
    responses=problems(409, 415),
    openapi_extra=bodies.documented(),
)
def enrol(
    request: Request, caller: Enrolling, speaker: SpeakerName, recordings: Recordings
) -> dict[str, Any]:
    """Add recordings to a speaker's enrolment, which they may be the first of.

    A recording that is unfit is left out, and why is said; if all are, nothing is enrolled.
    """
    if caller.tenant.store.opted_out(speaker):
        raise SpeakerOptedOutError(speaker)
    enrolment = add(caller.tenant.verifier, speaker, recordings)
    wanted_s = service_of(request).settings.enrolment_speech_s
    return {**enrolment, "speech_wanted_s": max(0.0, wanted_s - enrolment["speech_s"])}


@router.get(
    _PATH, summary="List a speaker's recordings", response_model=Enrolments, responses=problems(404)
)
def show(caller: Verifying, speaker: SpeakerName) -> dict[str, Any]:
    """What is known of each recording that the speaker is enrolled with; of all packs."""
    store = caller.tenant.store
    packs = store.speaker(speaker).packs
    found = [(pack, sample) for pack in packs for sample in store.samples(speaker, pack)]
    return {
        "enrolments": [
            {
                "id": sample.id,
                "name": sample.name,
                "speech_s": sample.speech_s,
                "quality": sample.quality,
                "pack": pack,
                "added_at": sample.added_at,
            }
            for pack, sample in found
        ]
    }


@router.delete(
    _PATH + "/{enrolment}",
    status_code=204,
    summary="Remove one recording",
    responses=problems(404),
)
def remove(
    caller: Enrolling,
    speaker: SpeakerName,
    enrolment: Annotated[str, Path(min_length=1, max_length=64)],
) -> None:
    """Forget one recording for good, and make the voiceprint anew from the others."""
    caller.tenant.store.remove_sample(speaker, enrolment)


@router.delete(_PATH, status_code=204, summary="Reset an enrolment", responses=problems(404))
def reset(caller: Enrolling, speaker: SpeakerName) -> None:
    """Forget all recordings and the voiceprint; the speaker stays, with metadata and groups."""
    caller.tenant.store.reset(speaker)


@router.post(
    "/import",
    status_code=201,
    summary="Import a speaker",
    response_model=Speaker,
    responses=problems(409),
)
def import_(
    request: Request,
    caller: Administering,
    document: Annotated[dict[str, Any], Body(examples=[_DOCUMENT])],
    mode: Annotated[Literal["new", "add", "replace"], Query()] = "new",
) -> dict[str, Any]:
    """Take in what the export of a speaker has given, all of it or nothing."""
    try:
        summary = caller.tenant.store.import_(document, mode=mode)
    except StoreError as error:
        if type(error) is not StoreError:
            raise
        raise HTTPException(422, str(error)) from error  # the document is not what it should be
    return shown(request, caller, summary)


def add(verifier: Verifier, speaker: str, recordings: list[NamedBytes]) -> dict[str, Any]:
    """Enrol recordings, each heard once, in addition to what is there."""
    heard = [_heard(verifier, recording) for recording in recordings]
    while True:  # another request may enrol or reset the same speaker at this moment
        try:
            return verifier.enrol(speaker, heard, mode=_mode(verifier, speaker)).to_dict()
        except (SpeakerExistsError, SpeakerNotFoundError):
            continue


def _mode(verifier: Verifier, speaker: str) -> Literal["new", "add"]:
    try:
        verifier.store.voiceprint(speaker, verifier.pack.id)
    except SpeakerNotFoundError:
        return "new"
    return "add"


def _heard(verifier: Verifier, recording: NamedBytes) -> Any:
    """Its embedding; or the recording as it is, for the Verifier to say why there is none."""
    try:
        return verifier.embed(recording)
    except AudioError:
        return recording
