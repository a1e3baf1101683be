"""The two versions of Azure's interface: the same facts under different names."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

Family = Literal["verification", "identification"]

NOBODY = "00000000-0000-0000-0000-000000000000"  # where nobody was identified
NEEDED_S = 20.0  # of speech, to be enrolled


@dataclass(frozen=True)
class Profile:
    """A voice profile, whatever the version it is asked for in."""

    id: str  # a GUID
    locale: str
    created_at: datetime
    updated_at: datetime
    recordings: int = 0
    audio_s: float = 0.0
    speech_s: float = 0.0
    waived: bool = False  # enrolled with less speech than needed, because it was asked for
    model: str | None = None  # the pack's id, once there is a recording

    @property
    def enrolled(self) -> bool:
        """Whether it may be verified and identified."""
        return self.recordings > 0 and (self.waived or self.speech_s >= NEEDED_S)

    @property
    def remaining_s(self) -> float:
        """Speech that is still needed, rounded up: 0 only where it is enrolled."""
        return 0.0 if self.enrolled else math.ceil(100 * (NEEDED_S - self.speech_s)) / 100


@dataclass(frozen=True)
class Version:
    """How one version spells what both have."""

    name: str
    prefix: str  # of the path; {family} in it
    action: str  # what stands between a profile and what is done with it
    unit: str  # what names of lengths end with
    profile_status: bool  # whether profiles have one
    items: str  # of a page
    next_link: str
    page_size: str  # query parameters
    token: str
    reset_status: int  # 200 gives the profile, 204 nothing
    api_version: str | None = None  # that must be asked for

    def path(self, family: Family) -> str:
        return self.prefix.format(family=family)

    def profile(self, profile: Profile) -> dict[str, Any]:
        """What is known of a profile."""
        status = {"profileStatus": "Active"} if self.profile_status else {}
        return {
            "profileId": profile.id,
            "locale": profile.locale,
            **status,
            "enrollmentStatus": _status(profile),
            "createdDateTime": _date(profile.created_at),
            "lastUpdatedDateTime": _date(profile.updated_at),
            **self._lengths(profile),
            "modelVersion": profile.model,
        }

    def enrolment(self, profile: Profile, audio_s: float, speech_s: float) -> dict[str, Any]:
        """What came of an enrolment with a recording of so many seconds."""
        return {
            "profileId": profile.id,
            "enrollmentStatus": _status(profile),
            **self._lengths(profile),
            f"audioLength{self.unit}": round(audio_s, 2),
            f"audioSpeechLength{self.unit}": round(speech_s, 2),
        }

    def page(self, profiles: Sequence[Profile], next_link: str | None) -> dict[str, Any]:
        """Some of the profiles, and where the others are."""
        page: dict[str, Any] = {self.items: [self.profile(profile) for profile in profiles]}
        return page | ({self.next_link: next_link} if next_link else {})

    def _lengths(self, profile: Profile) -> dict[str, Any]:
        return {
            "enrollmentsCount": profile.recordings,
            f"enrollmentsLength{self.unit}": round(profile.audio_s, 2),
            f"enrollmentsSpeechLength{self.unit}": round(profile.speech_s, 2),
            f"remainingEnrollmentsSpeechLength{self.unit}": profile.remaining_s,
        }


V2 = Version(
    name="2.0",
    prefix="/speaker/{family}/v2.0/text-independent",
    action="/",
    unit="",
    profile_status=False,
    items="profiles",
    next_link="@nextLink",
    page_size="$top",
    token="$continuationToken",  # noqa: S106 - the name of a parameter
    reset_status=204,
)
V2021 = Version(
    name="2021-09-05",
    prefix="/speaker-recognition/{family}/text-independent",
    action=":",
    unit="InSec",
    profile_status=True,
    items="value",
    next_link="nextLink",
    page_size="maxpagesize",
    token="continuationToken",  # noqa: S106 - the name of a parameter
    reset_status=200,
    api_version="2021-09-05",
)


def score(llr: float, threshold: float) -> float:
    """The probability, in [0, 1], that it is the same voice, where the threshold is an even bet.

    That is 1 / (1 + exp(threshold - llr)): 0.5 at the threshold, so that 0.5 or more is what
    the policy accepts, and each step of 1 in the LLR multiplies the odds by e.
    """
    return (1 + math.tanh((llr - threshold) / 2)) / 2


def recognition(decision: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a verification, from a Decision's facts."""
    result = "accept" if decision["accepted"] else "reject"
    return {"recognitionResult": result, "score": score(decision["llr"], decision["threshold"])}


def identification(found: Mapping[str, Any]) -> dict[str, Any]:
    """What came of an identification, from an Identification's facts.

    The scores of a ranking are all held against the threshold of its first.
    """
    candidates = found["candidates"]
    ranking = [
        {"profileId": one["speaker"], "score": score(one["llr"], candidates[0]["threshold"])}
        for one in candidates
    ]
    nobody = {"profileId": NOBODY, "score": 0.0}
    identified = nobody if found["best"] is None else ranking[0]
    return {"identifiedProfile": identified, "profilesRanking": ranking}


def _status(profile: Profile) -> str:
    return "Enrolled" if profile.enrolled else "Enrolling"


def _date(at: datetime) -> str:
    """Such as 2015-04-23T18:25:43.410Z."""
    utc = at.astimezone(timezone.utc).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"
