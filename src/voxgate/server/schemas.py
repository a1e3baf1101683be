"""What goes into the routes and comes out of them, as OpenAPI shows it."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from voxgate.server.cursors import to_cursor

NAME = r"^[^/\x00-\x1f\x7f]+$"  # a slash would divide a path
Name = Annotated[str, Field(min_length=1, max_length=256, pattern=NAME)]
ScopeName = Literal["verify", "enrol", "admin"]
Cursor = Annotated[str | None, PlainSerializer(lambda name: name and to_cursor(name))]


def _as_json(metadata: dict[str, Any]) -> dict[str, Any]:
    """Refuse what JSON has no words for: NaN, infinity, half a character."""
    try:
        json.dumps(metadata, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError("holds a number that is not finite, or text that is no Unicode") from error
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_as_json)]

_ID = "3f2b8c6e0d9f4a57b1c2d3e4f5a6b7c8"
_WHEN = "2026-11-21T09:24:49.118000Z"


class Model(BaseModel):
    """Strict: a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [fields]})


class NewSpeaker(Model):
    """A speaker to be made."""

    model_config = _example(speaker="ada", metadata={"account": 4711})

    speaker: Name
    metadata: Metadata = {}


class Description(Model):
    """What is to be kept with a speaker from now on, in the place of what was."""

    model_config = _example(metadata={"account": 4711, "language": "en"})

    metadata: Metadata


class Speaker(Model):
    """A speaker, and how far the enrolment has come with the pack in use."""

    model_config = _example(
        speaker="ada", status="enrolled", recordings=2, speech_s=9.4, speech_wanted_s=10.6,
        pack="ecapa-compact@7", metadata={"account": 4711}, groups=["staff"], created_at=_WHEN,
        updated_at=_WHEN,
    )  # fmt: skip

    speaker: str
    status: Literal["pending", "enrolled", "opted_out"] = Field(
        description="pending: known, but without a voiceprint of the pack in use."
    )
    recordings: int
    speech_s: float
    speech_wanted_s: float = Field(
        description="Seconds of speech that would still make decisions surer. A speaker can be "
        "verified before."
    )
    pack: str
    metadata: Metadata = {}
    groups: list[str] = []
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Speakers(Model):
    """A page of speakers, by name."""

    speakers: list[Speaker]
    next: Cursor = Field(None, description="Send it as 'after' for the page that follows.")


class Enrolment(Model):
    """A recording that a speaker is enrolled with; the sound itself is not kept."""

    model_config = _example(
        id=_ID, name="ada-1.flac", speech_s=4.7, quality={"snr_db": 32.1}, pack="ecapa-compact@7",
        added_at=_WHEN,
    )  # fmt: skip

    id: str
    name: str
    speech_s: float
    quality: dict[str, Any]
    pack: str
    added_at: datetime


class Enrolments(Model):
    """The recordings that a speaker is enrolled with, in the order they came."""

    enrolments: list[Enrolment]


class Enrolled(Model):
    """What became of recordings that were to be enrolled."""

    model_config = _example(
        speaker="ada", pack="ecapa-compact@7", recordings=1, speech_s=4.7, speech_wanted_s=15.3,
        contributions=[{"name": "ada-1.flac", "outcome": "used", "speech_s": 4.7}], warnings=[],
        sentence="Enrolled ada with 1 of 1 recording: 4.7 s of speech from 1 recording in all.",
    )  # fmt: skip

    speaker: str
    pack: str
    contributions: list[dict[str, Any]] = Field(
        description="One for each recording: used, too_little_speech, other_voice, duplicate or "
        "unreadable."
    )
    recordings: int
    speech_s: float
    speech_wanted_s: float
    warnings: list[dict[str, Any]]
    sentence: str


Outcome = Literal[
    "accept",
    "reject",
    "not_enough_speech",
    "low_quality",
    "speaker_not_enrolled",
    "speaker_opted_out",
]
_POLICY = {"kind": "false_accept_rate", "far": 0.01}
_PROBE = {"name": "recording", "speech_s": 4.6, "needed_s": 0.5, "recordings": 1, "quality": None}


class Comparison(Model):
    """A decision about two recordings, or a recording and a speaker."""

    model_config = _example(
        id=_ID, outcome="accept", accepted=True, speaker="ada", llr=11.2, threshold=1.8,
        stranger_rate={"value": 0.0003, "bound": "below"}, score=5.9, cosine=0.95, policy=_POLICY,
        enrolled={**_PROBE, "name": "ada", "recordings": 2}, probe=_PROBE, warnings=[],
        pack="ecapa-compact@7", at=_WHEN, sentence="Accepted as ada: …",
    )  # fmt: skip

    id: str = Field(description="By which the audit log knows it.")
    outcome: Outcome
    accepted: bool
    speaker: str | None
    llr: float | None = Field(description="Log-likelihood ratio for one voice, natural logarithm.")
    threshold: float | None = Field(description="The LLR from which on the policy accepts.")
    stranger_rate: dict[str, Any] | None
    score: float | None
    cosine: float | None
    policy: dict[str, Any]
    enrolled: dict[str, Any]
    probe: dict[str, Any]
    warnings: list[dict[str, Any]]
    pack: str
    at: datetime
    sentence: str


class Risk(Model):
    """Whether the voice is that of a known fraudster."""

    model_config = _example(
        level="high", reasons=["known_fraudster"], fraudster="mallory", watchlists=["callers"],
        llr=9.1,
    )  # fmt: skip

    level: Literal["high", "low", "not_enough_speech"]
    reasons: list[Literal["known_fraudster"]]
    fraudster: str | None
    watchlists: list[str]
    llr: float | None


class Verification(Comparison):
    """A decision about a claim to be a speaker."""

    risk: Risk | None = Field(description="None where nothing was listened to.")


class Identification(Model):
    """Whose voice it is, if anybody's."""

    model_config = _example(
        id=_ID, outcome="accept", accepted=True, best="ada",
        candidates=[{"speaker": "ada", "llr": 11.2, "threshold": 2.4, "accepted": True}],
        searched=12, policy=_POLICY, probe=_PROBE, warnings=[], pack="ecapa-compact@7", at=_WHEN,
        sentence="This is ada: …",
    )  # fmt: skip

    id: str
    outcome: Outcome
    accepted: bool
    best: str | None = Field(description="The speaker, or null: none of them.")
    candidates: list[dict[str, Any]]
    searched: int
    policy: dict[str, Any]
    probe: dict[str, Any]
    warnings: list[dict[str, Any]]
    pack: str
    at: datetime
    sentence: str


class Group(Model):
    """A group of speakers, or a watchlist of fraudsters."""

    model_config = _example(name="staff", size=12, created_at=_WHEN)

    name: str
    size: int
    created_at: datetime


class Groups(Model):
    """All groups, or all watchlists."""

    groups: list[Group]


class Names(Model):
    """Names, sorted."""

    model_config = _example(names=["ada", "grace"])

    names: list[str]


class NewKey(Model):
    """An API key to be made."""

    model_config = _example(scopes=["verify"], label="call centre", domain=None, valid_days=90)

    scopes: Annotated[list[ScopeName], Field(min_length=1)]
    label: Annotated[str, Field(max_length=100)] = ""
    domain: Name | None = Field(
        None, description="Another domain than one's own: only for admins of the default one."
    )
    valid_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class Key(Model):
    """An API key, without its secret."""

    model_config = _example(
        id="9f86d081884c", scopes=["verify"], domain="default", label="call centre",
        created_at=_WHEN, expires_at=None, revoked_at=None, last_used_at=_WHEN,
    )  # fmt: skip

    id: str
    scopes: list[str]
    domain: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")


class MadeKey(Key):
    """An API key that was made just now."""

    key: str = Field(description="The key itself. It is told this once, and kept nowhere.")


class Keys(Model):
    """The API keys of a domain; for its operators, of all domains."""

    keys: list[Key]


class AuditEntry(Model):
    """One thing that was done."""

    model_config = _example(
        at=_WHEN, action="verify", speaker="5e884898da28", detail={"outcome": "accept"}
    )

    at: datetime
    action: str
    speaker: str | None = Field(description="A keyed hash of the name.")
    detail: dict[str, Any]


class AuditLog(Model):
    """The newest entries first."""

    entries: list[AuditEntry]


class Problem(BaseModel):
    """What is wrong, as RFC 9457 has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:voxgate:speaker-not-found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "No speaker 'bob' is enrolled with ecapa-compact@7.",
                    "request_id": _ID,
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    request_id: str
