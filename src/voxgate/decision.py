"""What comes out of a comparison: decisions, identifications, rankings.

All are plain values. `to_dict` gives JSON-ready facts under keys that do not change,
`sentence` one sentence for a person. LLRs are natural logarithms, speech is in seconds.
"""

import math
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any
from uuid import uuid4

from voxgate.errors import VoxgateError
from voxgate.quality import Quality, QualityWarning
from voxgate.scoring import Policy, StrangerRate


class Outcome(str, Enum):
    """How a decision ended."""

    ACCEPT = "accept"
    REJECT = "reject"
    NOT_ENOUGH_SPEECH = "not_enough_speech"
    LOW_QUALITY = "low_quality"  # too noisy to be compared at all
    SPEAKER_NOT_ENROLLED = "speaker_not_enrolled"
    SPEAKER_OPTED_OUT = "speaker_opted_out"


@dataclass(frozen=True)
class Side:
    """One of the two things compared: a recording, or an enrolled speaker."""

    name: str
    speech_s: float
    needed_s: float
    quality: Quality | None = None  # None for a stored voiceprint, and where speech is lacking
    recordings: int = 1

    @property
    def enough(self) -> bool:
        """Whether there is as much speech as the pack needs."""
        return self.speech_s >= self.needed_s

    @property
    def warnings(self) -> tuple[QualityWarning, ...]:
        """What is doubtful about it, each message starting with the name."""
        found = self.quality.warnings if self.quality else ()
        return tuple(QualityWarning(w.code, f"{self.name}: {w.message}") for w in found)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "speech_s": self.speech_s,
            "needed_s": self.needed_s,
            "recordings": self.recordings,
            "quality": self.quality.to_dict() if self.quality else None,
        }


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _new_id() -> str:
    return uuid4().hex


@dataclass(frozen=True)
class Decision:
    """Whether two sides are one voice, and on what grounds.

    The numbers are None where a side has not enough speech to be compared.
    """

    outcome: Outcome
    enrolled: Side
    probe: Side
    policy: Policy
    pack: str
    speaker: str | None = None  # whose voice was claimed, if it was an enrolled one
    score: float | None = None  # AS-norm: standard deviations above unrelated voices
    cosine: float | None = None
    llr: float | None = None
    threshold: float | None = None  # LLR from which on the policy accepts
    stranger_rate: StrangerRate | None = None  # how often a stranger has this LLR or more
    notes: tuple[QualityWarning, ...] = ()  # doubts about the comparison itself
    at: datetime = field(default_factory=_now)  # in UTC
    id: str = field(default_factory=_new_id)  # by which an audit log finds it again

    @property
    def accepted(self) -> bool:
        return self.outcome is Outcome.ACCEPT

    @property
    def warnings(self) -> tuple[QualityWarning, ...]:
        """Doubts about either side and about the comparison."""
        return (*self.enrolled.warnings, *self.probe.warnings, *self.notes)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "outcome": self.outcome.value,
            "accepted": self.accepted,
            "speaker": self.speaker,
            "llr": self.llr,
            "threshold": self.threshold,
            "stranger_rate": self.stranger_rate._asdict() if self.stranger_rate else None,
            "score": self.score,
            "cosine": self.cosine,
            "policy": self.policy.to_dict(),
            "enrolled": self.enrolled.to_dict(),
            "probe": self.probe.to_dict(),
            "warnings": [asdict(warning) for warning in self.warnings],
            "pack": self.pack,
            "at": self.at.isoformat(),
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        """The decision and its grounds, for a person."""
        if self.llr is None or self.threshold is None or self.stranger_rate is None:
            return self._why_none()
        return (
            f"{self._verdict(self.llr)}: {_in_words(self.stranger_rate)} would score this high "
            f"(LLR {self.llr:.1f}, threshold {self.threshold:.1f} for {self.policy})."
        )

    def _why_none(self) -> str:
        if self.outcome is Outcome.SPEAKER_NOT_ENROLLED:
            return f"Nothing to compare with: {self.speaker} is not enrolled with {self.pack}."
        if self.outcome is Outcome.SPEAKER_OPTED_OUT:
            return f"Nothing is compared: {self.speaker} has opted out."
        if self.outcome is Outcome.LOW_QUALITY:
            return _too_poor(self.probe)
        return _too_little(self.enrolled, self.probe)

    def _verdict(self, llr: float) -> str:
        if self.speaker is None:
            accepted, refused, other = (
                "Same voice", "Not accepted as the same voice", "More likely two voices",
            )  # fmt: skip
        else:
            accepted = f"Accepted as {self.speaker}"
            refused = f"Not accepted as {self.speaker}"
            other = f"More likely another voice than that of {self.speaker}"
        return accepted if self.accepted else refused if llr >= 0 else other


@dataclass(frozen=True)
class Candidate:
    """An enrolled speaker in the order of an identification."""

    speaker: str
    score: float
    cosine: float
    llr: float
    threshold: float  # LLR from which on the policy accepts, over the whole search
    speech_s: float  # enrolled
    extrapolated: bool = False  # the threshold lies beyond what was measured

    @property
    def accepted(self) -> bool:
        return self.llr >= self.threshold


@dataclass(frozen=True)
class Identification:
    """Which of the enrolled speakers a recording is, if any."""

    outcome: Outcome
    candidates: tuple[Candidate, ...]  # best first
    probe: Side
    policy: Policy
    searched: int  # enrolled speakers that it was compared with
    pack: str
    notes: tuple[QualityWarning, ...] = ()
    at: datetime = field(default_factory=_now)
    id: str = field(default_factory=_new_id)

    @property
    def accepted(self) -> bool:
        return self.outcome is Outcome.ACCEPT

    @property
    def best(self) -> str | None:
        """The speaker it is, or None: none of them."""
        return self.candidates[0].speaker if self.accepted else None

    @property
    def warnings(self) -> tuple[QualityWarning, ...]:
        """Doubts about the recording and about the search."""
        return (*self.probe.warnings, *self.notes)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "outcome": self.outcome.value,
            "accepted": self.accepted,
            "best": self.best,
            "candidates": [
                {**asdict(candidate), "accepted": candidate.accepted}
                for candidate in self.candidates
            ],
            "searched": self.searched,
            "policy": self.policy.to_dict(),
            "probe": self.probe.to_dict(),
            "warnings": [asdict(warning) for warning in self.warnings],
            "pack": self.pack,
            "at": self.at.isoformat(),
            "sentence": self.sentence(),
        }

    def sentence(self) -> str:
        """The answer and its grounds, for a person."""
        if self.outcome is Outcome.NOT_ENOUGH_SPEECH:
            return _too_little(self.probe)
        if self.outcome is Outcome.LOW_QUALITY:
            return _too_poor(self.probe)
        if not self.candidates:
            return f"None of them: nobody is enrolled with {self.pack} yet."
        best = self.candidates[0]
        this_is = (
            f"This is {best.speaker}:" if self.accepted else f"None of them: {best.speaker} is"
        )
        return (
            f"{this_is} the best of {self.searched:,} enrolled voice{'s'[: self.searched > 1]} "
            f"(LLR {best.llr:.1f}, threshold {best.threshold:.1f} for {self.policy} over the "
            "whole search)."
        )


@dataclass(frozen=True)
class Match:
    """A recording in the order of a ranking."""

    name: str
    score: float
    cosine: float
    llr: float
    speech_s: float
    warnings: tuple[QualityWarning, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "warnings": [asdict(warning) for warning in self.warnings]}


@dataclass(frozen=True)
class Failure:
    """A recording that could not be compared, and why."""

    name: str
    error: VoxgateError


@dataclass(frozen=True)
class Ranking:
    """Recordings by how much they sound like the probe."""

    probe: Side
    matches: tuple[Match, ...]  # the most alike first
    failures: tuple[Failure, ...]
    pack: str
    at: datetime = field(default_factory=_now)

    def to_dict(self) -> dict[str, Any]:
        return {
            "probe": self.probe.to_dict(),
            "matches": [match.to_dict() for match in self.matches],
            "failures": [{"name": f.name, "message": str(f.error)} for f in self.failures],
            "pack": self.pack,
            "at": self.at.isoformat(),
        }


def _too_little(*sides: Side) -> str:
    found = " and ".join(
        f"{side.name} has {side.speech_s:.2f} s" for side in sides if not side.enough
    )
    needed = f"at least {sides[0].needed_s:.2f} s is needed"
    return f"Not enough speech to decide: {found} of speech; {needed}."


def _too_poor(side: Side) -> str:
    snr_db = side.quality.snr_db if side.quality else None
    heard = "" if snr_db is None else f" ({snr_db:.0f} dB of speech over noise)"
    return f"Too noisy to decide: {side.name}{heard}; record it again in a quieter place."


def _in_words(rate: StrangerRate) -> str:
    """Such as "about 1 in 2,000 strangers": two figures are as many as are known."""
    one_in = 1 / rate.value
    rounded = round(one_in, 1 - math.floor(math.log10(one_in)) if one_in >= 10 else 0)
    how = {"about": "about", "below": "fewer than", "above": "more than"}[rate.bound]
    return f"{how} 1 in {rounded:,.0f} strangers"
